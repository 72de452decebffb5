import { type BundleDirectory, compareBytes, encodeUtf8, errorName, type SottoError } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { storedNow } from '@sotto/device/internal';
import { createDirectories, type Directories, type FoundBundle } from '@sotto/directories';
import { type Bundle, encodeBundle } from '@sotto/protocol-codec';
import type { MessengerContext } from '../runtime/context.js';
import type { DirectoryState } from '../runtime/results.js';
import type { Siblings } from './siblings.js';
import { type DirectoryRecord, directoryTable } from './tables.js';

/** Longest interval between checks of what is due: timers are late when the machine slept. */
const CHECK_INTERVAL_MS = 60 * 60_000;
/**
 * When a publication is looked at again: another device of ours may have published at the same time, without knowing of this
 * one. Longer than caches keep records.
 */
const CONFIRM_AFTER_MS = 10 * 60_000;
/** Bundles of two devices count as published at once when they were signed within this time. */
const CONCURRENT_NANOSECONDS = BigInt(CONFIRM_AFTER_MS) * 1_000_000n;

const NOTHING: DirectoryRecord = {
  content: new Uint8Array(0),
  publishedAt: 0n,
  publishedTimestamp: 0n,
  signedTimestamp: 0n,
  confirmAt: 0n,
  failedAttempts: 0,
  retryAt: 0n,
  errorCode: '',
};

/** Keeps our bundle in one directory up to date: after each rotation and once a day, until the messenger is closed. */
export class Publisher {
  readonly #context: MessengerContext;
  readonly #directory: BundleDirectory;
  /** This directory alone: what is slow or fails here has no effect on others. */
  readonly #asked: Directories;
  readonly #siblings: Siblings;
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;
  #again: { readonly impatient: boolean } | undefined;

