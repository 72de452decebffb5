import type { Racer } from '../race.js';

/** Sizes of an envelope's data: one block of padding, and the size for a message of 1 KiB. */
export const POW_SIZES = { '256 B': 256, '1.5 KiB': 1536 } as const;
export type PowScenarioId = keyof typeof POW_SIZES;

export interface PowContestant extends Racer<PowScenarioId> {
  readonly title: string;
  readonly kind: 'sotto' | 'rival';
}

const program = 'proof-of-work/process';

/** The rival: go-ethereum's own `Envelope.Seal`. */
export const GO_NODE: PowContestant = {
  id: 'go-node',
  title: 'go-ethereum 1.9.19, one core',
  kind: 'rival',
  program,
};

export const powContestants: readonly PowContestant[] = [
  { id: 'webassembly', title: 'Sotto, the calling thread, WebAssembly', kind: 'sotto', program },
  { id: 'noble', title: 'Sotto, the calling thread, @noble/hashes', kind: 'sotto', program },
  { id: 'worker', title: 'Sotto, one worker thread', kind: 'sotto', program },
  GO_NODE,
];
