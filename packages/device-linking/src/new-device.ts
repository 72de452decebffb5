import {
  type Clock,
  compareBytes,
  type KeyPair,
  type Logger,
  type PublicKey,
  parseFunction,
  parseObject,
  type Store,
  silentLogger,
  systemClock,
  type Transport,
} from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import { readAccount } from '@sotto/messenger';
import { restoreBackup } from '@sotto/messenger/backup';
import { LinkChannel, notLinked, type Outcome } from './channel.js';
import { nameOf, shownName } from './device-name.js';
import {
  DEFAULT_CODE_LIFETIME_MS,
  DEFAULT_SILENCE_MS,
  FINISH_MS,
  MAX_CHUNKS,
  RENEW_MS,
  TELL_EACH,
} from './limits.js';
import { encodeLinkCode } from './link-code.js';
import { bytesOf, durationOf, isPast, readState, stateWrite, textOf } from './link-state.js';
import type { LinkMessage } from './messages.js';
import { deleteUnder, Pieces } from './pieces.js';

/** Options of both {@link receiveAccount} and `handOverAccount`. */
export interface LinkOptions {
  /**
   * A store for the linking alone, not that of the account: it keeps how far it is, and is emptied when it is over. Encrypt it as
   * that of the account. Borrowed.
   */
  readonly linkStore: Store;
  /** The same network as the other device's. */
  readonly transport: Transport;
  /** What people call this device: `Firefox on Linux`. At most 100 characters. */
  readonly deviceName: string;
  /** Called when something has been sent or received. */
  readonly onProgress?: ((progress: LinkProgress) => void) | undefined;
  /**
   * Milliseconds without a message of the other device after which it is over, also while no process runs: what the `linkStore` holds,
   * on the old device a sealed copy of the account, shouldn't wait for a device that never comes back. Default 3,600,000; at most a day.
   */
  readonly silenceMs?: number | undefined;
  /**
   * Gives up for now: rejects with ABORTED, and the same call goes on with it later. To end it for good, let the user say no, or empty
   * the `linkStore`.
   */
  readonly signal?: AbortSignal | undefined;
  /** Every primitive. Default: the best provider of the platform. */
  readonly crypto?: CryptoProvider | undefined;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

/** How far it is. */
export interface LinkProgress {
  /** Bytes that the new device has. */
  readonly done: number;
  /** Bytes in all. */
  readonly total: number;
}

/** What the new device needs. */
export interface ReceiveAccountOptions extends LinkOptions {
  /** The empty store of the account on this device. Borrowed. */
  readonly accountStore: Store;
  /**
   * Called with the code that the old device reads, to be shown as QR code and as text. Whoever reads it first can hand over an
   * account, so it is a secret until then, and of no use afterwards.
   * @param expiresAt milliseconds since the epoch
   */
  readonly onCode: (code: string, expiresAt: number) => void;
  /** Called when the old device has read the code; it is of no use to others now. */
  readonly onRead?: ((oldDevice: { readonly name: string }) => void) | undefined;
  /**
   * Asks the user whether this is their account: show `identity` as the old device shows it. Whoever has seen the code first, over
   * a shoulder, could hand over an account of their own.
   */
  readonly confirm: (offer: AccountOffer) => boolean | Promise<boolean>;
  /** Milliseconds for which the code can be read. Default 600,000; at most a day. */
  readonly codeLifetimeMs?: number | undefined;
}

/** What is handed over. */
export interface AccountOffer {
  /** 33 bytes: the account's key. */
  readonly identity: PublicKey;
  /** Name of the old device; from the other side, for people. */
  readonly deviceName: string;
  /** Bytes that will arrive. */
  readonly bytes: number;
}

/** An account that has arrived. */
export interface ReceivedAccount {
  /** To open the `accountStore` with: `createMessenger({ identity, store: accountStore, ... })`. The store keeps it, see `readAccount`. */
  readonly identity: KeyPair;
  /** For `pairDevice`. */
  readonly oldInstallationId: string;
  /**
   * Tells the old device that it worked, and empties the `linkStore`: once that one has answered, or after a minute without an answer.
   * Until then `receiveAccount` can be called again, after a crash, say.
   * @param installationId of the messenger that was opened
   * @throws ABORTED, STORE codes, and then `receiveAccount` can be called again
   */
  finish(installationId: string): Promise<void>;
}

type State =
  | ({ readonly phase: 'waiting' } & Waiting)
  | ({ readonly phase: 'bound' } & Bound)
  | ({ readonly phase: 'offered' | 'accepted' | 'restored' } & Bound & Offered);
interface Waiting {
  readonly secret: string;
  /** When it is over, in milliseconds since the epoch. */
  readonly until: number;
}
interface Bound extends Waiting {
  readonly peer: string;
  readonly peerName: string;
}
interface Offered {
  readonly identity: string;
  readonly chunks: number;
  readonly bytes: number;
  readonly passphrase: string;
  readonly oldInstallationId: string;
}

/**
 * Shows a code, and receives an account with contacts, groups and history from the device that reads it, into an empty store.
 * Call it again with the same stores after a crash: it goes on where it was, or shows a new code when the other device has been silent
 * for too long. Call `cleanUpLinkStore` when the application starts.
 *
 * @throws DEVICE_NOT_LINKED, and then it is over; ABORTED; INVALID_ARGUMENT when the store isn't empty; STORE codes
 */
export async function receiveAccount(options: ReceiveAccountOptions): Promise<ReceivedAccount> {
  parseObject(options, 'options', 'linkStore', 'accountStore', 'transport');
  parseFunction(options.onCode, 'onCode');
  parseFunction(options.confirm, 'confirm');
  nameOf(options.deviceName);
  const { linkStore: store, transport, signal, clock = systemClock, logger = silentLogger } = options;
  const crypto = options.crypto ?? defaultProvider();
  const codeLifetimeMs = durationOf(options.codeLifetimeMs ?? DEFAULT_CODE_LIFETIME_MS, 'codeLifetimeMs');
  const silenceMs = durationOf(options.silenceMs ?? DEFAULT_SILENCE_MS, 'silenceMs');
  const kept = await readState<State>(store);
  // An identity and a secret that nobody has used in time are never shown again. An account that is here is not received again.
  if (kept === undefined || (kept.phase !== 'restored' && isPast(kept, clock.now())))
    await deleteUnder(store, '');
  const channel = await LinkChannel.open({ store, transport, crypto, clock, logger, signal });
  const device = new NewDevice(channel, { ...options, crypto, clock, codeLifetimeMs, silenceMs });
  try {
    return await device.run();
  } catch (error) {
    await device.close(error);
    throw error;
  }
}

type Settled = ReceiveAccountOptions & {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly codeLifetimeMs: number;
  readonly silenceMs: number;
};

class NewDevice {
  readonly #channel: LinkChannel;
  readonly #options: Settled;
  readonly #pieces: Pieces;
  #state: State | undefined;
  #bytes = 0;
  #isAsking = false;
  #complete = () => {};
  readonly #completed = new Promise<void>((resolve) => {
    this.#complete = resolve;
  });
  #acknowledge = () => {};
  /** Resolves when the old device knows that it worked, or has ended it. */
  readonly #acknowledged = new Promise<void>((resolve) => {
    this.#acknowledge = resolve;
  });

  constructor(channel: LinkChannel, options: Settled) {
    this.#channel = channel;
    this.#options = options;
    this.#pieces = new Pieces(options.linkStore);
  }

  async run(): Promise<ReceivedAccount> {
    const { linkStore, crypto, clock, codeLifetimeMs } = this.#options;
    this.#state = await readState<State>(linkStore);
    await this.#pieces.load();
    for await (const piece of this.#pieces.all(MAX_CHUNKS)) this.#bytes += piece.length;
    if (this.#state === undefined) {
      const secret = textOf(crypto.randomBytes(16));
      await this.#keep({ phase: 'waiting', secret, until: clock.now() + codeLifetimeMs });
    }
    await this.#channel.start((sender, message) => this.#receive(sender, message));
    this.#channel.watch(() => this.#end());
    await this.#channel.between(() => this.#begin());
    this.#channel.repeat(() => this.#tell());
    await this.#channel.unlessFailed(this.#completed);
    return this.#restored();
  }

  /** When it is over. */
  #end() {
    const { phase, until } = this.#state as State;
    // All that it still needs is here.
    if (this.#isComplete()) return undefined;
    return { until, reason: phase === 'waiting' ? ('expired' as const) : ('silent' as const) };
  }

  async close(error: unknown): Promise<void> {
    const isOver = (error as { code?: string }).code === 'DEVICE_NOT_LINKED';
    if (isOver && (error as { details?: { reason?: string } }).details?.reason !== 'cancelled')
      await this.#sayCancelled();
    await this.#channel.close({ isOver });
  }

  async #begin(): Promise<void> {
    const state = this.#state as State;
    const { identity } = this.#channel;
    if (state.phase === 'waiting') {
      const code = encodeLinkCode({ identity: identity.publicKey, secret: bytesOf(state.secret) });
      this.#options.onCode(code, state.until);
    } else if (state.phase === 'offered') this.#ask(state);
    else await this.#tell();
    this.#finishIfComplete();
  }

  /** Says again where we are. */
  async #tell(): Promise<void> {
    const state = this.#state as State;
    if (state.phase === 'waiting') return;
    const peer = this.#peerOf(state);
    if (state.phase === 'bound')
      await this.#channel.send(peer, { $case: 'welcome', value: { name: nameOf(this.#options.deviceName) } });
    if (state.phase === 'accepted') {
      const missing = this.#pieces.missing(state.chunks);
      await this.#channel.send(peer, { $case: 'received', value: { count: this.#pieces.count, missing } });
    }
  }

  async #receive(sender: PublicKey, message: LinkMessage): Promise<Outcome | undefined> {
    const before = this.#state as State;
    if (message.$case === 'hello') return this.#greet(sender, message.value, before);
    if (before.phase === 'waiting' || compareBytes(sender, bytesOf(before.peer)) !== 0) return undefined;
    await this.#putOff(before);
    const state = this.#state as typeof before;
    switch (message.$case) {
      case 'offer':
        return this.#consider(message.value, state);
      case 'chunk':
        return this.#take(message.value, state);
      case 'query':
        return { afterwards: () => this.#tell() };
      case 'done':
        return { afterwards: this.#acknowledge };
      case 'cancelled':
        // Of an account that is here, the other device may think what it likes.
        if (state.phase === 'restored') return { afterwards: this.#acknowledge };
        return { afterwards: () => this.#channel.fail(notLinked('cancelled')) };
      default:
        return undefined;
    }
  }

  /** Something has come from the other device. */
  async #putOff(state: Exclude<State, { phase: 'waiting' }>): Promise<void> {
    const until = this.#silentUntil();
    if (until - state.until >= RENEW_MS) await this.#keep({ ...state, until });
  }

  #silentUntil(): number {
    return this.#options.clock.now() + this.#options.silenceMs;
  }

  #greet(
    sender: PublicKey,
    { secret, name }: { readonly secret: Uint8Array; readonly name: string },
    state: State,
  ): Outcome | undefined {
    if (!this.#options.crypto.equalBytes(secret, bytesOf(state.secret))) return undefined;
    if (state.phase !== 'waiting') {
      if (compareBytes(sender, bytesOf(state.peer)) === 0) return { afterwards: () => this.#tell() };
      return { afterwards: () => this.#channel.send(sender, { $case: 'refused', value: {} }) };
    }
    // The timer stands still while a computer sleeps.
    if (this.#options.clock.now() >= state.until)
      return { afterwards: () => this.#channel.fail(notLinked('expired')) };
    const peerName = shownName(name);
    const until = this.#silentUntil();
    const next: State = { phase: 'bound', secret: state.secret, until, peer: textOf(sender), peerName };
    this.#state = next;
    return {
      writes: [stateWrite(next)],
      afterwards: async () => {
        await this.#channel.accept(sender);
        this.#options.onRead?.({ name: next.peerName });
        await this.#tell();
      },
    };
  }

  #consider(
    offer: Extract<LinkMessage, { $case: 'offer' }>['value'],
    state: Exclude<State, { phase: 'waiting' }>,
  ): Outcome | undefined {
    if (state.phase === 'offered') return undefined;
    if (state.phase !== 'bound') return { afterwards: () => this.#sayReady(state) };
    const { chunks, passphrase, installationId: oldInstallationId } = offer;
    const bytes = Number(offer.bytes);
    const isPlausible =
      chunks > 0 && chunks <= MAX_CHUNKS && Number.isSafeInteger(bytes) && passphrase !== '';
    let identity: PublicKey;
    try {
      identity = this.#options.crypto.secp256k1.parsePublicKey(offer.identity);
    } catch {
      return undefined;
    }
    if (!isPlausible) return undefined;
    const { secret, until, peer, peerName } = state;
    const next: State = {
      ...{ phase: 'offered', secret, until, peer, peerName, identity: textOf(identity) },
      ...{ chunks, bytes, passphrase, oldInstallationId },
    };
    this.#state = next;
    return { writes: [stateWrite(next)], afterwards: () => this.#ask(next) };
  }

  /** Asks the user, while messages go on arriving. */
  #ask(state: Extract<State, Offered>): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { identity, peerName: deviceName, bytes } = state;
    const offer = { identity: bytesOf(identity) as PublicKey, deviceName, bytes };
    Promise.resolve()
      .then(() => this.#options.confirm(offer))
      .then((accepted) => {
        if (!accepted) return this.#channel.fail(notLinked('declined'));
        return this.#channel.between(async () => {
          const { until } = this.#state as State;
          const next = { ...state, until, phase: 'accepted' } as const;
          await this.#keep(next);
          await this.#sayReady(next);
        });
      })
      .catch((error) => this.#channel.fail(error));
  }

  async #sayReady(state: Exclude<State, { phase: 'waiting' }>): Promise<void> {
    await this.#channel.send(this.#peerOf(state), { $case: 'ready', value: {} });
  }

  #take(
    { index, content }: { readonly index: number; readonly content: Uint8Array },
    state: Exclude<State, { phase: 'waiting' }>,
  ): Outcome | undefined {
    if (state.phase !== 'accepted' || index >= state.chunks || this.#pieces.has(index)) return undefined;
    return {
      writes: [this.#pieces.write(index, content)],
      afterwards: async () => {
        this.#pieces.kept(index);
        this.#bytes += content.length;
        this.#options.onProgress?.({ done: this.#bytes, total: state.bytes });
        this.#channel.repeat(() => this.#tell());
        const isComplete = this.#pieces.count === state.chunks;
        if (isComplete || this.#pieces.count % TELL_EACH === 0) await this.#tell();
        this.#finishIfComplete();
      },
    };
  }

  #finishIfComplete(): void {
    if (this.#isComplete()) this.#complete();
  }

  #isComplete(): boolean {
    const state = this.#state as State;
    return state.phase === 'restored' || (state.phase === 'accepted' && this.#pieces.count === state.chunks);
  }

  /** Stores the account, unless that was done before a crash. */
  async #restored(): Promise<ReceivedAccount> {
    const state = this.#state as Extract<State, Offered>;
    const { accountStore, crypto } = this.#options;
    const wanted = bytesOf(state.identity);
    let identity = await readAccount(accountStore, crypto);
    if (identity === undefined || compareBytes(identity.publicKey, wanted) !== 0)
      identity = await this.#restore(state);
    if (compareBytes(identity.publicKey, wanted) !== 0) throw notLinked('damaged');
    await this.#channel.between(async () => {
      // What opened the pieces goes first, then the pieces.
      await this.#keep({ ...(this.#state as typeof state), phase: 'restored', passphrase: '' });
      await this.#pieces.deleteAll();
    });
    const finish = async (installationId: string) => {
      try {
        await this.#sayFinished(installationId);
      } catch (error) {
        await this.#channel.close({ isOver: false });
        throw error;
      }
      await this.#channel.close({ isOver: true });
    };
    return { identity, oldInstallationId: state.oldInstallationId, finish };
  }

  /** Resolves when the old device has answered, or will hardly do so any more. */
  async #sayFinished(installationId: string): Promise<void> {
    const peer = this.#peerOf(this.#state as Extract<State, Offered>);
    const say = () => this.#channel.send(peer, { $case: 'finished', value: { installationId } });
    await say();
    this.#channel.repeat(say);
    // Closing empties the store, and what waits in it.
    await this.#channel.unlessFailed(this.#channel.sent());
    let cancel = () => {};
    const isGone = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(FINISH_MS, resolve);
    });
    await this.#channel.unlessFailed(Promise.race([this.#acknowledged, isGone])).finally(() => cancel());
  }

  async #restore({ chunks, passphrase, identity }: Offered): Promise<KeyPair> {
    const { accountStore: store, crypto } = this.#options;
    try {
      const pieces = this.#pieces.all(chunks);
      const expectIdentity = bytesOf(identity) as PublicKey;
      const restored = await restoreBackup(pieces, {
        store,
        passphrase,
        crypto,
        keepAccount: true,
        expectIdentity,
      });
      return restored.identity;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'MALFORMED_MESSAGE' || code === 'STORE_WRONG_PASSPHRASE' || code === 'WRONG_IDENTITY')
        throw notLinked('damaged');
      throw error;
    }
  }

  async #sayCancelled(): Promise<void> {
    const state = this.#state;
    if (state === undefined || state.phase === 'waiting') return;
    await this.#channel.send(this.#peerOf(state), { $case: 'cancelled', value: {} }).catch(() => undefined);
  }

  #peerOf({ peer }: Bound): PublicKey {
    return bytesOf(peer) as PublicKey;
  }

  async #keep(state: State): Promise<void> {
    await this.#channel.commit([stateWrite(state)]);
    this.#state = state;
  }
}
