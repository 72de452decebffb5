import { isSottoError, SottoError } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { LINE_MAX_BYTES, type Line } from './lines.js';
import { type Fields, Party } from './party.js';
import { invalid, parseRequest, type Request } from './request.js';
import { StatusParty } from './status-party.js';

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

/** The commands for a device that was opened by `statusOpen`. */
const STATUS_COMMANDS: ReadonlyMap<string, (party: StatusParty, request: Request) => Promise<Fields>> =
  new Map([
    ['clock', (party, request) => party.clock(request)],
    ['enable', (party, request) => party.enable(request)],
    ['disable', (party, request) => party.disable(request)],
    ['devices', (party, request) => party.devices(request)],
    ['state', (party) => party.state()],
    ['statusHandle', (party, request) => party.handle(request)],
    ['statusTake', (party) => party.take()],
    ['statusText', (party, request) => party.text(request)],
    ['statusImage', (party, request) => party.image(request)],
    ['statusEdit', (party, request) => party.edit(request)],
    ['statusDelete', (party, request) => party.remove(request)],
    ['statusReact', (party, request) => party.react(request)],
    ['statusJoinChat', (party, request) => party.join(request)],
    ['statusCode', (party) => party.ownCode()],
    ['statusAdd', (party, request) => party.add(request)],
    ['statusRequest', (party, request) => party.ask(request)],
    ['statusAccept', (party, request) => party.accept(request)],
    ['statusRetract', (party, request) => party.retract(request)],
    ['statusBlock', (party, request) => party.block(request)],
    ['statusContact', (party, request) => party.contact(request)],
    ['statusGroup', (party, request) => party.group(request)],
    ['statusGroupChange', (party, request) => party.change(request)],
    ['statusGroups', (party) => party.groups()],
    ['statusAnnounce', (party, request) => party.announce(request)],
  ]);

/** Answers requests, one after another. */
export class Peer {
  readonly #crypto: CryptoProvider = defaultProvider();
  readonly #parties = new Map<string, Party | StatusParty>();

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
    if (command === 'open' || command === 'statusOpen') return this.#open(name, request, command);
    if (!COMMANDS.has(command) && !STATUS_COMMANDS.has(command) && command !== 'close')
      throw invalid('cmd', 'no such command');
    const party = this.#parties.get(name);
    if (party === undefined) {
      throw new SottoError('NOT_FOUND', 'No device of this name is open.', { what: 'device', id: name });
    }
    if (command === 'close') {
      this.#parties.delete(name);
      return party.close();
    }
    const answer =
      party instanceof Party
        ? COMMANDS.get(command)?.(party, request)
        : STATUS_COMMANDS.get(command)?.(party, request);
    if (answer === undefined) throw invalid('cmd', 'not a command of this kind of device');
    return answer;
  }

  async #open(name: string, request: Request, command: 'open' | 'statusOpen'): Promise<Fields> {
    if (this.#parties.has(name)) throw invalid('device', 'a device of this name is open');
    const kind = command === 'open' ? Party : StatusParty;
    const { party, answer } = await kind.open(request, this.#crypto);
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
