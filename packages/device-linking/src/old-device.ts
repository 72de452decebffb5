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
import {
  CHUNK_BYTES,
  DEFAULT_CODE_LIFETIME_MS,
  DEFAULT_SILENCE_MS,
  MESSAGE_OVERHEAD_BYTES,
  RENEW_MS,
  WINDOW,
} from './limits.js';
import { parseLinkCode } from './link-code.js';
import { durationOf, isPast, readState, STATE_KEY, stateWrite, textOf } from './link-state.js';
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
  | ({ readonly phase: 'calling' } & Called)
  | ({ readonly phase: 'welcomed'; readonly peerName: string } & Called)
  | ({ readonly phase: 'exported' | 'ready'; readonly peerName: string } & Called & Exported)
  | ({ readonly phase: 'finished'; readonly peerName: string; readonly installationId: string } & Called);
/** What is left of a link that worked, for a caller whose process was killed before it had the result. Opens nothing. */
interface Concluded extends LinkedDevice {
  readonly phase: 'concluded';
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly peer: string;
}
interface Called {
  /** When it is over, in milliseconds since the epoch. */
  readonly until: number;
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
 * stores after a crash: it goes on where it was, or, within `silenceMs` of its end, returns the same result. The account stays in use
 * here. Call `cleanUpLinkStore` when the application starts: until it is over, the link's store holds a sealed copy of the account,
 * with what opens it.
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
  const kept = await readState<State | Concluded>(store);
  const silenceMs = durationOf(options.silenceMs ?? DEFAULT_SILENCE_MS, 'silenceMs');
  if (kept?.phase === 'concluded' && kept.peer === textOf(identity) && !isPast(kept, clock.now())) {
    await deleteUnder(store, '', [STATE_KEY]);
    return { installationId: kept.installationId, name: kept.name };
  }
  const isSame = kept !== undefined && kept.phase !== 'concluded' && kept.secret === textOf(secret);
  const isLate = isSame && kept.phase !== 'finished' && isPast(kept, clock.now());
  if (!isSame || isLate) await deleteUnder(store, '');
  // The new device has given up by now, or will.
  if (isLate && kept.phase !== 'calling') throw notLinked('silent');
  const channel = await LinkChannel.open({ store, transport, crypto, clock, logger, signal });
  const device = new OldDevice(channel, { ...options, crypto, clock, silenceMs }, { identity, secret });
  try {
    const linked = await device.run();
    await channel.close({ isOver: true, keep: device.concluded(linked) });
    return linked;
  } catch (error) {
    await device.close(error);
    throw error;
  }
}

type Settled = HandOverOptions & {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly silenceMs: number;
};

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
  #finish: () => void = () => {};
  readonly #finished = new Promise<void>((resolve) => {
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
    this.#channel.watch(() => this.#end());
    await this.#channel.between(() => this.#begin());
    this.#channel.repeat(() => this.#tell());
    await this.#channel.unlessFailed(this.#finished);
    const { installationId, peerName: name } = this.#state as Extract<State, { phase: 'finished' }>;
    return { installationId, name };
  }

  concluded({ installationId, name }: LinkedDevice): Concluded {
    const { peer } = this.#state as State;
    return { phase: 'concluded', until: this.#silentUntil(), peer, installationId, name };
  }

  /** When it is over. */
  #end() {
    const { phase, until } = this.#state as State;
    if (phase === 'finished') return undefined;
    return { until, reason: phase === 'calling' ? ('expired' as const) : ('silent' as const) };
  }

  async close(error: unknown): Promise<void> {
    const { code, details } = error as { code?: string; details?: { reason?: string } };
    const isOver = code === 'DEVICE_NOT_LINKED';
    const reason = details?.reason;
    if (isOver && (reason === 'declined' || reason === 'silent'))
      await this.#say({ $case: 'cancelled', value: {} }).catch(() => undefined);
    await this.#channel.close({ isOver });
  }

  async #begin(): Promise<void> {
    const state = this.#state as State;
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
    if (state.phase === 'finished') await this.#answerFinished();
    if (state.phase === 'ready') {
      // What was on its way may be lost; the answer says what is missing.
      this.#onTheirWay.clear();
      await this.#say({ $case: 'query', value: {} });
    }
  }

  async #receive(sender: PublicKey, message: LinkMessage): Promise<Outcome | undefined> {
    if (compareBytes(sender, this.#peer) !== 0) return undefined;
    await this.#putOff(this.#state as State);
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
        return this.#conclude(message.value.installationId, state);
      case 'cancelled':
        return { afterwards: () => this.#channel.fail(notLinked('cancelled')) };
      default:
        return undefined;
    }
  }

  /** Something has come from the other device. */
  async #putOff(state: State): Promise<void> {
    const until = this.#silentUntil();
    if (state.phase !== 'calling' && until - state.until >= RENEW_MS) await this.#keep({ ...state, until });
  }

  #silentUntil(): number {
    return this.#options.clock.now() + this.#options.silenceMs;
  }

  #conclude(installationId: string, state: State): Outcome | undefined {
    if (state.phase !== 'ready' && state.phase !== 'finished') return undefined;
    const { until, peer, secret, peerName } = state;
    const next: State = { phase: 'finished', until, peer, secret, peerName, installationId };
    this.#state = next;
    return { writes: [stateWrite(next)], afterwards: () => this.#answerFinished() };
  }

  /** Answers the last message of the other device. */
  async #answerFinished(): Promise<void> {
    await this.#say({ $case: 'done', value: {} });
    this.#finish();
  }

  #welcome(name: string, state: State): Outcome | undefined {
    if (state.phase !== 'calling') return undefined;
    const { peer, secret } = state;
    const until = this.#silentUntil();
    const next: State = { phase: 'welcomed', until, peer, secret, peerName: shownName(name) };
    this.#state = next;
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
    await this.#channel.between(async () => {
      const { until } = this.#state as State;
      await this.#keep({ ...state, until, phase: 'exported', chunks, bytes, passphrase });
    });
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
