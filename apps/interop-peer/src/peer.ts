import { isSottoError, SottoError } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { LINE_MAX_BYTES, type Line } from './lines.js';
import { type Fields, Party } from './party.js';
import { invalid, parseRequest, type Request } from './request.js';

/** The commands for a device that was opened. */
const COMMANDS: ReadonlyMap<string, (party: Party, request: Request) => Promise<Fields>> = new Map([
  ['clock', (party, request) => party.clock(request)],
  ['bundle', (party) => party.bundle()],
  ['processBundle', (party, request) => party.processBundle(request)],
  ['direct', (party, request) => party.direct(request)],
  ['dh', (party, request) => party.dh(request)],
  ['public', (party, request) => party.public(request)],
  ['handle', (party, request) => party.handle(request)],
  ['confirm', (party, request) => party.confirm(request)],
  ['enable', (party, request) => party.enable(request)],
  ['disable', (party, request) => party.disable(request)],
  ['devices', (party, request) => party.devices(request)],
  ['state', (party) => party.state()],
]);

/** Answers requests, one after another. */
export class Peer {
  readonly #crypto: CryptoProvider = defaultProvider();
  readonly #parties = new Map<string, Party>();

  /** Answers a line, even an invalid one. */
  async answer(line: Line): Promise<Fields> {
    let id: number | null = null;
    try {
      const request = parseRequest(bytesOf(line), this.#crypto);
      id = request.id;
      if (id === null) throw invalid('id', 'not a number');
      return { id, ...(await this.#run(request)) };
    } catch (error) {
      return { id, error: describe(error) };
    }
  }

  /** Closes every store. */
  async close(): Promise<void> {
    const parties = [...this.#parties.values()];
    this.#parties.clear();
    await Promise.allSettled(parties.map((party) => party.close()));
  }

  async #run(request: Request): Promise<Fields> {
    const command = request.text('cmd');
    const name = request.text('device');
    if (command === 'open') return this.#open(name, request);
    const run = COMMANDS.get(command);
    if (run === undefined && command !== 'close') throw invalid('cmd', 'no such command');
    const party = this.#parties.get(name);
    if (party === undefined) {
      throw new SottoError('NOT_FOUND', 'No device of this name is open.', { what: 'device', id: name });
    }
    if (run !== undefined) return run(party, request);
    this.#parties.delete(name);
    return party.close();
  }

  async #open(name: string, request: Request): Promise<Fields> {
    if (this.#parties.has(name)) throw invalid('device', 'a device of this name is open');
    const { party, answer } = await Party.open(request, this.#crypto);
    this.#parties.set(name, party);
    return answer;
  }
}

function bytesOf(line: Line): Uint8Array {
  if ('bytes' in line) return line.bytes;
  throw new SottoError('LIMIT_EXCEEDED', `A line has at most ${LINE_MAX_BYTES} bytes.`, {
    what: 'line in bytes',
    limit: LINE_MAX_BYTES,
    actual: line.tooLong,
  });
}

function describe(error: unknown): string {
  if (isSottoError(error)) return `${error.code}: ${error.message}`;
  return `INTERNAL: ${error instanceof Error ? error.message : 'an error of an unknown kind'}`;
}