  /** @param signal fires when the messenger is closed */
  constructor(
    context: MessengerContext,
    directory: BundleDirectory,
    siblings: Siblings,
    signal: AbortSignal,
  ) {
    const { crypto, clock, limits } = context.settings;
    this.#context = context;
    this.#directory = directory;
    this.#asked = createDirectories({
      crypto,
      clock,
      directories: [directory],
      limits: { timeoutMs: limits.directoryPublishMs },
    });
    this.#siblings = siblings;
    this.#signal = signal;
  }

  /**
   * Publishes what is due, one attempt at a time, and schedules the next check. Never rejects.
   * @param impatient without waiting for the time of the next attempt after a failure
   */
  check(impatient = false): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = { impatient: impatient || (this.#again?.impatient ?? false) };
      return this.#running;
    }
    this.#running = this.#check(impatient).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Resolves when what is in progress has ended. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #check(impatient: boolean): Promise<void> {
    const { events, runtime, settings } = this.#context;
    let wait = settings.limits.directoryRetryMs;
    try {
      for (let next: { readonly impatient: boolean } | undefined = { impatient }; next !== undefined; ) {
        wait = await this.#publishIfDue(next.impatient);
        next = this.#again;
        this.#again = undefined;
      }
    } catch (error) {
      this.#again = undefined;
      if (runtime.closed) return;
      events.storageError(error);
    }
    runtime.schedule(`directory ${this.#directory.name}`, Math.min(wait, CHECK_INTERVAL_MS), () => {
      void this.check();
    });
  }

  /** Has our bundle published anew: another device may have published one since ours. */
  async makeDue(tx: Transaction): Promise<void> {
    tx.put(directoryTable, { ...(await this.#record(tx)), content: NOTHING.content }, this.#directory.name);
  }

  /** @returns milliseconds until something is due */
  async #publishIfDue(impatient: boolean): Promise<number> {
    const { runtime } = this.#context;
    const { wait, confirm } = await runtime.read((tx) => this.#plan(tx, impatient));
    if (wait > 0) return wait;
    if (confirm && !(await this.#isReplaced())) return this.#untilDue();
    await this.#publish();
    return this.#untilDue();
  }

  async #untilDue(): Promise<number> {
    return (await this.#context.runtime.read((tx) => this.#plan(tx, false))).wait;
  }

  /**
   * Milliseconds until something is to be done, 0 when it is now; and whether that is only to see whether our bundle is still
   * there. A time that a clock set since then makes too far away counts as over.
   */
  async #plan(
    tx: ReadTransaction,
    impatient: boolean,
  ): Promise<{ readonly wait: number; readonly confirm: boolean }> {
    const { settings } = this.#context;
    const { directoryRetryMaxMs, directoryIntervalMs } = settings.limits;
    const { lifetimeMs = Number.POSITIVE_INFINITY } = this.#directory.capabilities;
    const record = await this.#record(tx);
    const now = settings.clock.now();
    const until = (at: number, most: number) => (at - now > most ? 0 : Math.max(0, at - now));
    if (record.failedAttempts > 0 && !impatient) {
      return { wait: until(Number(record.retryAt), 2 * directoryRetryMaxMs), confirm: false };
    }
    const content = contentOf(
      settings,
      await this.#context.device.bundleWith(tx, await this.#siblings.list(tx), 0n),
    );
    if (record.failedAttempts > 0 || compareBytes(content, record.content) !== 0) {
      return { wait: 0, confirm: false };
    }
    const interval = Math.min(directoryIntervalMs, lifetimeMs / 2);
    const renew = until(Number(record.publishedAt) + interval, interval);
    if (renew === 0 || record.confirmAt === 0n) return { wait: renew, confirm: false };
    return { wait: Math.min(renew, until(Number(record.confirmAt), 2 * CONFIRM_AFTER_MS)), confirm: true };
  }

  async #record(tx: ReadTransaction): Promise<DirectoryRecord> {
    return (await tx.get(directoryTable, this.#directory.name)) ?? NOTHING;
  }

  /** Whether another device has published since, without this one or with a prekey of it that is out of date. */
  async #isReplaced(): Promise<boolean> {
    const { device, runtime } = this.#context;
    const found = await this.#findOurs();
    return runtime.transaction(async (tx) => {
      const record = await this.#record(tx);
      const { version } = await device.currentPreKey(tx);
      tx.put(directoryTable, { ...record, confirmAt: 0n }, this.#directory.name);
      return found.some(
        ({ bundle }) =>
          // Where the first of two that publish at once stays, it was signed a little earlier than ours.
          bundle.timestamp >= record.publishedTimestamp - CONCURRENT_NANOSECONDS &&
          (bundle.signedPreKeys.get(device.installationId)?.version ?? 0) < version,
      );
    });
  }

  /** What the directory has of our identity; nothing when it doesn't answer. */
  async #findOurs(): Promise<readonly FoundBundle[]> {
    return (await this.#asked.find(this.#context.device.identity, { signal: this.#signal })).found;
  }

  async #publish(): Promise<void> {
    // Of two devices that publish at once, one begins anew.
    let error = await this.#tryToPublish();
    if (error?.code === 'BUNDLE_STALE') error = await this.#tryToPublish();
    const { events, runtime, settings } = this.#context;
    const directory = this.#directory.name;
    if (error === undefined) return;
    const { directoryRetryMs, directoryRetryMaxMs } = settings.limits;
    const { code } = error;
    const refused = error;
    await runtime.transaction(async (tx) => {
      const record = await this.#record(tx);
      const attempts = record.failedAttempts + 1;
      const most = Math.min(directoryRetryMs * 2 ** Math.min(attempts - 1, 30), directoryRetryMaxMs);
      const waitMs = Math.round(this.#vary(most));
      const retryAt = storedNow(settings.clock) + BigInt(waitMs);
      tx.put(directoryTable, { ...record, failedAttempts: attempts, retryAt, errorCode: code }, directory);
      events.emitOnCommit(tx, 'bundlePublishFailed', { directory, error: refused, attempts, waitMs });
    });
    settings.logger.warn('bundle not published', { directory, error: errorName(error) });
  }

  /** @returns why it failed; nothing when it was published, and that is stored */
  async #tryToPublish(): Promise<SottoError | undefined> {
    const { device, events, runtime, settings } = this.#context;
    const directory = this.#directory.name;
    const found = await this.#findOurs();
    await runtime.transaction(async (tx) => {
      await device.rotatePreKeyIfDue(tx);
      const record = await this.#record(tx);
      for (const one of found) {
        if (isOurs(settings, record, one.bundle)) continue;
        const news = await device.processBundle(tx, one.bundle);
        events.emitBundleNews(tx, device.identity, news, device.identity);
        await this.#siblings.note(tx, one);
      }
    });
    const newest = found[0]?.bundle.timestamp ?? 0n;
    const bundle = await runtime.transaction(async (tx) => {
      const signed = await device.bundleWith(tx, await this.#siblings.list(tx), newest);
      await this.#siblings.deleteExcess(tx);
      tx.put(directoryTable, { ...(await this.#record(tx)), signedTimestamp: signed.timestamp }, directory);
      return signed;
    });
    const publication = { identity: settings.identity, bundle: encodeBundle(bundle) };
    const [outcome] = await this.#asked.publish(publication, { signal: this.#signal });
    if (outcome?.error !== undefined) return outcome.error;
    await runtime.transaction(async (tx) => {
      const now = storedNow(settings.clock);
      const confirmAt = now + BigInt(Math.round(this.#vary(CONFIRM_AFTER_MS)));
      const record: DirectoryRecord = {
        ...NOTHING,
        content: contentOf(settings, bundle),
        publishedAt: now,
        publishedTimestamp: bundle.timestamp,
        signedTimestamp: bundle.timestamp,
        confirmAt,
      };
      tx.put(directoryTable, record, directory);
      events.emitOnCommit(tx, 'bundlePublished', { directory });
    });
    return undefined;
  }

  /** Between half of it and one and a half of it, at random: so that devices don't act in step. */
  #vary(milliseconds: number): number {
    const [high = 0, low = 0] = this.#context.settings.crypto.randomBytes(2);
    return milliseconds * (0.5 + (high * 256 + low) / 65_536);
  }
}

/** What the store says of a directory. */
export async function describeDirectory(
  tx: ReadTransaction,
  { name, capabilities }: BundleDirectory,
): Promise<DirectoryState> {
  const record = (await tx.get(directoryTable, name)) ?? NOTHING;
  return {
    directory: name,
    capabilities,
    publishedAt: record.publishedAt > 0n ? Number(record.publishedAt) : undefined,
    failedAttempts: record.failedAttempts,
    errorCode: record.errorCode || undefined,
  };
}

/** Whether this device has signed a bundle for that directory: two devices may do so in the same millisecond. */
function isOurs(settings: MessengerContext['settings'], record: DirectoryRecord, bundle: Bundle): boolean {
  if (bundle.timestamp === record.publishedTimestamp) {
    return compareBytes(contentOf(settings, bundle), record.content) === 0;
  }
  return bundle.timestamp === record.signedTimestamp;
}

/** A hash of the devices of a bundle with their prekeys, 32 bytes: without its time and signatures, which are always new. */
function contentOf({ crypto }: MessengerContext['settings'], { signedPreKeys }: Bundle): Uint8Array {
  const parts = [...signedPreKeys].map(
    ([installationId, { signedPreKey, version, protocolVersion, hybrid }]) => [
      installationId,
      signedPreKey.join(),
      version,
      protocolVersion,
      ...(hybrid === undefined ? [] : [hybrid.kemPreKeyHash.join()]),
    ],
  );
  return crypto.sha256(
    encodeUtf8(JSON.stringify(parts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)))),
  );
}
