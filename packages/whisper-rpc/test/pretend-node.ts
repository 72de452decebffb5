import { encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { refusal, result, type ScriptedSocket, scriptedServer } from './scripted-socket.js';

const { randomBytes, secp256k1 } = defaultProvider();

interface Filter {
  readonly topic: string;
  readonly key: string;
  readonly socket: ScriptedSocket | undefined;
  readonly waiting: unknown[];
}

interface PostParams {
  readonly symKeyID?: string;
  readonly pubKey?: string;
  readonly sig?: string;
  readonly topic: string;
  readonly payload: string;
  readonly ttl: number;
}

/** The part of a Whisper node that clients see, without the cryptography; and with the troubles of one. */
export function pretendNode() {
  let keyPairs = new Map<string, string>();
  let symmetric = new Map<string, string>();
  let filters = new Map<string, Filter>();
  const node = {
    minPow: 0.002 as unknown,
    /** Refuses calls of a method with these texts, one after the other. */
    refusals: new Map<string, string[]>(),
    /** Methods to which it does not answer. */
    silent: new Set<string>(),
    calls: [] as { readonly method: string; readonly params: readonly unknown[] }[],
    get keys() {
      return keyPairs.size + symmetric.size;
    },
    get filters() {
      return filters.size;
    },
    /** Forgets everything, as a node that is started anew. */
    forget() {
      keyPairs = new Map();
      symmetric = new Map();
      filters = new Map();
    },
    forgetFilters() {
      filters = new Map();
    },
    /** Gives all clients that listen to a topic a message. */
    deliver(message: Readonly<Record<string, unknown>>, topic = message['topic']) {
      for (const [subscription, filter] of filters) {
        if (filter.topic !== topic) continue;
        if (filter.socket === undefined) filter.waiting.push(message);
        else {
          const params = { subscription, result: message };
          filter.socket.say(JSON.stringify({ jsonrpc: '2.0', method: 'shh_subscription', params }));
        }
      }
    },
  };
  const newId = () => encodeHex(randomBytes(32));
  const hexOf = (bytes: Uint8Array) => `0x${encodeHex(bytes)}`;

  function answer(method: string, params: readonly unknown[], socket: ScriptedSocket | undefined): unknown {
    const [first] = params as [never];
    switch (method) {
      case 'shh_version':
        return '6.0';
      case 'shh_info':
        return { memory: 0, messages: 0, minPow: node.minPow, maxMessageSize: 1_048_576 };
      case 'shh_addPrivateKey': {
        const { publicKey } = secp256k1.keyPairFromPrivateKey(Uint8Array.from(unhexed(first)));
        const full = hexOf(secp256k1.uncompressPublicKey(publicKey));
        keyPairs.set(full.slice(4, 68), full);
        return full.slice(4, 68);
      }
      case 'shh_addSymKey': {
        const id = newId();
        symmetric.set(id, first);
        return id;
      }
      case 'shh_hasKeyPair':
        return keyPairs.has(first);
      case 'shh_hasSymKey':
        return symmetric.has(first);
      case 'shh_deleteKeyPair':
        if (!keyPairs.delete(first)) throw new Error(`key pair ${String(first)} not found`);
        return true;
      case 'shh_deleteSymKey':
        return symmetric.delete(first);
      case 'shh_newMessageFilter':
      case 'shh_subscribe': {
        const criteria = params.at(-1) as { symKeyID?: string; privateKeyID?: string; topics: [string] };
        const key = keyPairs.get(criteria.privateKeyID ?? '') ?? symmetric.get(criteria.symKeyID ?? '');
        if (key === undefined) throw new Error('non-existent key ID');
        const id = newId();
        filters.set(id, { topic: criteria.topics[0], key, socket, waiting: [] });
        return id;
      }
      case 'shh_getFilterMessages': {
        const filter = filters.get(first);
        if (filter === undefined) throw new Error('filter not found');
        return filter.waiting.splice(0);
      }
      case 'shh_deleteMessageFilter':
      case 'shh_unsubscribe':
        if (!filters.delete(first)) throw new Error('Unsubscribe: Invalid ID');
        return true;
      case 'shh_post': {
        const { symKeyID, sig, topic, payload, ttl } = first as PostParams;
        const signer = keyPairs.get(sig ?? '');
        if (signer === undefined) throw new Error('invalid id');
        if (symKeyID !== undefined && !symmetric.has(symKeyID)) throw new Error('non-existent key ID');
        const hash = `0x${newId()}`;
        node.deliver({
          sig: signer,
          ttl,
          timestamp: 1_795_403_367,
          topic,
          payload,
          padding: '0x',
          pow: 1,
          hash,
        });
        return hash;
      }
      default:
        throw new Error(`the method ${method} does not exist/is not available`);
    }
  }

  const server = scriptedServer(({ id, method, params }, socket) => {
    node.calls.push({ method, params });
    if (node.silent.has(method)) return undefined;
    const refused = node.refusals.get(method)?.shift();
    if (refused !== undefined)
      return refusal(id, refused, refused.includes('not available') ? -32_601 : -32_000);
    try {
      return result(id, answer(method, params, socket));
    } catch (error) {
      return refusal(id, (error as Error).message);
    }
  });
  return { node, server };
}

function unhexed(text: string): number[] {
  return (text.slice(2).match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}
