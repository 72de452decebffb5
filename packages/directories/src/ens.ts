import {
  type BundleDirectory,
  type Clock,
  compareBytes,
  concatBytes,
  decodeHex,
  encodeHex,
  limitExceeded,
  type NameResolver,
  type PublicKey,
  parseObject,
  parseText,
  SottoError,
  systemClock,
  withinLimit,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { type Client, encodeFunctionData, type Hex, isAddress, toHex } from 'viem';
import { namehash, normalize } from 'viem/ens';
import { type EnsContent, ipnsContentHash, readContentHash } from './ens/content-hash.js';
import { PUBKEY_RESOLVER, resolverAbi } from './ens/contracts.js';
import { DIRECTORY_NAME, EnsReader, type RecordCall } from './ens/reader.js';
import { answerInvalid, directoryRefused } from './errors.js';

export type { EnsContent } from './ens/content-hash.js';

/** Key of the text record with the identity key in hex, `0x02…` or `0x03…`, for resolvers without a pubkey record. */
export const IDENTITY_TEXT_KEY = 'chat.sotto.identity';
/** Key of the text record with a Bundle message in base64. */
export const BUNDLE_TEXT_KEY = 'chat.sotto.bundle';
/** Longest name in characters; a DNS packet has room for 255 bytes. */
export const ENS_NAME_MAX_CHARACTERS = 255;

/** What {@link createEnsNames} needs. */
export interface EnsOptions {
  /** Parses public keys. */
  readonly crypto: CryptoProvider;
  /**
   * A viem client of the application, for the chain with ENS. Its Universal Resolver is used where `client.chain` names one,
   * else the registry. It bounds the size of answers, and learns which names are looked up.
   */
  readonly client: Client;
  /** Address of the registry. Default: that of the client's chain, else that of the main net. Rules the Universal Resolver out. */
  readonly registry?: Hex | undefined;
  /** Address of the Universal Resolver. Default: that of the client's chain, if it has one. */
  readonly universalResolver?: Hex | undefined;
  /** Bounds the calls. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Milliseconds for a name. Default 15,000: some names are resolved off the chain, by gateways. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of a bundle in a text record. Default 16 KiB, see `DirectoryLimits` of the main entry. */
  readonly maxBundleBytes?: number | undefined;
}

/** The records of a name. They are claims of whoever holds the name, and not verified. */
export interface EnsIdentity {
  /** Normalised (ENSIP-15). Show this one, not what was typed. */
  readonly name: string;
  /** The key that the name points to. */
  readonly identity: PublicKey;
  /** The record that has it. */
  readonly record: 'pubkey' | 'text';
  /** Where the name leads to; none when it has no contenthash. */
  readonly content?: EnsContent | undefined;
  /** The Bundle message of the text record, unverified; absent when the name has none. */
  readonly bundle?: Uint8Array | undefined;
}

/** What became of looking up a name. */
export type EnsResolution =
  /** The name points to a key: the one that it was pinned to, if it was. */
  | ({ readonly state: 'found' } & EnsIdentity)
  /** It points to another key than the one it was pinned to: ask the person before anything is sent there. */
  | ({ readonly state: 'changed'; readonly pinned: PublicKey } & EnsIdentity)
  /** Nobody has the name, or it has no key; `unusable-key`: what it has is not a key. */
  | { readonly state: 'absent'; readonly name: string; readonly reason: 'no-key' | 'unusable-key' };

/** A transaction for the holder of a name to sign. */
export interface EnsTransaction {
  /** The resolver of the name. */
  readonly to: Hex;
  /** One `multicall` that sets all records. */
  readonly data: Hex;
  /** No ether is sent. */
  readonly value: 0n;
  /** Records that it sets, by name: `pubkey`, `contenthash`, or the key of a text record. */
  readonly sets: readonly string[];
  /** Those of them that have another value now, which would be lost. */
  readonly replaces: readonly string[];
}

/** The records that are to be set. */
export interface EnsRecords {
  /** The key that the name will point to, 33 or 65 bytes. */
  readonly identity: Uint8Array;
  /** Whether the name leads to the identity's IPNS name, where each new bundle is then found without a transaction. Default false. */
  readonly ipns?: boolean | undefined;
  /** A Bundle message, for a text record. It is as old as the transaction, until the next one. Default: none. */
  readonly bundle?: Uint8Array | undefined;
}

/** Names of ENS, read through a client of the application. */
export interface EnsNames extends NameResolver {
  /**
   * Looks a name up.
   * @param options.pinned the key to which the name was pinned at first use, 33 or 65 bytes
   * @throws INVALID_TEXT for what can't be a name; DIRECTORY_UNAVAILABLE, DIRECTORY_ANSWER_INVALID, LIMIT_EXCEEDED, TIMEOUT,
   * ABORTED
   */
  resolve(
    name: string,
    options?: { readonly pinned?: Uint8Array | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<EnsResolution>;

  /**
   * The primary name of an Ethereum address (`0x…`), if it has one that leads back to it.
   * @throws INVALID_TEXT for what isn't an address or has a wrong checksum; otherwise as {@link resolve}
   */
  primaryName(
    address: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<string | undefined>;

  /**
   * Prepares the transaction that sets records. Sends nothing, and needs no key.
   * @throws DIRECTORY_REFUSED when the name has no resolver of its own on the chain; otherwise as {@link resolve}
   */
  prepare(
    name: string,
    records: EnsRecords,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<EnsTransaction>;
}

/** Reads names of ENS, and prepares what sets their records. */
export function createEnsNames(options: EnsOptions): EnsNames {
  parseObject(options, 'options', 'crypto', 'client');
  const { crypto, client, clock = systemClock, timeoutMs = 15_000, maxBundleBytes = 16 * 1024 } = options;
  const reader = new EnsReader(client, options.registry, options.universalResolver);
  const within = <T>(what: string, signal: AbortSignal | undefined, run: () => Promise<T>) =>
    withinLimit(what, { clock, timeoutMs, signal }, run);

  return {
    async resolve(given, { pinned: before, signal } = {}) {
      const name = normalizeEnsName(given);
      const pinned = before && crypto.secp256k1.parsePublicKey(before);
      const [pubkey, text, content, bundle] = await within(`name ${name}`, signal, () =>
        reader.read(name, [
          { functionName: 'pubkey' },
          { functionName: 'text', key: IDENTITY_TEXT_KEY },
          { functionName: 'contenthash' },
          { functionName: 'text', key: BUNDLE_TEXT_KEY },
        ]),
      );
      const found = readIdentity(pubkey as readonly [Hex, Hex] | undefined, text as string | undefined);
      if (typeof found === 'string') return { state: 'absent', name, reason: found };
      const { identity } = found;
      const leadsTo = readContentHash(decodeHex((content as Hex | undefined) ?? ''), identity);
      const about: EnsIdentity = {
        name,
        ...found,
        ...(leadsTo !== undefined && { content: leadsTo }),
        ...(bundle !== undefined && bundle !== '' && { bundle: bundleOf(bundle as string) }),
      };
      return pinned !== undefined && compareBytes(pinned, identity) !== 0
        ? { state: 'changed', pinned, ...about }
        : { state: 'found', ...about };
    },

    async primaryName(given, { signal } = {}) {
      const address = parseText(given, 'address').trim();
      if (!isAddress(address)) {
        throw new SottoError('INVALID_TEXT', 'Not a valid Ethereum address.', {
          what: 'Ethereum address',
          reason: 'not 0x and 40 digits, or a wrong checksum',
        });
      }
      return within(`address ${address}`, signal, () => reader.primaryName(address));
    },

    async prepare(given, records, { signal } = {}) {
      const name = normalizeEnsName(given);
      parseObject(records, 'records', 'identity');
      const identity = crypto.secp256k1.parsePublicKey(records.identity);
      const { bundle, ipns = false } = records;
      if (bundle !== undefined && bundle.length > maxBundleBytes) {
        throw limitExceeded('bundle, bytes', maxBundleBytes, bundle.length);
      }
      return within(`name ${name}`, signal, async () => {
        const resolver = await reader.resolverOf(name);
        if (resolver === undefined) {
          throw directoryRefused(DIRECTORY_NAME, `${name} has no resolver of its own on the chain`);
        }
        const hasPubkey = await reader.supports(resolver, PUBKEY_RESOLVER);
        return transaction(name, resolver, [
          ...(hasPubkey ? [pubkeyRecord(identity)] : []),
          textRecord(IDENTITY_TEXT_KEY, `0x${encodeHex(identity)}`),
          ...(ipns ? [contentRecord(ipnsContentHash(identity))] : []),
          ...(bundle !== undefined ? [textRecord(BUNDLE_TEXT_KEY, base64Of(bundle))] : []),
        ]);
      });
    },
  };

  /** The key of a name, from whichever record has one. */
  function readIdentity(
    pubkey: readonly [Hex, Hex] | undefined,
    text: string | undefined,
  ): Pick<EnsIdentity, 'identity' | 'record'> | 'no-key' | 'unusable-key' {
    const point = pubkey === undefined ? new Uint8Array(64) : concatBytes(...pubkey.map(decodeHex));
    // (0, 0) is what a resolver answers for nothing.
    const present = point.some((byte) => byte !== 0);
    if (!present && (text === undefined || text === '')) return 'no-key';
    try {
      return present
        ? {
            identity: crypto.secp256k1.parsePublicKey(concatBytes(Uint8Array.of(4), point)),
            record: 'pubkey',
          }
        : { identity: crypto.secp256k1.parsePublicKey(hexOf(text as string)), record: 'text' };
    } catch {
      return 'unusable-key';
    }
  }

  function bundleOf(text: string): Uint8Array {
    const limit = 4 * Math.ceil(maxBundleBytes / 3);
    if (text.length > limit) throw limitExceeded('bundle in a text record, characters', limit, text.length);
    try {
      return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    } catch (cause) {
      throw answerInvalid(DIRECTORY_NAME, 'the text record of the bundle is not base64', cause);
    }
  }

  async function transaction(name: string, to: Hex, changes: readonly Change[]): Promise<EnsTransaction> {
    const node = namehash(name);
    const now = await reader.read(
      name,
      changes.map(({ call }) => call),
    );
    const replaces = changes.filter(({ value, empty }, at) => {
      const before = now[at] === undefined ? empty : String(now[at]);
      return before !== empty && before !== value;
    });
    return {
      to,
      data: encodeFunctionData({
        abi: resolverAbi,
        functionName: 'multicall',
        args: [changes.map(({ encode }) => encode(node))],
      }),
      value: 0n,
      sets: changes.map(({ record }) => record),
      replaces: replaces.map(({ record }) => record),
    };
  }

  function pubkeyRecord(identity: PublicKey): Change {
    const point = crypto.secp256k1.uncompressPublicKey(identity);
    const [x, y] = [toHex(point.subarray(1, 33)), toHex(point.subarray(33))];
    const zero = toHex(new Uint8Array(32));
    return {
      record: 'pubkey',
      call: { functionName: 'pubkey' },
      value: `${x},${y}`,
      empty: `${zero},${zero}`,
      encode: (node) =>
        encodeFunctionData({ abi: resolverAbi, functionName: 'setPubkey', args: [node, x, y] }),
    };
  }
}

/** A record to be set. */
interface Change {
  readonly record: string;
  readonly call: RecordCall;
  /** As text, as what is read. */
  readonly value: string;
  /** What is read when nothing is set. */
  readonly empty: string;
  encode(node: Hex): Hex;
}

function textRecord(key: string, value: string): Change {
  return {
    record: key,
    call: { functionName: 'text', key },
    value,
    empty: '',
    encode: (node) =>
      encodeFunctionData({ abi: resolverAbi, functionName: 'setText', args: [node, key, value] }),
  };
}

function contentRecord(hash: Uint8Array): Change {
  const value = toHex(hash);
  return {
    record: 'contenthash',
    call: { functionName: 'contenthash' },
    value,
    empty: '0x',
    encode: (node) =>
      encodeFunctionData({ abi: resolverAbi, functionName: 'setContenthash', args: [node, value] }),
  };
}

/**
 * A name as ENS knows it (ENSIP-15), of what a person has typed.
 * @throws INVALID_TEXT
 */
export function normalizeEnsName(text: string): string {
  const typed = parseText(text, 'name').trim();
  let reason = 'not a name with a dot';
  if (typed.length > ENS_NAME_MAX_CHARACTERS) {
    reason = `longer than ${ENS_NAME_MAX_CHARACTERS} characters`;
  } else {
    try {
      const name = normalize(typed);
      if (/^[^.]+([.][^.]+)+$/.test(name)) return name;
    } catch {
      reason = 'characters that no name has';
    }
  }
  throw new SottoError('INVALID_TEXT', `Not a valid ENS name: ${reason}.`, { what: 'ENS name', reason });
}

/**
 * Names as a directory: finds the bundle in the text record of the name that was looked up, and nothing without a name. It is
 * read-only: `EnsNames.prepare` returns the transaction that publishes.
 */
export function createEnsDirectory(names: EnsNames, maxBundleBytes: number = 16 * 1024): BundleDirectory {
  return {
    name: DIRECTORY_NAME,
    capabilities: { publishing: 'transaction', updatedBy: 'name-owner', maxBundleBytes },
    async find(identity, { name, signal } = {}) {
      if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what: DIRECTORY_NAME });
      if (name === undefined) return [];
      const found = await names.resolve(name, { pinned: identity, ...(signal !== undefined && { signal }) });
      if (found.state === 'changed')
        throw answerInvalid(DIRECTORY_NAME, `${found.name} points to another key`);
      if (found.state === 'absent' || found.bundle === undefined) return [];
      return [{ bundle: found.bundle, source: found.name }];
    },
  };
}

/** By the platform, as viem's users have it: core's would be a fifth of this entry. */
function base64Of(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function hexOf(text: string): Uint8Array {
  return decodeHex(text.trim());
}
