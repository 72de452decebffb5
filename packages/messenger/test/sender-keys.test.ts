import { encodeHex } from '@sotto/core';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import type { MessengerLimits } from '../src/index.js';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, START } from './world.js';

/** A network that counts what is sent on channels of groups, and in all. */
function countingNetwork(seed = 5) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock, seed });
  const sent = { toGroups: 0, all: 0 };
  const transport = () => {
    const inner = network.transport();
    return {
      capabilities: inner.capabilities,
      connect: async (options: Parameters<typeof inner.connect>[0]) => {
        const connection = await inner.connect(options);
        const { send } = connection;
        connection.send = async (channel, payload, rest) => {
          sent.all++;
          if (channel.kind === 'public' && channel.name.startsWith('sotto-group:')) sent.toGroups++;
          await send.call(connection, channel, payload, rest);
        };
        return connection;
      },
    };
  };
  return { network, clock, sent, transport };
}

/** People who know each other, so that a session can be had with each. */
async function people(
  count: number,
  limits: Partial<MessengerLimits> = { senderKeysFrom: 3 },
  seed?: number,
) {
  const { network, clock, sent, transport } = countingNetwork(seed);
  const parties: Party[] = [];
  for (let i = 0; i < count; i++) {
    parties.push(await newParty(network, `p${i}`, { clock, limits, transport: transport() }));
  }
  await acquaint(network, parties);
  return { network, clock, sent, transport, parties, limits };
}

async function acquaint(network: MemoryNetwork, parties: readonly Party[]) {
  const codes = await Promise.all(parties.map(({ messenger }) => messenger.contacts.ownCode()));
  for (const { messenger } of parties) for (const code of codes) await messenger.contacts.add(code);
  await quiet(network, ...parties);
}

const keysOf = (...parties: readonly Party[]) => parties.map(({ identity }) => identity.publicKey);
const textsOf = (party: Party) => party.texts.map((text) => text.split(': ')[1]);
const say = (party: Party, groupId: string, text: string) =>
  party.messenger.send({ kind: 'group', groupId }, bytesOf(text));

describe('sender keys', () => {
  it('a message to 20 members is one envelope once they have the key', async () => {
    const { network, sent, parties } = await people(20, {});
    const [alice, bob] = parties as [Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await quiet(network, ...parties);
    await say(alice, group.id, 'one');
    await quiet(network, ...parties);
    expect(sent.toGroups).toBe(1);
    for (const party of parties.slice(1)) expect(party.texts).toEqual(['group p0 pq: one']);
    const before = sent.all;
    const { members } = await say(alice, group.id, 'two');
    await quiet(network, ...parties);
    expect(sent.all - before).toBe(1);
    expect(members.map(({ member }) => encodeHex(member)).toSorted()).toEqual(
      keysOf(...parties.slice(1)).map(encodeHex).toSorted(),
    );
    for (const { result } of members) expect(result).toMatchObject({ devices: [{ sent: 'pq' }] });
    await say(bob, group.id, 'three');
    await quiet(network, ...parties);
    for (const party of parties.slice(2)) expect(textsOf(party)).toEqual(['one', 'two', 'three']);
    expect(textsOf(alice)).toEqual(['three']);
    expect(alice.messages[0]).toMatchObject({
      conversation: { kind: 'group', groupId: group.id },
      membershipHash: group.membershipHash,
      senderInstallation: 'p1',
      late: false,
    });
    expect(alice.events.sent).toHaveLength(alice.events.sent.length);
    for (const party of parties) expect(party.events.decryptionFailed).toEqual([]);
  });
});
void crypto;
