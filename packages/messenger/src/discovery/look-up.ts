import {
  type BundleDirectory,
  compareBytes,
  encodeHex,
  errorName,
  invalidArgument,
  isBytes,
  isSottoError,
  type NameResolution,
  onAbort,
  type PublicKey,
  SottoError,
  withinLimit,
} from '@sotto/core';
import { createDirectories, type Directories } from '@sotto/directories';
import type { Bundle } from '@sotto/protocol-codec';
import type { Subscriptions } from '../connection/subscriptions.js';
import { throwIfAborted } from '../runtime/abort.js';
import type { MessengerContext } from '../runtime/context.js';
import type { LookUpOptions, LookUpTarget } from '../runtime/options.js';
import type { LookUpAnswer, LookUpResult, PinnedName } from '../runtime/results.js';
import { contactCodeChannel } from '../runtime/topics.js';
import type { Names } from './names.js';

/** A key, and what belongs to it, of whatever was looked up. */
interface Person {
  readonly identity: PublicKey | undefined;
  readonly name: PinnedName | undefined;
}

/** Looks people up on their topic, in history and in all directories at once. */
export class LookUps {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;
  readonly #names: Names;
  readonly #closed: AbortSignal;
  /** Each directory by itself, so that each is answered for as soon as it answers. */
  readonly #directories: readonly { readonly name: string; readonly asked: Directories }[];

