import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeHex, encodeHex, type KeyPair, type Store } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { expect, it } from 'vitest';
import { openDevice } from '../src/index.js';
import { crypto, keptView, meet, type Node, newNode, readText, START, talk, write } from './world.js';

/*
 * States as earlier versions wrote them: two devices in the middle of a conversation. A version that changes what is
 * stored adds a file and keeps the old ones: whoever has such a store goes on with it.
 */
const VERSIONS = ['v1'] as const;
const fileOf = (version: string) => new URL(`fixtures/conversation-${version}.json`, import.meta.url);

interface SavedNode {
  readonly name: string;
  readonly privateKey: string;
  readonly records: readonly (readonly [key: string, value: string])[];
}

interface Saved {
  readonly alice: SavedNode;
  readonly bob: SavedNode;
  /** A message of alice's that bob has not read: the first of two, of which he has read the second. */
  readonly late: string;
}

async function save(node: Node): Promise<SavedNode> {
  const records: [string, string][] = [];
  for await (const { key, value } of node.store.list('')) records.push([key, encodeHex(value)]);
  return { name: node.name, privateKey: encodeHex(node.identity.privateKey), records };
}

async function load(saved: SavedNode): Promise<Node> {
  const store: Store = createMemoryStore();
  await store.commit(saved.records.map(([key, value]) => ({ type: 'put', key, value: decodeHex(value) })));
  const identity: KeyPair = crypto.secp256k1.keyPairFromPrivateKey(decodeHex(saved.privateKey));
  const clock = manualClock(START);
  const device = await openDevice({ identity, store: keptView(store), crypto, clock });
  return { name: saved.name, identity, store, clock, device, reopen: async () => {} };
}

/** Writes the fixture of the version of today, once: SOTTO_WRITE_FIXTURES=v2, for instance. */
const wanted = process.env['SOTTO_WRITE_FIXTURES'];
if (wanted !== undefined && !existsSync(fileOf(wanted))) {
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
  await meet(alice, bob);
  await talk(alice, bob, 'one');
  await talk(bob, alice, 'two');
  const late = await write(alice, bob.identity.publicKey, 'late');
  await talk(alice, bob, 'three');
  const saved: Saved = { alice: await save(alice), bob: await save(bob), late: encodeHex(late.message) };
  writeFileSync(fileOf(wanted), `${JSON.stringify(saved, null, 2)}\n`);
}

it.each(VERSIONS)('a conversation as %s stored it goes on', async (version) => {
  const saved = JSON.parse(readFileSync(fileOf(version), 'utf8')) as Saved;
  const [alice, bob] = [await load(saved.alice), await load(saved.bob)];
  expect(await readText(bob, alice, decodeHex(saved.late))).toBe('dr: late');
  await expect(readText(bob, alice, decodeHex(saved.late))).rejects.toMatchObject({
    code: 'DUPLICATE_MESSAGE',
  });
  const { devices } = await write(bob, alice.identity.publicKey, 'x');
  expect(devices).toEqual([{ installationId: 'alice-1', sent: 'dr' }]);
  expect(await talk(bob, alice, 'four')).toBe('dr: four');
  expect(await talk(alice, bob, 'five')).toBe('dr: five');
  expect(alice.device.installationId).toBe(saved.alice.name);
});
