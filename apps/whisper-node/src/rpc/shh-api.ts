import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { type Clock, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { Miner } from '@sotto/whisper-transport';
import {
  channelKeyRequest,
  ENVELOPE_MAX_BYTES,
  type EnvelopePool,
  type OpeningKey,
} from '@sotto/whisper-transport/whisper';
import type { FairQueue } from '../limits/fair-queue.js';
import type { Api, Method, Subscriber } from './dispatcher.js';
import type { Criteria, Filters } from './filters.js';
import type { KeyStore } from './key-store.js';
import type { Fields } from './params.js';
import { type PostOptions, parsePublicKey, sealPosted } from './post.js';
import { refused, tooMany } from './rpc-error.js';

export interface ShhOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly pool: EnvelopePool;
  readonly keys: KeyStore;
  readonly filters: Filters;
  readonly miner: Miner;
  /** Key derivations and proofs of work, with which one client could block the others. */
  readonly derivations: FairQueue;
  readonly searches: FairQueue;
  readonly maxPowTime: number;
  /** Whether keys may be added, generated and used. */
  readonly withKeys: boolean;
  /** Sends an envelope to the network and the archive. */
  readonly publish: (envelope: Uint8Array) => Promise<void>;
}

/** Bits of proof of work that aren't worth queueing: enough for the usual 0.002 in up to 17 kB. */
const BITS_AT_ONCE = 10;

const hex = (bytes: Uint8Array) => `0x${encodeHex(bytes)}`;

/** The namespace `shh` of go-ethereum's Whisper v6. Wire profile, section 7. */
export function createShhApi(options: ShhOptions): Api {
  const methods = new Map<string, Method>(Object.entries(inform(options)));
  const subscribers = new Map<string, Subscriber>();
  if (options.withKeys) {
    for (const [name, method] of Object.entries({ ...useKeys(options), ...exchange(options) }))
      methods.set(name, method);
    subscribers.set('shh messages', (params, notify, client) => {
      const id = options.filters.install(client, readSubscription(options, params.fields(0)), notify);
      return () => void options.filters.remove(id);
    });
  }
  return { modules: { shh: '1.0' }, methods, subscribers };
}

function inform({ pool }: ShhOptions): Record<string, Method> {
  return {
    shh_version: () => '6.0',
    // go-ethereum's queue for filters; here they are served immediately.
    shh_info: () => ({
      memory: pool.bytes,
      messages: 0,
      minPow: pool.policy.minimumPow,
      maxMessageSize: ENVELOPE_MAX_BYTES,
    }),
  };
}

function useKeys({ crypto, keys, derivations }: ShhOptions): Record<string, Method> {
  return {
    shh_newKeyPair: (_, client) => keys.newPair(client),
    shh_addPrivateKey: (params, client) => keys.addPair(client, params.bytes(0)),
    shh_deleteKeyPair: (params) => {
      const id = params.text(0);
      if (!keys.deletePair(id)) throw refused(`key pair ${id} not found`);
      return true;
    },
    shh_hasKeyPair: (params) => keys.hasPair(params.text(0)),
    shh_getPublicKey: (params) =>
      hex(crypto.secp256k1.uncompressPublicKey(keys.pair(params.text(0)).publicKey)),
    shh_getPrivateKey: (params) => hex(keys.pair(params.text(0)).privateKey),
    shh_newSymKey: (_, client) => keys.newSymmetric(client),
    shh_addSymKey: (params, client) => keys.addSymmetric(client, params.bytes(0)),
    shh_generateSymKeyFromPassword: async (params, client) => {
      const password = params.text(0);
      keys.checkRoomForSymmetric(client);
      const key = await derivations.run(client, () => deriveChannelKey(password), tooManyWait);
      return keys.addSymmetric(client, key);
    },
    shh_hasSymKey: (params) => keys.hasSymmetric(params.text(0)),
    shh_getSymKey: (params) => hex(keys.symmetric(params.text(0))),
    shh_deleteSymKey: (params) => keys.deleteSymmetric(params.text(0)),
  };
}

function exchange(options: ShhOptions): Record<string, Method> {
  const { crypto, pool, filters, publish } = options;
  const postOptions = (client: string): PostOptions => ({
    ...options,
    policy: () => pool.policy,
    miner: minerFor(options, client),
  });
  return {
    shh_post: async (params, client) => {
      params.atMost(1);
      const envelope = await sealPosted(postOptions(client), params.fields(0));
      try {
        await publish(envelope);
      } catch (error) {
        if (!isSottoError(error)) throw error;
        throw refused(error.message);
      }
      return hex(crypto.keccak256(envelope));
    },
    shh_newMessageFilter: (params, client) => filters.install(client, readFilter(options, params.fields(0))),
    shh_getFilterMessages: (params) => filters.fetch(params.text(0)),
    shh_deleteMessageFilter: (params) => {
      if (!filters.remove(params.text(0))) throw refused('Unsubscribe: Invalid ID');
      return true;
    },
  };
}

const tooManyWait = () => tooMany('too much of this waits already; try again later');

/** Derives off this thread, which serves other clients meanwhile. */
function deriveChannelKey(password: string): Promise<Uint8Array> {
  const { password: bytes, salt, iterations, length } = channelKeyRequest(password);
  return promisify(pbkdf2)(bytes, salt, iterations, length, 'sha256');
}

/** Longer jobs wait for their turn. */
function minerFor({ miner, searches }: ShhOptions, client: string): PostOptions['miner'] {
  return {
    mine: (prefix, bits, mineOptions) =>
      bits < BITS_AT_ONCE
        ? miner.mine(prefix, bits, mineOptions)
        : searches.run(client, () => miner.mine(prefix, bits, mineOptions), tooManyWait),
  };
}

function readFilter(options: ShhOptions, fields: Fields): Criteria {
  const [symKeyId, privateKeyId] = readKeyIds(fields);
  const signer = readSigner(options, fields);
  const key: OpeningKey =
    symKeyId === ''
      ? { kind: 'asymmetric', identity: options.keys.pair(privateKeyId) }
      : { kind: 'symmetric', key: options.keys.symmetric(symKeyId) };
  return criteriaOf(fields, key, signer);
}

/** As for a filter, with different errors. */
function readSubscription(options: ShhOptions, fields: Fields): Criteria {
  const [symKeyId, privateKeyId] = readKeyIds(fields);
  const signer = readSigner(options, fields);
  if (symKeyId === '') {
    if (!options.keys.hasPair(privateKeyId)) throw refused('invalid public key');
    return criteriaOf(fields, { kind: 'asymmetric', identity: options.keys.pair(privateKeyId) }, signer);
  }
  if (fields.topics('topics').length === 0) throw refused('missing topic(s)');
  return criteriaOf(fields, { kind: 'symmetric', key: options.keys.symmetric(symKeyId) }, signer);
}

function readKeyIds(fields: Fields): readonly [string, string] {
  const ids = [fields.text('symKeyID'), fields.text('privateKeyID')] as const;
  if ((ids[0] === '') === (ids[1] === '')) throw refused('specify either a symmetric or an asymmetric key');
  return ids;
}

function readSigner({ crypto }: ShhOptions, fields: Fields): PublicKey | undefined {
  const sig = fields.bytes('sig');
  return sig.length === 0 ? undefined : parsePublicKey(crypto, sig, 'invalid signing public key');
}

function criteriaOf(fields: Fields, key: OpeningKey, signer: PublicKey | undefined): Criteria {
  return {
    key,
    signer,
    topics: fields.topics('topics'),
    minimumPow: fields.number('minPow'),
    allowP2p: fields.flag('allowP2P'),
  };
}
