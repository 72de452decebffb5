import {
  type BundleCandidate,
  type BundleDirectory,
  type BundlePublication,
  type Clock,
  compareBytes,
  type ErrorCode,
  encodeHex,
  invalidArgument,
  isSottoError,
  limitExceeded,
  type PublicKey,
  parseObject,
  SottoError,
  systemClock,
  withinLimit,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { decodeBundle } from '@sotto/protocol-codec';
import {
  checkBundlePlausibility,
  type PlausibleBundle,
  type VerifiedBundle,
  verifyBundle,
} from '@sotto/x3dh';
import { directoryUnavailable } from './errors.js';

/** What bounds the answers of directories. */
export interface DirectoryLimits {
  /**
   * Milliseconds for the answer of one directory. Default 20,000: some lookups in distributed hash tables take that long,
   * and a person waits.
   */
  readonly timeoutMs: number;
  /** Candidates of one directory that are looked at. Default 4, as each costs two signature checks; honest ones give one or two. */
  readonly maxCandidates: number;
  /** Bytes of a candidate. Default 16 KiB: a bundle of 16 devices with the longest ids; real ones have 600 bytes. */
  readonly maxBundleBytes: number;
}

/** The limits used unless the caller sets them. */
export const DEFAULT_DIRECTORY_LIMITS: DirectoryLimits = Object.freeze({
  timeoutMs: 20_000,
  maxCandidates: 4,
  maxBundleBytes: 16 * 1024,
});

/** What {@link createDirectories} needs. */
export interface DirectoriesOptions {
  /** Verifies signatures. */
  readonly crypto: CryptoProvider;
  /** Queried in parallel. Their names have to differ. */
  readonly directories: readonly BundleDirectory[];
  /** Tells what lies in the future, how old a bundle is, and when an answer is late. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Limits to use instead of {@link DEFAULT_DIRECTORY_LIMITS}, one by one. */
  readonly limits?: Partial<DirectoryLimits> | undefined;
}

/** A bundle that was found, verified and plausible: as good as one that came by message. */
export interface FoundBundle {
  /** Name of the directory. */
  readonly directory: string;
  /** Where that directory found it, for people and reports. */
  readonly source: string;
  /** Signed by the identity that was looked up. */
  readonly bundle: VerifiedBundle;
  /** The devices of the bundle that can be talked to. */
  readonly devices: PlausibleBundle['devices'];
  /** Milliseconds since the bundle was signed, as it says; none when it has no time. Never negative. */
  readonly ageMs?: number | undefined;
}

/** A directory that failed, or a candidate of it that was refused. */
export interface DirectoryFailure {
  /** Name of the directory. */
  readonly directory: string;
  /** DIRECTORY_UNAVAILABLE, TIMEOUT, BUNDLE_SIGNATURE_INVALID, WRONG_IDENTITY, BUNDLE_STALE and the like. */
  readonly error: SottoError;
}

/** The answers of all directories. */
export interface DirectoryAnswers {
  /** Newest first. All are worth merging: devices may be known to one directory only. */
  readonly found: readonly FoundBundle[];
  /** What was refused or failed, in the order in which it became known. */
  readonly failures: readonly DirectoryFailure[];
  /** Names of the directories that answered that they know nothing. */
  readonly empty: readonly string[];
}

/** How to look. */
export interface DirectoriesFindOptions {
  /** The name by which the identity was found, for directories that go by names. */
  readonly name?: string | undefined;
  /**
   * Time of the newest bundle known of the identity, in nanoseconds since the epoch: older ones are refused with
   * BUNDLE_STALE. Default: none is known.
   */
  readonly known?: bigint | undefined;
  /** Called with each bundle as soon as it is found and verified, before slower directories have answered. */
  onFound?(found: FoundBundle): void;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a publication at one directory. */
export interface PublicationOutcome {
  /** Name of the directory. */
  readonly directory: string;
  /** Why the bundle was not published; absent when it was. */
  readonly error?: SottoError | undefined;
}

/** Several directories that are queried as one. */
export interface Directories {
  /** Those it was made of. */
  readonly directories: readonly BundleDirectory[];

  /**
   * Queries all directories in parallel. Each candidate is verified like any bundle: its signature, that it is of this identity,
   * that it is plausible, and that it isn't older than `known`. A directory that fails is listed in `failures` and doesn't
   * affect the others.
   * @throws ABORTED; INVALID_PUBLIC_KEY
   */
  find(identity: Uint8Array, options?: DirectoriesFindOptions): Promise<DirectoryAnswers>;

  /**
   * Publishes in parallel to all directories that need no transaction, and returns one outcome for each.
   * @param options.only names of the directories to publish to, for a retry. Default: all
   * @throws ABORTED; INVALID_ARGUMENT, and whatever is wrong with the bundle, before anything is published
   */
  publish(
    publication: Omit<BundlePublication, 'sequence'>,
    options?: { readonly only?: readonly string[] | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly PublicationOutcome[]>;
}

/**
 * Combines directories: queries them in parallel and trusts none of them.
 * @throws INVALID_ARGUMENT when two have the same name
 */
export function createDirectories(options: DirectoriesOptions): Directories {
  parseObject(options, 'options', 'crypto', 'directories');
  const { crypto, clock = systemClock } = options;
  const directories = [...options.directories];
  const limits = { ...DEFAULT_DIRECTORY_LIMITS, ...options.limits };
  if (new Set(directories.map(({ name }) => name)).size < directories.length) {
    throw invalidArgument('directories', 'two of them have the same name');
  }
  return {
    directories,

    async find(given, { name, known, onFound, signal } = {}) {
      const identity = crypto.secp256k1.parsePublicKey(given);
      const found: FoundBundle[] = [];
      const failures: DirectoryFailure[] = [];
      const empty: string[] = [];
      const examine = (directory: BundleDirectory, candidate: BundleCandidate): FoundBundle | undefined => {
        let one: FoundBundle;
        try {
          one = verifyCandidate(directory.name, candidate, identity, known);
        } catch (error) {
          failures.push({ directory: directory.name, error: asSottoError(directory.name, error) });
          return undefined;
        }
        found.push(one);
        found.sort((a, b) => compareTimes(b.bundle.timestamp, a.bundle.timestamp));
        return one;
      };
      await Promise.all(
        directories.map(async (directory) => {
          let usable: readonly FoundBundle[] = [];
          try {
            const candidates = await withinLimit(
              `directory ${directory.name}`,
              { clock, timeoutMs: limits.timeoutMs, signal },
              (ownSignal) =>
                directory.find(identity, { ...(name !== undefined && { name }), signal: ownSignal }),
            );
            if (candidates.length === 0) empty.push(directory.name);
            usable = candidates
              .slice(0, limits.maxCandidates)
              .flatMap((candidate) => examine(directory, candidate) ?? []);
            if (candidates.length > limits.maxCandidates) {
              throw limitExceeded(`candidates of ${directory.name}`, limits.maxCandidates, candidates.length);
            }
          } catch (error) {
            if (signal?.aborted) throw error;
            failures.push({ directory: directory.name, error: asSottoError(directory.name, error) });
          }
          for (const one of usable) onFound?.(one);
        }),
      );
      return { found, failures, empty };
    },

    async publish(publication, { only, signal } = {}) {
      parseObject(publication, 'publication', 'identity', 'bundle');
      const { bundle, identity } = publication;
      // What can't be believed when it is found isn't published either.
      const { bundle: sound } = verifyCandidate(
        'own',
        { bundle, source: 'own' },
        identity.publicKey,
        undefined,
      );
      const chosen = directories.filter(
        (directory) =>
          (directory.capabilities.publishing === 'free' || directory.capabilities.publishing === 'paid') &&
          (only === undefined || only.includes(directory.name)),
      );
      return Promise.all(
        chosen.map(async (directory): Promise<PublicationOutcome> => {
          try {
            await withinLimit(
              `directory ${directory.name}`,
              { clock, timeoutMs: limits.timeoutMs, signal },
              async (ownSignal) =>
                directory.publish?.({ identity, bundle, sequence: sound.timestamp }, { signal: ownSignal }),
            );
            return { directory: directory.name };
          } catch (error) {
            if (signal?.aborted) throw error;
            return { directory: directory.name, error: asSottoError(directory.name, error) };
          }
        }),
      );
    },
  };

  function verifyCandidate(
    directory: string,
    { bundle: bytes, source }: BundleCandidate,
    identity: PublicKey,
    known: bigint | undefined,
  ): FoundBundle {
    if (bytes.length > limits.maxBundleBytes) {
      throw limitExceeded('bundle, bytes', limits.maxBundleBytes, bytes.length);
    }
    const decoded = decodeBundle(bytes);
    // Before the signature, which costs more; of the 33-byte form alone, as that is what is signed.
    if (compareBytes(decoded.identity, identity) !== 0) {
      throw new SottoError('WRONG_IDENTITY', 'This bundle is of another identity than the one asked for.', {
        expected: encodeHex(identity),
        actual: encodeHex(decoded.identity),
      });
    }
    const bundle = verifyBundle(crypto, decoded);
    const now = clock.now();
    const { devices } = checkBundlePlausibility(crypto, bundle, { now });
    if (known !== undefined && bundle.timestamp < known) {
      const details = { timestamp: bundle.timestamp, known };
      throw new SottoError('BUNDLE_STALE', 'This bundle is older than one that is known.', details);
    }
    return {
      directory,
      source,
      bundle,
      devices,
      ...(bundle.timestamp !== 0n && {
        ageMs: Math.max(0, now - Number(bundle.timestamp / 1_000_000n)),
      }),
    };
  }
}

function compareTimes(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Directories may be third-party code: an error that isn't Sotto's counts as the directory being unavailable. */
function asSottoError(directory: string, error: unknown): SottoError<ErrorCode> {
  return isSottoError(error) ? error : directoryUnavailable(directory, 'it failed', error);
}