  /** @param closed fires when the messenger is closed */
  constructor(context: MessengerContext, subscriptions: Subscriptions, names: Names, closed: AbortSignal) {
    const { crypto, clock, limits, directories } = context.settings;
    this.#context = context;
    this.#subscriptions = subscriptions;
    this.#names = names;
    this.#closed = closed;
    this.#directories = directories.map((directory: BundleDirectory) => ({
      name: directory.name,
      asked: createDirectories({
        crypto,
        clock,
        directories: [directory],
        limits: { timeoutMs: limits.directoryLookUpMs },
      }),
    }));
  }

  /** See `MessengerContacts.lookUp`. */
  async lookUp(target: LookUpTarget, { onAnswer, signal }: LookUpOptions): Promise<LookUpResult> {
    throwIfAborted(signal, 'looking somebody up');
    const answers: LookUpAnswer[] = [];
    const note = (answer: LookUpAnswer) => {
      if (this.#closed.aborted || signal?.aborted) return;
      answers.push(answer);
      try {
        onAnswer?.(answer);
      } catch (error) {
        this.#context.settings.logger.error('listener failed', { event: 'answer', error: errorName(error) });
      }
    };
    const controller = new AbortController();
    const stopListening = [signal, this.#closed].map((from) => onAbort(from, () => controller.abort()));
    try {
      return await untilAborted(controller.signal, this.#lookUp(target, answers, note, controller.signal));
    } catch (error) {
      this.#context.runtime.checkOpen();
      throw error;
    } finally {
      for (const stop of stopListening) stop();
    }
  }

  async #lookUp(
    target: LookUpTarget,
    answers: readonly LookUpAnswer[],
    note: (answer: LookUpAnswer) => void,
    signal: AbortSignal,
  ): Promise<LookUpResult> {
    const { device, runtime } = this.#context;
    const { identity, name } = await this.#whom(target, note, signal);
    if (identity === undefined) return { identity, found: false, name, answers };
    const heard = { live: false, history: false };
    const stopHearing = this.#subscriptions.onContactCode(identity, (fromHistory) => {
      heard[fromHistory ? 'history' : 'live'] = true;
    });
    try {
      await Promise.all([
        this.#askHistory(identity, heard, note),
        ...this.#directories.map(({ name: source, asked }) =>
          this.#askDirectory(source, asked, identity, name?.name, note, signal),
        ),
      ]);
    } finally {
      stopHearing();
    }
    note({ source: 'topic', outcome: heard.live ? 'found' : 'none' });
    const found = await runtime.read(async (tx) => (await device.devices(tx, identity)).length > 0);
    return { identity, found, name, answers };
  }

  // Who it is

  async #whom(
    target: LookUpTarget,
    note: (answer: LookUpAnswer) => void,
    signal: AbortSignal,
  ): Promise<Person> {
    const { crypto } = this.#context.settings;
    if (isBytes(target)) return { identity: crypto.secp256k1.parsePublicKey(target), name: undefined };
    checkTarget(target);
    if ('identity' in target) {
      const identity = crypto.secp256k1.parsePublicKey(target.identity);
      if (target.bundle !== undefined) await this.#takeGiven(identity, target.bundle, note);
      return { identity, name: undefined };
    }
    return this.#byName(target, note, signal);
  }

  /** @throws whatever the resolver throws, for a name that isn't pinned */
  async #byName(
    target: Exclude<LookUpTarget, Uint8Array | { readonly identity: Uint8Array }>,
    note: (answer: LookUpAnswer) => void,
    signal: AbortSignal,
  ): Promise<Person> {
    const { runtime } = this.#context;
    let resolution: NameResolution | undefined;
    try {
      resolution = await this.#resolve(target, signal);
    } catch (error) {
      // The resolver may be down, and the name one that is known.
      const typed = target.kind === 'name' ? target.name.trim() : '';
      const known = await runtime.read(
        async (tx) => (await this.#names.get(tx, typed)) ?? this.#names.get(tx, typed.toLowerCase()),
      );
      if (known === undefined || !isSottoError(error)) throw error;
      note({ source: 'name', outcome: 'failed', error });
      return { identity: known.identity, name: known };
    }
    const name =
      resolution && (await runtime.transaction((tx) => this.#names.note(tx, resolution as NameResolution)));
    note({ source: 'name', outcome: resolution?.state === 'found' ? 'found' : 'none' });
    return { identity: name?.identity, name };
  }

  /** @returns nothing for an address without a name */
  async #resolve(
    target: Exclude<LookUpTarget, Uint8Array | { readonly identity: Uint8Array }>,
    signal: AbortSignal,
  ): Promise<NameResolution | undefined> {
    const { clock, crypto, limits, names } = this.#context.settings;
    if (names === undefined) throw unresolvable();
    const limit = { clock, timeoutMs: limits.directoryLookUpMs, signal };
    const resolution = await withinLimit('resolver of names', limit, async (own) => {
      const name =
        target.kind === 'name' ? target.name : await names.primaryName(target.address, { signal: own });
      return name === undefined ? undefined : names.resolve(name, { signal: own });
    });
    if (resolution === undefined || resolution.state === 'absent') return resolution;
    const { name, identity } = resolution;
    return { state: 'found', name, identity: crypto.secp256k1.parsePublicKey(identity) };
  }

  /** Merges the bundle of a card or contact code. @throws BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE, WRONG_IDENTITY */
  async #takeGiven(identity: PublicKey, bundle: Bundle, note: (answer: LookUpAnswer) => void): Promise<void> {
    if (compareBytes(bundle.identity, identity) !== 0) {
      throw new SottoError('WRONG_IDENTITY', 'The bundle is of another identity than the key beside it.', {
        expected: encodeHex(identity),
        actual: encodeHex(bundle.identity),
      });
    }
    await this.#merge(identity, bundle);
    note({ source: 'given', outcome: 'found' });
  }

  // Where their bundle is

  /** Subscribes to an identity's topic, and queries what the transport has kept of it. */
  async #askHistory(
    identity: PublicKey,
    heard: { readonly history: boolean },
    note: (answer: LookUpAnswer) => void,
  ): Promise<void> {
    const { crypto, clock, limits } = this.#context.settings;
    this.#subscriptions.watch(identity);
    const { connection } = this.#subscriptions;
    try {
      await this.#subscriptions.update();
      if (connection?.history === undefined) return;
      const now = clock.now();
      await connection.history({
        channels: [contactCodeChannel(crypto, identity)],
        from: now - limits.lookUpMs,
        to: now + limits.maxClockAheadMs,
      });
      note({ source: 'history', outcome: heard.history ? 'found' : 'none' });
    } catch (error) {
      if (!isSottoError(error) || error.code === 'CLOSED' || error.code.startsWith('STORE_')) throw error;
      note({ source: 'history', outcome: 'failed', error });
    }
  }

  /** Merges what a directory has as soon as it is there. */
  async #askDirectory(
    source: string,
    asked: Directories,
    identity: PublicKey,
    name: string | undefined,
    note: (answer: LookUpAnswer) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { found, failures } = await asked.find(identity, {
      signal,
      ...(name !== undefined && { name }),
    });
    for (const { bundle } of found) await this.#merge(identity, bundle);
    const [newest] = found;
    const [failure] = failures;
    if (newest !== undefined) {
      const { ageMs } = newest;
      note({ source, outcome: 'found', ...(ageMs !== undefined && { ageMs }) });
    } else if (failure !== undefined) note({ source, outcome: 'failed', error: failure.error });
    else note({ source, outcome: 'none' });
  }

  async #merge(identity: PublicKey, bundle: Bundle): Promise<void> {
    const { device, events, runtime } = this.#context;
    await runtime.transaction(async (tx) => {
      const news = await device.processBundle(tx, bundle);
      events.emitBundleNews(tx, identity, news, device.identity);
    });
  }
}

/** Rejects with ABORTED when the signal fires; what runs until then is not awaited any longer. */
function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () =>
      reject(new SottoError('ABORTED', 'The caller gave up.', { what: 'looking somebody up' })),
    );
    work.then(resolve, reject).finally(stopListening);
  });
}

/** @throws INVALID_ARGUMENT for what plain JavaScript may pass in, such as a text */
function checkTarget(target: Exclude<LookUpTarget, Uint8Array>): void {
  const { kind, identity } = (target ?? {}) as { readonly kind?: unknown; readonly identity?: unknown };
  if (identity === undefined && kind !== 'name' && kind !== 'address') {
    throw invalidArgument('recipient', 'neither a key nor what parseRecipient of @sotto/identity returns');
  }
}

function unresolvable(): SottoError {
  return new SottoError('INVALID_ARGUMENT', 'Names can only be looked up with the option `names`.', {
    what: 'recipient',
    reason: 'a name, and this messenger has no resolver of names',
  });
}
