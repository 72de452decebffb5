import {
  type Clock,
  compareBytes,
  concatBytes,
  encodeHex,
  type KeyPair,
  type PublicKey,
  parseFunction,
  parseObject,
  type Store,
  silentLogger,
  systemClock,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { exportBackup } from '@sotto/messenger/backup';
import { LinkChannel, notLinked, type Outcome } from './channel.js';
import { nameOf, shownName } from './device-name.js';
import type { Range } from './generated/sotto/device_linking/v1/linking.js';
import { CHUNK_BYTES, DEFAULT_CODE_LIFETIME_MS, MESSAGE_OVERHEAD_BYTES, WINDOW } from './limits.js';
import { parseLinkCode } from './link-code.js';
import { readState, stateWrite, textOf } from './link-state.js';
import type { LinkMessage } from './messages.js';
import type { LinkOptions } from './new-device.js';
import { deleteUnder, Pieces } from './pieces.js';

/** What the old device needs. */
export interface HandOverOptions extends LinkOptions {
  /** The text of the code that the new device shows. Of a link that was interrupted, the same one. */
  readonly code: string;
  /** The account: its store, which a messenger may use meanwhile, its keys, and this device's installation id. Borrowed. */
  readonly account: { readonly store: Store; readonly identity: KeyPair; readonly installationId: string };
  /**
   * Asks the user whether the device that shows the code is theirs: it will read everything, and write in their name. Say so: the code
   * may have come from somebody else.
   */
  readonly confirm: (newDevice: { readonly name: string }) => boolean | Promise<boolean>;
}

/** A device that has the account now. */
export interface LinkedDevice {
  /** For `pairDevice`. */
  readonly installationId: string;
  /** As it calls itself, for people. */
  readonly name: string;
}

type State =
  | ({ readonly phase: 'calling'; readonly until: number } & Called)
  | ({ readonly phase: 'welcomed'; readonly peerName: string } & Called)
  | ({ readonly phase: 'exported' | 'ready'; readonly peerName: string } & Called & Exported);
interface Called {
  readonly peer: string;
  readonly secret: string;
}
interface Exported {
  readonly chunks: number;
  readonly bytes: number;
  readonly passphrase: string;
}

/** The passphrase is random, so guessing it needs no further cost. */
const COST = { memoryKiB: 8, passes: 1 };

/**
 * Hands an account with contacts, groups and history to the new device whose code was read. Call it again with the same code and
 * stores after a crash: it goes on where it was. The account stays in use here.
 *
 * @returns when the new device has it
 * @throws INVALID_TEXT for what is not a code; DEVICE_NOT_LINKED, and then it is over; ABORTED; INVALID_ARGUMENT; STORE codes
 */
export async function handOverAccount(options: HandOverOptions): Promise<LinkedDevice> {
  parseObject(options, 'options', 'linkStore', 'account', 'transport');
  parseObject(options.account, 'account', 'store', 'identity', 'installationId');
  parseFunction(options.confirm, 'confirm');
  nameOf(options.deviceName);
  const { linkStore: store, transport, signal, clock = systemClock, logger = silentLogger } = options;
  const crypto = options.crypto ?? defaultProvider();
  const { identity, secret } = parseLinkCode(crypto, options.code);
  const kept = await readState<State>(store);
  const isSame = kept !== undefined && kept.secret === textOf(secret);
  if (!isSame || (kept.phase === 'calling' && clock.now() >= kept.until)) await deleteUnder(store, '');
  const channel = await LinkChannel.open({ store, transport, crypto, clock, logger, signal });
  const device = new OldDevice(channel, { ...options, crypto, clock }, { identity, secret });
  try {
    const linked = await device.run();
    await channel.close({ isOver: true });
    return linked;
  } catch (error) {
    await device.close(error);
    throw error;
  }
}

type Settled = HandOverOptions & { readonly crypto: CryptoProvider; readonly clock: Clock };

class OldDevice {
  readonly #channel: LinkChannel;
  readonly #options: Settled;
  readonly #pieces: Pieces;
  readonly #peer: PublicKey;
  readonly #secret: Uint8Array;
  #state: State | undefined;
  /** Pieces sent, and not known to have arrived. */
  readonly #onTheirWay = new Set<number>();
  #isAsking = false;
  #cancelExpiry = () => {};
  #finish: (installationId: string) => void = () => {};
  readonly #finished = new Promise<string>((resolve) => {
    this.#finish = resolve;
  });

  constructor(
    channel: LinkChannel,
    options: Settled,
    { identity, secret }: { readonly identity: PublicKey; readonly secret: Uint8Array },
  ) {
    this.#channel = channel;
    this.#options = options;
    this.#pieces = new Pieces(options.linkStore);
    this.#peer = identity;
    this.#secret = secret;
  }

  async run(): Promise<LinkedDevice> {
    const { linkStore, clock } = this.#options;
    this.#state = await readState<State>(linkStore);
    if (this.#state === undefined) {
      const until = clock.now() + DEFAULT_CODE_LIFETIME_MS;
      const [peer, secret] = [textOf(this.#peer), textOf(this.#secret)];
      await this.#keep({ phase: 'calling', until, peer, secret });
    }
    await this.#channel.start((sender, message) => this.#receive(sender, message));
    await this.#channel.between(() => this.#begin());
    this.#channel.repeat(() => this.#tell());
    const installationId = await this.#channel.unlessFailed(this.#finished);
    return { installationId, name: (this.#state as { peerName?: string }).peerName ?? '' };
  }

  async close(error: unknown): Promise<void> {
    this.#cancelExpiry();
    const { code, details } = error as { code?: string; details?: { reason?: string } };
    const isOver = code === 'DEVICE_NOT_LINKED';
    if (isOver && details?.reason === 'declined') await this.#say({ $case: 'cancelled', value: {} });
    await this.#channel.close({ isOver });
  }

  async #begin(): Promise<void> {
    const state = this.#state as State;
    if (state.phase === 'calling') {
      this.#cancelExpiry = this.#options.clock.after(state.until - this.#options.clock.now(), () => {
        if (this.#state?.phase === 'calling') this.#channel.fail(notLinked('expired'));
      });
    }
    if (state.phase === 'welcomed') this.#ask(state);
    else await this.#tell();
  }

  /** Says again where we are. */
  async #tell(): Promise<void> {
    const state = this.#state as State;
    const { account, deviceName } = this.#options;
    if (state.phase === 'calling')
      await this.#say({ $case: 'hello', value: { secret: this.#secret, name: nameOf(deviceName) } });
    if (state.phase === 'exported') {
      const { chunks, bytes, passphrase } = state;
      const { publicKey: identity } = account.identity;
      const { installationId } = account;
      const value = { identity, chunks, bytes: BigInt(bytes), passphrase, installationId };
      await this.#say({ $case: 'offer', value });
    }
    if (state.phase === 'ready') {
      // What was on its way may be lost; the answer says what is missing.
      this.#onTheirWay.clear();
      await this.#say({ $case: 'query', value: {} });
    }
  }

  async #receive(sender: PublicKey, message: LinkMessage): Promise<Outcome | undefined> {
    if (compareBytes(sender, this.#peer) !== 0) return undefined;
    const state = this.#state as State;
    switch (message.$case) {
      case 'welcome':
        return this.#welcome(message.value.name, state);
      case 'refused':
        return state.phase === 'calling'
          ? { afterwards: () => this.#channel.fail(notLinked('used')) }
          : undefined;
      case 'ready':
        return this.#beginSending(state);
      case 'received':
        return { afterwards: () => this.#sendMissing(message.value.missing) };
      case 'finished':
        return state.phase === 'ready'
          ? { afterwards: () => this.#finish(message.value.installationId) }
          : undefined;
      case 'cancelled':
        return { afterwards: () => this.#channel.fail(notLinked('cancelled')) };
      default:
        return undefined;
    }
  }

  #welcome(name: string, state: State): Outcome | undefined {
    if (state.phase !== 'calling') return undefined;
    const { peer, secret } = state;
    const next: State = { phase: 'welcomed', peer, secret, peerName: shownName(name) };
    this.#state = next;
    this.#cancelExpiry();
    return { writes: [stateWrite(next)], afterwards: () => this.#ask(next) };
  }

  /** Asks the user, then packs everything. */
  #ask(state: Extract<State, { phase: 'welcomed' }>): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    Promise.resolve()
      .then(() => this.#options.confirm({ name: state.peerName }))
      .then(async (accepted) => {
        if (!accepted) throw notLinked('declined');
        await this.#pack(state);
        await this.#channel.between(() => this.#tell());
      })
      .catch((error) => this.#channel.fail(error));
  }

  /** Keeps the backup of this moment in pieces: it has to stay the same until all have arrived. */
  async #pack(state: Extract<State, { phase: 'welcomed' }>): Promise<void> {
    const { account, crypto, signal } = this.#options;
    const passphrase = encodeHex(crypto.randomBytes(32));
    await this.#pieces.deleteAll();
    let chunks = 0;
    let bytes = 0;
    const keep = async (piece: Uint8Array) => {
      await this.#channel.commit([this.#pieces.write(chunks, piece)]);
      this.#pieces.kept(chunks++);
      bytes += piece.length;
    };
    let rest: Uint8Array = new Uint8Array(0);
    const pieceBytes = this.#pieceBytes();
    const backup = exportBackup({ ...account, passphrase, crypto, cost: COST, signal });
    for await (const part of backup) {
      rest = concatBytes(rest, part);
      while (rest.length >= pieceBytes) {
        await keep(rest.subarray(0, pieceBytes));
        rest = rest.subarray(pieceBytes);
      }
    }
    if (rest.length > 0) await keep(rest);
    await this.#keep({ ...state, phase: 'exported', chunks, bytes, passphrase });
  }

  #pieceBytes(): number {
    const { maxPayloadBytes } = this.#options.transport.capabilities;
    return Math.max(1_024, Math.min(CHUNK_BYTES, maxPayloadBytes - MESSAGE_OVERHEAD_BYTES));
  }

  #beginSending(state: State): Outcome | undefined {
    if (state.phase === 'ready') return { afterwards: () => this.#tell() };
    if (state.phase !== 'exported') return undefined;
    const next: State = { ...state, phase: 'ready' };
    this.#state = next;
    return {
      writes: [stateWrite(next)],
      afterwards: () => this.#sendMissing([{ from: 0, to: next.chunks }]),
    };
  }

  async #sendMissing(missing: readonly Range[]): Promise<void> {
    const state = this.#state as State;
    if (state.phase !== 'ready') return;
    this.#channel.repeat(() => this.#tell());
    this.#report(missing, state);
    const isMissing = (index: number) => missing.some(({ from, to }) => index >= from && index < to);
    for (const index of this.#onTheirWay) if (!isMissing(index)) this.#onTheirWay.delete(index);
    for (const { from, to } of missing) {
      for (let index = from; index < Math.min(to, state.chunks); index++) {
        if (this.#onTheirWay.size >= WINDOW) return;
        if (this.#onTheirWay.has(index)) continue;
        const content = await this.#pieces.read(index);
        if (content === undefined) throw notLinked('damaged');
        this.#onTheirWay.add(index);
        await this.#say({ $case: 'chunk', value: { index, content } });
      }
    }
  }

  #report(missing: readonly Range[], { chunks, bytes }: Exported): void {
    const first = missing[0]?.from ?? chunks;
    const done = Math.min(bytes, first * this.#pieceBytes());
    this.#options.onProgress?.({ done: first === chunks ? bytes : done, total: bytes });
  }

  async #say(message: LinkMessage): Promise<void> {
    await this.#channel.send(this.#peer, message);
  }

  async #keep(state: State): Promise<void> {
    await this.#channel.commit([stateWrite(state)]);
    this.#state = state;
  }
}
