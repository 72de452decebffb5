import { type Clock, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { ENVELOPE_MAX_BYTES, type EnvelopePool, type Miner, type OpeningKey } from '@sotto/whisper-transport';
import type { Api, Method, Subscriber } from './dispatcher.js';
import type { Criteria, Filters } from './filters.js';
import type { KeyStore } from './key-store.js';
import type { Fields } from './params.js';
import { type PostOptions, parsePublicKey, sealPosted } from './post.js';
import { refused } from './rpc-error.js';

export interface ShhOptions {
  readonly crypto: CryptoProvider;
  readonly clock: Clock;
  readonly pool: EnvelopePool;
  readonly keys: KeyStore;
  readonly filters: Filters;
  readonly miner: Miner;
  readonly maxPowTime: number;
  /** Whether keys may be given, made and used. */
  readonly withKeys: boolean;
  /** Hands an envelope to the network, and to the archive. */
  readonly publish: (envelope: Uint8Array) => Promise<void>;
}

const hex = (bytes: Uint8Array) => `0x${encodeHex(bytes)}`;

/** The namespace `shh` of go-ethereum's Whisper v6. Wire profile, section 7. */
export function createShhApi(options: ShhOptions): Api {
  const methods = new Map<string, Method>(Object.entries(inform(options)));
  const subscribers = new Map<string, Subscriber>();
  if (options.withKeys) {
    for (const [name, method] of Object.entries({ ...useKeys(options), ...exchange(options) }))
      methods.set(name, method);
    subscribers.set('shh messages', (params, notify) => {
      const id = options.filters.install(readSubscription(options, params.fields(0)), notify);
      return () => void options.filters.remove(id);
    });
  }
  return { modules: { shh: '1.0' }, methods, subscribers };
}

function inform({ pool }: ShhOptions): Record<string, Method> {
  return {
    shh_version: () => '6.0',
    // What go-ethereum has queued for its filters; here they are served at once.
    shh_info: () => ({
      memory: pool.bytes,
      messages: 0,
      minPow: pool.policy.minimumPow,
      maxMessageSize: ENVELOPE_MAX_BYTES,
    }),
  };
}

function useKeys({ crypto, keys }: ShhOptions): Record<string, Method> {
  return {
    shh_newKeyPair: () => keys.newPair(),
    shh_addPrivateKey: (params) => keys.addPair(params.bytes(0)),
    shh_deleteKeyPair: (params) => {
      const id = params.text(0);
      if (!keys.deletePair(id)) throw refused(`key pair ${id} not found`);
      return true;
    },
    shh_hasKeyPair: (params) => keys.hasPair(params.text(0)),
    shh_getPublicKey: (params) =>
      hex(crypto.secp256k1.uncompressPublicKey(keys.pair(params.text(0)).publicKey)),
    shh_getPrivateKey: (params) => hex(keys.pair(params.text(0)).privateKey),
    shh_newSymKey: () => keys.newSymmetric(),
    shh_addSymKey: (params) => keys.addSymmetric(params.bytes(0)),
    shh_generateSymKeyFromPassword: (params) => keys.addSymmetricOfPassword(params.text(0)),
    shh_hasSymKey: (params) => keys.hasSymmetric(params.text(0)),
    shh_getSymKey: (params) => hex(keys.symmetric(params.text(0))),
    shh_deleteSymKey: (params) => keys.deleteSymmetric(params.text(0)),
  };
}

function exchange(options: ShhOptions): Record<string, Method> {
  const { crypto, pool, filters, publish } = options;
  const postOptions: PostOptions = { ...options, policy: () => pool.policy };
  return {
    shh_post: async (params) => {
      params.atMost(1);
      const envelope = await sealPosted(postOptions, params.fields(0));
      try {
        await publish(envelope);
      } catch (error) {
        if (!isSottoError(error)) throw error;
        throw refused(error.message);
      }
      return hex(crypto.keccak256(envelope));
    },
    shh_newMessageFilter: (params) => filters.install(readFilter(options, params.fields(0))),
    shh_getFilterMessages: (params) => filters.fetch(params.text(0)),
    shh_deleteMessageFilter: (params) => {
      if (!filters.remove(params.text(0))) throw refused('Unsubscribe: Invalid ID');
      return true;
    },
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

/** As for a filter, with refusals that differ. */
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
