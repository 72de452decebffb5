import { findPostgres } from '@sotto/testing/postgres';
import type { Racer } from '../race.js';
import type { Setup, StoreId, WholeScenarioId } from './library.js';

/** Minimum proof of work of deployed nodes. */
export const DEPLOYED_POW = 0.002;

export interface WholeContestant extends Racer<WholeScenarioId> {
  readonly title: string;
  readonly kind: 'sotto' | 'rival';
  /** Absent for a rival, which has neither store nor envelope. */
  readonly setup?: Setup;
}

const PROVIDERS = {
  accelerated: 'accelerated',
  webassembly: 'WebAssembly',
  portable: 'portable',
} as const;
const FILES: Record<Exclude<StoreId, 'postgres'>, string> = {
  leveldb: 'LevelDB',
  sqlite: 'SQLite',
  'leveldb-no-fsync': 'LevelDB, no fsync',
  'sqlite-no-fsync': 'SQLite, no fsync',
};
const STORES: Record<StoreId, string> = { ...FILES, postgres: 'PostgreSQL' };

function messenger(setup: Setup): WholeContestant {
  const work = setup.minimumPow === 0 ? '' : ', proof of work';
  return {
    id: JSON.stringify(setup),
    title: `Sotto, ${PROVIDERS[setup.provider]}, ${STORES[setup.store]}${work}`,
    kind: 'sotto',
    program: 'whole/process',
    setup,
  };
}

/** Whole messages of ours, and a rival's protocol alone for comparison. */
export const wholeContestants: readonly WholeContestant[] = [
  ...(Object.keys(PROVIDERS) as Setup['provider'][]).flatMap((provider) => [
    ...(Object.keys(FILES) as StoreId[]).map((store) => messenger({ provider, store, minimumPow: 0 })),
    messenger({ provider, store: 'leveldb-no-fsync', minimumPow: DEPLOYED_POW }),
  ]),
  // Where there is a server to start.
  ...(findPostgres() === undefined
    ? []
    : [messenger({ provider: 'accelerated', store: 'postgres', minimumPow: 0 })]),
  {
    id: 'libsignal-client',
    title: '@signalapp/libsignal-client 0.103, bare',
    kind: 'rival',
  },
];
