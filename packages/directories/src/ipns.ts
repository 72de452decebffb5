import {
  type BundleDirectory,
  type Clock,
  compareBytes,
  copyBytes,
  invalidArgument,
  isSottoError,
  limitExceeded,
  type PublicKey,
  parseObject,
  SottoError,
  systemClock,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { answerInvalid, directoryUnavailable } from './errors.js';
import { DIRECTORY_NAME, type IpnsEndpoint } from './ipns/endpoints.js';
import { hashOfRawPath, ipnsName, rawBlockCid } from './ipns/names.js';
import { createIpnsRecord, type IpnsRecord, parseIpnsRecord } from './ipns/record.js';

export type { Fetch, HttpOptions } from '@sotto/core/http';
export {
  createDelegatedRoutingEndpoint,
  createGatewayEndpoint,
  createKuboEndpoint,
  type IpnsEndpoint,
} from './ipns/endpoints.js';
export { identityOfIpnsName, ipnsNameBytes } from './ipns/key-cid.js';
export { ipnsName } from './ipns/names.js';

/** What {@link createIpnsDirectory} needs. */
export interface IpnsDirectoryOptions {
  /** Signs and verifies records. */
  readonly crypto: CryptoProvider;
  /**
   * Who is asked and published to. All are asked for the record, side by side, and the newest counts. A bundle is
   * published when one has taken the block and one the record.
   */
  readonly endpoints: readonly IpnsEndpoint[];
  /** Tells what has expired. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Milliseconds for which a record is valid. Default 48 hours: as long as nodes of the network keep records. */
  readonly lifetimeMs?: number | undefined;
  /** Milliseconds for which others may answer from their caches. Default 5 minutes: rotation is once a day. */
  readonly ttlMs?: number | undefined;
  /** Bytes of a bundle. Default 16 KiB, see `DirectoryLimits` of the main entry. */
  readonly maxBundleBytes?: number | undefined;
}

const HOUR_MS = 60 * 60_000;
/** How far ahead of our clock a sequence may be, as a time, and still be believed: as for bundles. */
const MAX_AHEAD_NS = 10n * 60_000n * 1_000_000n;

/**
 * A directory on IPNS. The name follows from the identity key, so anyone who has the key finds the newest bundle; the record
 * is signed with that key, and leads to the bundle as one raw block.
 *
 * The sequence of a record is the timestamp of its bundle. Where one with a higher sequence is published that lies in the
 * future, from a device whose clock was wrong, ours is that plus one; any other that is higher is newer than ours, and
 * `publish` rejects with BUNDLE_STALE.
 * @throws INVALID_ARGUMENT without endpoints
 */
export function createIpnsDirectory(options: IpnsDirectoryOptions): BundleDirectory {
  parseObject(options, 'options', 'crypto', 'endpoints');
  const { crypto, clock = systemClock, maxBundleBytes = 16 * 1024 } = options;
  const { lifetimeMs = 48 * HOUR_MS, ttlMs = 5 * 60_000 } = options;
  const endpoints = [...options.endpoints];
  if (endpoints.length === 0) throw invalidArgument('endpoints', 'there are none');
  const writable = endpoints.some((one) => one.putRecord) && endpoints.some((one) => one.putBlock);

  /** The valid records that the endpoints have, newest first, one for each value. */
  async function readRecords(identity: PublicKey, signal: AbortSignal | undefined) {
    const name = ipnsName(identity);
    const errors: unknown[] = [];
    const records: IpnsRecord[] = [];
    await Promise.all(
      endpoints.map(async (endpoint) => {
        const { source } = endpoint;
        try {
          const bytes = await endpoint.getRecord?.(name, signal);
          if (bytes === undefined) return;
          const record = parseIpnsRecord(crypto, identity, bytes);
          if (typeof record === 'string') throw answerInvalid(DIRECTORY_NAME, `${source} has ${record}`);
          if (record.validUntil < clock.now()) {
            throw answerInvalid(DIRECTORY_NAME, `${source} has an IPNS record that has expired`);
          }
          records.push(record);
        } catch (error) {
          errors.push(error);
        }
      }),
    );
    checkAborted(signal);
    records.sort((a, b) =>
      a.sequence < b.sequence ? 1 : a.sequence > b.sequence ? -1 : b.validUntil - a.validUntil,
    );
    return { records, errors };
  }

  /** The block of a path, from whichever endpoint has it first. */
  async function readBlock(path: string, signal: AbortSignal | undefined) {
    const hash = hashOfRawPath(path);
    if (hash === undefined) throw answerInvalid(DIRECTORY_NAME, 'the record does not lead to a raw block');
    const cid = path.slice('/ipfs/'.length).replace('/', '');
    const errors: unknown[] = [];
    const reads = endpoints.map(async (endpoint) => {
      const { source } = endpoint;
      try {
        const block = await endpoint.getBlock?.(cid, maxBundleBytes, signal);
        if (block === undefined)
          throw directoryUnavailable(DIRECTORY_NAME, `${source} does not have the block`);
        if (block.length > maxBundleBytes) throw limitExceeded('bundle, bytes', maxBundleBytes, block.length);
        if (compareBytes(crypto.sha256(block), hash) !== 0) {
          throw answerInvalid(DIRECTORY_NAME, `${source} has given another block than the one asked for`);
        }
        return { bundle: copyBytes(block), source };
      } catch (error) {
        errors.push(error);
        throw error;
      }
    });
    try {
      return await Promise.any(reads);
    } catch {
      checkAborted(signal);
      throw worstOf(errors);
    }
  }

  /** The sequence for a bundle to be published in place of what is there. */
  function nextSequence(sequence: bigint, value: string, published: IpnsRecord | undefined): bigint {
    if (published === undefined || published.sequence < sequence) return sequence;
    if (published.value === value) return published.sequence;
    const latest = BigInt(clock.now()) * 1_000_000n + MAX_AHEAD_NS;
    if (published.sequence > latest) return published.sequence + 1n;
    throw new SottoError('BUNDLE_STALE', 'A newer bundle is published already.', {
      timestamp: sequence,
      known: published.sequence,
    });
  }

  /** Runs it at all endpoints that can do it; one has to succeed. */
  async function atOneAtLeast(writes: readonly (Promise<void> | undefined)[]): Promise<void> {
    const outcomes = await Promise.allSettled(writes.filter((write) => write !== undefined));
    if (outcomes.some(({ status }) => status === 'fulfilled')) return;
    throw worstOf(outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason));
  }

  return {
    name: DIRECTORY_NAME,
    capabilities: {
      publishing: writable ? 'free' : 'none',
      updatedBy: 'identity-key',
      lifetimeMs,
      maxBundleBytes,
    },

    async find(given, { signal } = {}) {
      checkAborted(signal);
      const identity = crypto.secp256k1.parsePublicKey(given);
      const { records, errors } = await readRecords(identity, signal);
      const [newest, ...others] = records;
      if (newest === undefined) {
        if (errors.length > 0) throw worstOf(errors);
        return [];
      }
      try {
        return [await readBlock(newest.value, signal)];
      } catch (error) {
        checkAborted(signal);
        // Better one of yesterday's, from which the sender may still be found, than none.
        const older = others.find(({ value }) => value !== newest.value);
        if (older === undefined) throw error;
        return [await readBlock(older.value, signal)];
      }
    },

    ...(writable && {
      async publish({ identity, bundle: given, sequence }, { signal } = {}) {
        checkAborted(signal);
        const bundle = copyBytes(given, 'bundle');
        if (bundle.length > maxBundleBytes)
          throw limitExceeded('bundle, bytes', maxBundleBytes, bundle.length);
        if (typeof sequence !== 'bigint' || sequence < 0n || sequence >= 1n << 63n) {
          throw invalidArgument('sequence', 'not a bigint from 0 to 2^63 - 1');
        }
        const value = `/ipfs/${rawBlockCid(crypto, bundle)}`;
        const name = ipnsName(identity.publicKey);
        const { records } = await readRecords(identity.publicKey, signal);
        const record = createIpnsRecord(crypto, identity, {
          value,
          sequence: nextSequence(sequence, value, records[0]),
          validUntil: clock.now() + lifetimeMs,
          ttlMs,
        });
        // The block first: a record must not lead to nothing.
        await atOneAtLeast(endpoints.map((endpoint) => endpoint.putBlock?.(bundle, signal)));
        checkAborted(signal);
        await atOneAtLeast(endpoints.map((endpoint) => endpoint.putRecord?.(name, record, signal)));
      },
    }),
  };
}

function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what: DIRECTORY_NAME });
}

/** Of several errors the one that says most: a wrong answer before none. Endpoints may be third-party code. */
function worstOf(errors: readonly unknown[]): SottoError {
  const known = errors.map((error) =>
    isSottoError(error) ? error : directoryUnavailable(DIRECTORY_NAME, 'an endpoint failed', error),
  );
  const says = ({ code }: SottoError) => code !== 'DIRECTORY_UNAVAILABLE' && code !== 'TIMEOUT';
  return known.find(says) ?? (known[0] as SottoError);
}
