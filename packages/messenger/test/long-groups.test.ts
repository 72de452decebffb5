import { decodeHex } from '@sotto/core';
import { signChange } from '@sotto/group-log';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { expect, it } from 'vitest';
import { idOf, newAdversary } from './adversary.js';
import { newParty, quiet } from './party.js';
import { bytesOf, crypto, START } from './world.js';

/** Changes of one message: fewer than fit into it. */
const PART = 300;

it('whoever is added to a group with more changes than fit into one call joins it, and reads on', async () => {
  const network = createMemoryNetwork({ seed: 1 });
  const carol = await newParty(network, 'carol', { postQuantum: false });
  const [alice, bob] = [crypto.secp256k1.generateKeyPair(), crypto.secp256k1.generateKeyPair()];
  const create = signChange(crypto, alice, {
    groupId: undefined,
    parents: [],
    time: START,
    action: { kind: 'create', name: '0', members: [bob.publicKey] },
    salt: new Uint8Array(16),
  });
  const groupId = idOf(create);
  const changes = [create];
  const add = (author: typeof alice, action: Parameters<typeof signChange>[2]['action']) => {
    const parents = [idOf(changes.at(-1) as Uint8Array)];
    changes.push(signChange(crypto, author, { groupId, parents, time: START, action }));
  };
  add(alice, { kind: 'promote', identities: [bob.publicKey] });
  for (let i = 1; i <= 1100; i++) add(i % 2 === 0 ? alice : bob, { kind: 'rename', name: `${i}` });
  add(bob, { kind: 'add', identities: [carol.identity.publicKey] });
  const evil = await newAdversary(network, alice, carol);
  for (let from = 0; from < changes.length; from += PART) {
    await evil.send(carol, { groupId: decodeHex(groupId), changes: changes.slice(from, from + PART) });
  }
  await evil.send(carol, { groupId: decodeHex(groupId), payload: bytesOf('welcome') });
  await quiet(network, carol);
  const group = await carol.messenger.groups.get(groupId);
  expect([group.name, group.members.length, group.joined]).toEqual(['1100', 3, true]);
  expect(carol.texts).toHaveLength(1);
  await carol.restart();
  expect((await carol.messenger.groups.get(groupId)).members).toHaveLength(3);
}, 60_000);
