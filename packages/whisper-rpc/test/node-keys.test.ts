import { defaultProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import { NodeKeys } from '../src/connection/node-keys.js';
import type { JsonRpcClient } from '../src/json-rpc/client.js';
import { refusalOf } from '../src/json-rpc/refusal.js';

const identity = defaultProvider().secp256k1.generateKeyPair();
const keyOf = (number: number) => {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(0, number);
  return key;
};

/** A node that has what it was given, and nothing else. */
function keeper() {
  const kept = new Set<string>();
  let ids = 0;
  const trouble = new Map<string, unknown>();
  const rpc: JsonRpcClient = {
    async call(method, [argument]) {
      if (trouble.has(method)) {
        const answer = trouble.get(method);
        if (answer instanceof Error) throw answer;
        return answer;
      }
      if (method.startsWith('shh_add')) {
        kept.add(`id-${++ids}`);
        return `id-${ids}`;
      }
      if (method.startsWith('shh_has')) return kept.has(argument as string);
      if (!kept.delete(argument as string)) throw refusalOf(method, { code: -32_000, message: 'not found' });
      return true;
    },
    close() {},
  };
  return { rpc, kept, trouble, keys: new NodeKeys(rpc, identity) };
}

describe('keys on a node', () => {
  it('are at most 1,001: symmetric ones make room for each other, the least recently used first', async () => {
    const { keys, kept } = keeper();
    const first = await keys.symmetric(keyOf(0));
    await keys.identity();
    for (let number = 1; number < 1_000; number++) await keys.symmetric(keyOf(number));
    expect(await keys.symmetric(keyOf(0))).toBe(first);
    await keys.symmetric(keyOf(1_000));
    expect(kept.size).toBe(1_001);
    expect(kept.has(first)).toBe(true);
    await keys.removeAll();
    expect(kept.size).toBe(0);
  });

  it('are added once, however many ask for them at the same time', async () => {
    const { keys, kept } = keeper();
    const ids = await Promise.all([
      keys.symmetric(keyOf(1)),
      keys.symmetric(keyOf(1)),
      keys.symmetric(keyOf(1)),
    ]);
    expect([new Set(ids).size, kept.size]).toEqual([1, 1]);
  });

  it('that the node would not take are offered again', async () => {
    const { keys, kept, trouble } = keeper();
    for (const method of ['shh_addPrivateKey', 'shh_addSymKey']) trouble.set(method, '');
    await expect(keys.identity()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await expect(keys.symmetric(keyOf(1))).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    trouble.clear();
    await keys.identity();
    await keys.symmetric(keyOf(1));
    expect(kept.size).toBe(2);
  });

  it('that are gone already are fine; those that stay are reported', async () => {
    const { keys, kept, trouble } = keeper();
    await keys.identity();
    await keys.symmetric(keyOf(1));
    kept.clear();
    await keys.removeAll();
    await keys.identity();
    trouble.set(
      'shh_deleteKeyPair',
      refusalOf('shh_deleteKeyPair', { code: -32_601, message: 'not available' }),
    );
    await expect(keys.removeAll()).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' });
  });
});
