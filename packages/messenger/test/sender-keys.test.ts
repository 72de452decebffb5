import { encodeHex, SottoError, type Store } from '@sotto/core';
import { settableClock } from '@sotto/testing/clock';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import type { MessengerLimits } from '../src/index.js';
import { sizesOf } from './adversary.js';
import { newParty, type Party, quiet } from './party.js';
import { bytesOf, HOUR, START, textOf } from './world.js';

/** A network that counts what is sent on channels of groups, and in all, and loses what goes to some people alone. */
function countingNetwork(seed = 5) {
  const clock = settableClock(START);
  const network = createMemoryNetwork({ clock, seed });
  const sent = { toGroups: 0, all: 0 };
  const losing = new Set<string>();
  const transport = () => {
    const inner = network.transport();
    return {
      capabilities: inner.capabilities,
      connect: async (options: Parameters<typeof inner.connect>[0]) => {
        const onMessage: typeof options.onMessage = async (message) => {
          const isAlone = message.channel.kind !== 'public';
          if (isAlone && losing.has(encodeHex(options.identity.publicKey))) return;
          await options.onMessage(message);
        };
        const connection = await inner.connect({ ...options, onMessage });
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
  const lose = (party: Party, on: boolean) => {
    const name = encodeHex(party.identity.publicKey);
    if (on) losing.add(name);
    else losing.delete(name);
  };
  return { network, clock, sent, transport, lose };
}

/** People who know each other, so that a session can be had with each. */
async function people(
  count: number,
  limits: Partial<MessengerLimits> = { senderKeysFrom: 3 },
  seed?: number,
  knowing = count,
) {
  const world = countingNetwork(seed);
  const { network, clock, transport } = world;
  const parties: Party[] = [];
  for (let i = 0; i < count; i++) {
    parties.push(await newParty(network, `p${i}`, { clock, limits, transport: transport() }));
  }
  await acquaint(network, parties, parties.slice(0, knowing));
  return { ...world, parties, limits };
}

async function acquaint(network: MemoryNetwork, parties: readonly Party[], knowing = parties) {
  const codes = await Promise.all(parties.map(({ messenger }) => messenger.contacts.ownCode()));
  for (const { messenger } of knowing) for (const code of codes) await messenger.contacts.add(code);
  await quiet(network, ...parties);
}

const keysOf = (...parties: readonly Party[]) => parties.map(({ identity }) => identity.publicKey);
const textsOf = (party: Party) => party.texts.map((text) => text.split(': ')[1]);
const say = (party: Party, groupId: string, text: string) =>
  party.messenger.send({ kind: 'group', groupId }, bytesOf(text));

describe('sender keys', () => {
  it('a message to 20 members is one envelope once they have the key', async () => {
    const { network, sent, parties } = await people(20, {}, 5, 2);
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
      keysOf(...parties.slice(1))
        .map(encodeHex)
        .toSorted(),
    );
    for (const { result } of members) {
      const installationId = expect.stringMatching(/^p\d+$/);
      expect(result).toEqual({ devices: [{ installationId, sent: 'pq' }], sealedSender: false });
    }
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
    expect(bob.events.sent).toEqual([{ id: expect.any(String) }]);
    for (const party of parties) expect(party.events.decryptionFailed).toEqual([]);
  });

  it('is given out to some members in each commit, and then sent, which is told as it goes on', async () => {
    const { network, sent, parties } = await people(6, { senderKeysFrom: 3, fanoutBatch: 2 });
    const [alice, ...others] = parties as [Party, ...Party[]];
    const { group } = await alice.messenger.groups.create('g', keysOf(...others));
    await quiet(network, ...parties);
    const progress: string[] = [];
    const tell = (text: string) =>
      alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf(text), {
        onProgress: (done, total) => progress.push(`${done} of ${total}`),
      });
    const before = sent.all;
    await tell('one');
    await quiet(network, ...parties);
    expect(progress.splice(0)).toEqual(['3 of 6', '5 of 6', '6 of 6']);
    expect(sent.all - before).toBe(5 + 1);
    await tell('two');
    await quiet(network, ...parties);
    expect(progress).toEqual(['6 of 6']);
    expect(sent.all - before).toBe(5 + 2);
    for (const one of others) expect(textsOf(one)).toEqual(['one', 'two']);
  });

  it('below the threshold, and on transports without history, each member is written to', async () => {
    const small = await people(3, { senderKeysFrom: 4 });
    const [alice, bob, carol] = small.parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await say(alice, group.id, 'one');
    await quiet(small.network, ...small.parties);
    expect(small.sent.toGroups).toBe(0);
    expect(textsOf(bob)).toEqual(['one']);

    const inner = small.transport();
    const capabilities = { ...inner.capabilities, history: false };
    const dave = await newParty(small.network, 'dave', {
      clock: small.clock,
      limits: { senderKeysFrom: 2 },
      transport: { ...inner, capabilities },
    });
    await acquaint(small.network, [...small.parties, dave]);
    const { group: other } = await dave.messenger.groups.create('h', keysOf(...small.parties));
    await say(dave, other.id, 'two');
    await quiet(small.network, ...small.parties, dave);
    expect(small.sent.toGroups).toBe(0);
    expect(textsOf(carol)).toEqual(['one', 'two']);
  });

  it('switches as the group grows and shrinks, and loses nothing', async () => {
    const { network, sent, parties } = await people(5, { senderKeysFrom: 4 });
    const [alice, bob, carol, dave, erin] = parties as [Party, Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    const { groups } = alice.messenger;
    await Promise.all([
      say(alice, group.id, 'one'),
      groups.add(group.id, keysOf(dave)),
      say(alice, group.id, 'two'),
      groups.add(group.id, keysOf(erin)),
      say(alice, group.id, 'three'),
      groups.remove(group.id, keysOf(dave, erin)),
      say(alice, group.id, 'four'),
    ]);
    await quiet(network, ...parties);
    await say(bob, group.id, 'five');
    await groups.add(group.id, keysOf(erin));
    await quiet(network, ...parties);
    await say(bob, group.id, 'six');
    await quiet(network, ...parties);
    expect(textsOf(carol).toSorted()).toEqual(['five', 'four', 'one', 'six', 'three', 'two']);
    expect(textsOf(erin).at(-1)).toBe('six');
    expect(textsOf(erin)).not.toContain('five');
    expect(sent.toGroups).toBeGreaterThan(1);
  });

  it('damaged records cost no more than what they are about: chains are replaced, or asked for again', async () => {
    const { network, parties } = await people(3);
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    const sayAll = async (text: string) => {
      for (const party of parties) await say(party, group.id, `${text} ${party.messenger.installationId}`);
      await quiet(network, ...parties);
    };
    await quiet(network, ...parties);
    await sayAll('before');
    for (const [party, names] of [
      [alice, ['own-chain/', 'chain-recipients/', 'membersync/']],
      [bob, ['member-chain/']],
      [carol, ['chain-recipients/']],
    ] as const) {
      for (const name of names) {
        for await (const { key, value } of party.store.list(name))
          await party.store.commit([{ type: 'put', key, value: value.with(3, (value[3] as number) ^ 1) }]);
      }
      await party.restart();
    }
    await quiet(network, ...parties);
    await sayAll('after');
    for (const party of parties) await advance(party, 20_000);
    await quiet(network, ...parties);
    for (const party of parties) {
      const others = parties.filter((other) => other !== party);
      const heard = others.flatMap(({ messenger: { installationId } }) => [
        `before ${installationId}`,
        `after ${installationId}`,
      ]);
      expect(textsOf(party).toSorted()).toEqual(heard.toSorted());
      expect(party.events.decryptionFailed).toEqual([]);
      expect(party.events.storageError).toEqual([]);
    }
  });

  it('whoever was removed reads nothing from then on, and what is new is not given to them', async () => {
    const { network, parties } = await people(5);
    const [alice, bob, carol, , mallory] = parties as [Party, Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    for (const party of parties) await say(party, group.id, `before ${party.messenger.installationId}`);
    await quiet(network, ...parties);
    expect(mallory.texts).toHaveLength(4);
    // Mallory's device goes on listening to the channel, with all keys that it had.
    network.disconnect(mallory.identity.publicKey);
    await alice.messenger.groups.remove(group.id, keysOf(mallory));
    await quiet(network, ...parties);
    for (const party of [alice, bob, carol]) await say(party, group.id, 'without you');
    await quiet(network, ...parties);
    network.reconnect(mallory.identity.publicKey);
    await quiet(network, ...parties);
    await advance(mallory, 20_000);
    await quiet(network, ...parties);
    expect(textsOf(mallory)).not.toContain('without you');
    expect(mallory.texts).toHaveLength(4);
    // They might be in again without knowing it yet.
    expect((await sizesOf(mallory))['waiting']?.count).toBe(3);
    expect(textsOf(parties[3] as Party).filter((text) => text === 'without you')).toHaveLength(3);
    // Even then they are given nothing from before.
    await alice.messenger.groups.add(group.id, keysOf(mallory));
    await quiet(network, ...parties);
    for (const party of [alice, bob, carol]) await say(party, group.id, 'with you');
    await quiet(network, ...parties);
    await advance(mallory, 20_000);
    await quiet(network, ...parties);
    expect(textsOf(mallory).slice(4)).toEqual(['with you', 'with you', 'with you']);
    expect((await sizesOf(mallory))['waiting']).toBeUndefined();
  });

  it('the new key comes with the removal itself, in the same message', async () => {
    const { network, sent, parties } = await people(4);
    const [alice, , , mallory] = parties as [Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await say(alice, group.id, 'one');
    await quiet(network, ...parties);
    const before = sent.all;
    await alice.messenger.groups.remove(group.id, keysOf(mallory));
    await quiet(network, ...parties);
    // One to each of the three others.
    expect(sent.all - before).toBe(3);
    await say(alice, group.id, 'two');
    await quiet(network, ...parties);
    expect(sent.all - before).toBe(4);
    expect(textsOf(parties[1] as Party)).toEqual(['one', 'two']);
  });

  it('whoever joins reads what is sent from then on, and nothing before', async () => {
    const { network, sent, parties } = await people(5);
    const [alice, bob, carol, dave, erin] = parties as [Party, Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol, dave));
    for (const party of [alice, bob]) await say(party, group.id, 'old');
    await quiet(network, ...parties);
    const before = sent.all;
    await alice.messenger.groups.add(group.id, keysOf(erin));
    await quiet(network, ...parties);
    await say(alice, group.id, 'new from alice');
    await say(bob, group.id, 'new from bob');
    await quiet(network, ...parties);
    expect(textsOf(erin)).toEqual(['new from alice', 'new from bob']);
    expect(erin.events.decryptionFailed).toEqual([]);
    // The change to each of four, with alice's chain for erin; bob's chain for erin; two messages.
    expect(sent.all - before).toBe(4 + 1 + 2);
  });

  it('arrives in any order, repeated and held back, exactly once each', async () => {
    const { network, parties } = await people(4, { senderKeysFrom: 2 }, 11);
    const [alice] = parties as [Party];
    network.setConditions({ reordering: 0.7, duplication: 0.4 });
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await quiet(network, ...parties);
    for (let i = 0; i < 12; i++) await say(parties[i % 4] as Party, group.id, `${i}`);
    await quiet(network, ...parties);
    for (const party of parties) await advance(party, 20_000);
    await quiet(network, ...parties);
    for (const [own, party] of parties.entries()) {
      const expected = Array.from({ length: 12 }, (_, i) => i).filter((i) => i % 4 !== own);
      expect(
        textsOf(party)
          .map(Number)
          .toSorted((a, b) => a - b),
      ).toEqual(expected);
    }
  });
});

describe('a key that is not there', () => {
  it('is asked for and given; the message waits meanwhile, also over a restart', async () => {
    const { network, lose, parties } = await people(4);
    const [alice, bob, carol, dave] = parties as [Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol, dave));
    await quiet(network, ...parties);
    // Whatever goes to bob alone is lost.
    lose(bob, true);
    await say(alice, group.id, 'one');
    await say(alice, group.id, 'two');
    await quiet(network, ...parties);
    expect([bob, carol].map(textsOf)).toEqual([[], ['one', 'two']]);
    await bob.restart();
    await quiet(network, ...parties);
    lose(bob, false);
    await advance(bob, 16_000);
    await quiet(network, ...parties);
    expect(textsOf(bob)).toEqual(['one', 'two']);
    await say(alice, group.id, 'three');
    await quiet(network, ...parties);
    expect(textsOf(bob)).toEqual(['one', 'two', 'three']);
  });

  it('is asked for when its sender was not known as a member yet, who was added meanwhile', async () => {
    const { network, lose, parties } = await people(4);
    const [alice, bob, carol, dave] = parties as [Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await quiet(network, ...parties);
    lose(bob, true);
    await alice.messenger.groups.add(group.id, keysOf(dave));
    await quiet(network, ...parties);
    await say(dave, group.id, 'hello');
    await quiet(network, ...parties);
    expect([bob, carol].map(textsOf)).toEqual([[], ['hello']]);
    lose(bob, false);
    await say(alice, group.id, 'welcome');
    await quiet(network, ...parties);
    for (let round = 0; round < 3; round++) {
      await advance(bob, 60_000);
      await quiet(network, ...parties);
    }
    expect(textsOf(bob).toSorted()).toEqual(['hello', 'welcome']);
    expect(bob.events.decryptionFailed).toEqual([]);
  });

  it('is asked for once in a while only, and answered so', async () => {
    const { network, sent, lose, parties } = await people(4);
    const [alice, bob, carol, dave] = parties as [Party, Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol, dave));
    await quiet(network, ...parties);
    lose(bob, true);
    await say(alice, group.id, 'one');
    await quiet(network, ...parties);
    // Answers are lost, too.
    const before = sent.all;
    for (const wait of [15_000, 30_000, 60_000, 120_000]) {
      await advance(bob, wait);
      await quiet(network, ...parties);
    }
    expect(sent.all - before).toBe(2 * 4);
    lose(bob, false);
    await advance(bob, 240_000);
    await quiet(network, ...parties);
    expect(textsOf(bob)).toEqual(['one']);
    // Nothing waits any longer.
    const after = sent.all;
    await advance(bob, 960_000);
    await quiet(network, ...parties);
    expect(sent.all).toBe(after);
  });

  it('is sent to nobody outside of a session: who is not known yet gets the message itself', async () => {
    const { network, parties, clock, limits, sent, transport } = await people(3);
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const zoe = await newParty(network, 'zoe', { clock, limits, transport: transport() });
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol, zoe));
    await quiet(network, ...parties, zoe);
    network.disconnect(zoe.identity.publicKey);
    await say(alice, group.id, 'one');
    await alice.messenger.groups.rename(group.id, 'h');
    await quiet(network, ...parties);
    network.reconnect(zoe.identity.publicKey);
    await quiet(network, ...parties, zoe);
    expect(zoe.texts).toEqual(['group p0 dh: one']);
    expect((await zoe.messenger.groups.get(group.id)).name).toBe('h');
    expect((await sizesOf(zoe))['member-chain']).toBeUndefined();
    await advance(zoe, 16_000);
    await quiet(network, ...parties, zoe);
    expect(textsOf(zoe)).toEqual(['one']);
    // She has asked, so that her device is known: from now on she reads what all read.
    const before = sent.toGroups;
    await say(alice, group.id, 'two');
    await quiet(network, ...parties, zoe);
    expect(sent.toGroups).toBe(before + 1);
    expect(zoe.texts).toEqual(['group p0 dh: one', expect.stringMatching(/^group p0 (pq|dr): two$/)]);
  });
});

describe('several devices', () => {
  it('each writes on a chain of its own, and our other devices read what we send', async () => {
    const { network, clock, limits, transport, parties } = await people(4);
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await quiet(network, ...parties);
    const { identity } = alice;
    const phone = await newParty(network, 'phone', { identity, clock, limits, transport: transport() });
    await acquaint(network, [...parties, phone]);
    await alice.messenger.devices.enable('phone');
    await phone.messenger.devices.enable('p0');
    await quiet(network, ...parties, phone);
    // The phone learns of the group, and hears what alice says.
    await alice.messenger.groups.rename(group.id, 'h');
    await quiet(network, ...parties, phone);
    await say(alice, group.id, 'from alice');
    await quiet(network, ...parties, phone);
    expect(phone.texts).toEqual([expect.stringMatching(/^group copy p0 .*: from alice$/)]);
    await say(phone, group.id, 'from the phone');
    await quiet(network, ...parties, phone);
    expect(textsOf(bob)).toEqual(['from alice', 'from the phone']);
    expect(bob.messages.map(({ senderInstallation }) => senderInstallation)).toEqual(['p0', 'phone']);
    expect(alice.texts).toEqual([expect.stringMatching(/^group copy phone .*: from the phone$/)]);
    await say(carol, group.id, 'to all');
    await quiet(network, ...parties, phone);
    expect([textsOf(alice).at(-1), textsOf(phone).at(-1)]).toEqual(['to all', 'to all']);

    // Unlinked: what alice says from now on is not for it.
    await alice.messenger.devices.disable('phone');
    await say(alice, group.id, 'not for the phone');
    await quiet(network, ...parties, phone);
    await advance(phone, 16_000);
    await quiet(network, ...parties, phone);
    expect(textsOf(bob).at(-1)).toBe('not for the phone');
    expect(textsOf(phone)).not.toContain('not for the phone');
  });
});

describe('several devices', () => {
  it('of our own: when one of them is unlinked, the others go on reading, and it does not', async () => {
    const { network, clock, limits, transport, sent, parties } = await people(3);
    const [alice, bob] = parties as [Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await quiet(network, ...parties);
    const devices = [alice];
    for (const name of ['phone', 'tablet']) {
      const { identity } = alice;
      devices.push(await newParty(network, name, { identity, clock, limits, transport: transport() }));
    }
    const [, phone, tablet] = devices as [Party, Party, Party];
    const all = [...parties, phone, tablet];
    await acquaint(network, all);
    for (const { messenger } of devices)
      for (const name of ['p0', 'phone', 'tablet'])
        if (name !== messenger.installationId) await messenger.devices.enable(name);
    await quiet(network, ...all);
    await alice.messenger.groups.rename(group.id, 'h');
    await quiet(network, ...all);
    const cost = async (text: string) => {
      const before = sent.all;
      await say(alice, group.id, text);
      await quiet(network, ...all);
      return sent.all - before;
    };
    expect(await cost('one')).toBeGreaterThan(1);
    expect(await cost('two')).toBe(1);
    await alice.messenger.devices.disable('tablet');
    expect(await cost('three')).toBeGreaterThan(1);
    // It was not given this chain, so the chain stays.
    expect(await cost('four')).toBe(1);
    await alice.messenger.devices.disable('phone');
    await alice.messenger.devices.enable('phone');
    expect(await cost('five')).toBeLessThanOrEqual(1);
    await advance(tablet, 16_000);
    await quiet(network, ...all);
    expect(textsOf(bob)).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(textsOf(phone)).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(textsOf(tablet)).toEqual(['one', 'two']);
  });

  it('of a member: one that is added is given the chain in use, as soon as that is looked at again', async () => {
    const { network, clock, limits, transport, sent, parties } = await people(4);
    const [alice, bob, carol] = parties as [Party, Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await quiet(network, ...parties);
    await say(alice, group.id, 'one');
    await quiet(network, ...parties);
    const { identity } = bob;
    const phone = await newParty(network, 'phone', { identity, clock, limits, transport: transport() });
    const all = [...parties, phone];
    await acquaint(network, all);
    await bob.messenger.devices.enable('phone');
    await phone.messenger.devices.enable('p1');
    await quiet(network, ...all);
    await alice.messenger.groups.rename(group.id, 'h');
    await quiet(network, ...all);
    for (const text of ['two', 'three']) {
      clock.jump(11 * 60_000);
      const before = sent.all;
      const { members } = await say(alice, group.id, text);
      await quiet(network, ...all);
      const devices = members.map(({ result }) => ('devices' in result ? result.devices.length : 0));
      expect(devices.toSorted()).toEqual([1, 1, 2]);
      // All members have it by the third.
      if (text === 'three') expect(sent.all - before).toBe(1);
    }
    // From the message on from which this member has it: 'one' was in history.
    for (const one of [bob, carol, phone]) expect(textsOf(one)).toEqual(['one', 'two', 'three']);
  });
});

describe('replacement', () => {
  it('after a number of messages, and after a time', async () => {
    const { network, clock, sent, parties } = await people(4, {
      senderKeysFrom: 3,
      senderKeyMessages: 3,
      senderKeyMs: HOUR,
    });
    const [alice, bob] = parties as [Party, Party];
    const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
    await quiet(network, ...parties);
    const costs: number[] = [];
    const cost = async (text: string) => {
      const before = sent.all;
      await say(alice, group.id, text);
      await quiet(network, ...parties);
      costs.push(sent.all - before);
    };
    for (let i = 0; i < 7; i++) await cost(`${i}`);
    clock.jump(2 * HOUR);
    await cost('later');
    expect(costs).toEqual([4, 1, 1, 4, 1, 1, 4, 4]);
    // The last three are kept, with who was given them.
    expect((await sizesOf(alice))['chain-recipients']?.count).toBe(3);
    expect(textsOf(bob)).toEqual(['0', '1', '2', '3', '4', '5', '6', 'later']);
  });
});

describe('a store that fails now and then', () => {
  it('loses and repeats nothing of what comes under sender keys', async () => {
    const { network, clock, transport, limits, parties } = await people(2, { senderKeysFrom: 2 });
    const [alice, bob] = parties as [Party, Party];
    let commits = 0;
    let fails = false;
    const wrapStore = (store: Store): Store => ({
      get: (key) => store.get(key),
      list: (prefix, options) => store.list(prefix, options),
      close: () => store.close(),
      async commit(writes, options) {
        if (fails && ++commits % 2 === 0) {
          throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'disk full' });
        }
        return store.commit(writes, options);
      },
    });
    const carol = await newParty(network, 'carol', { clock, limits, transport: transport(), wrapStore });
    await acquaint(network, [alice, bob, carol]);
    network.setConditions({ reordering: 0.5, duplication: 0.3 });
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await quiet(network, alice, bob, carol);
    fails = true;
    for (let i = 0; i < 10; i++) {
      await say(i % 2 === 0 ? alice : bob, group.id, `${i}`);
      await quiet(network, alice, bob, carol);
    }
    fails = false;
    await advance(carol, 60_000);
    await carol.restart();
    await quiet(network, alice, bob, carol);
    await advance(carol, 60_000);
    await quiet(network, alice, bob, carol);
    expect(carol.events.storageError.length).toBeGreaterThan(0);
    const heard = new Map(carol.messages.map(({ id, payload }) => [id, Number(textOf(payload))]));
    expect([...heard.values()].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('a store that fails once', () => {
  it('does not leave a message waiting whose key has come', async () => {
    const { network, clock, lose, transport, limits, parties } = await people(2, { senderKeysFrom: 2 });
    const [alice, bob] = parties as [Party, Party];
    let fails = true;
    const wrapStore = (store: Store): Store => ({
      get: (key) => store.get(key),
      list: (prefix, options) => store.list(prefix, options),
      close: () => store.close(),
      async commit(writes, options) {
        if (fails && writes.some(({ type, key }) => type === 'delete' && key.startsWith('waiting/'))) {
          fails = false;
          throw new SottoError('STORE_UNAVAILABLE', 'The disk is full.', { reason: 'disk full' });
        }
        return store.commit(writes, options);
      },
    });
    const carol = await newParty(network, 'carol', { clock, limits, transport: transport(), wrapStore });
    await acquaint(network, [alice, bob, carol]);
    const { group } = await alice.messenger.groups.create('g', keysOf(bob, carol));
    await quiet(network, alice, bob, carol);
    lose(carol, true);
    await say(alice, group.id, 'one');
    await quiet(network, alice, bob, carol);
    lose(carol, false);
    for (let round = 0; round < 4; round++) {
      await advance(carol, 30_000);
      await quiet(network, alice, bob, carol);
    }
    expect(fails).toBe(false);
    expect(textsOf(carol)).toEqual(['one']);
  });
});

describe('an old copy of the store', () => {
  it('that was put back: its chain is not written on again', async () => {
    const { network, clock, sent, transport, limits, parties } = await people(3);
    let continuity: Store['continuity'];
    const wrapStore = (store: Store): Store => ({
      get: (key) => store.get(key),
      list: (prefix, options) => store.list(prefix, options),
      commit: (writes, options) => store.commit(writes, options),
      close: () => store.close(),
      continuity,
    });
    const dave = await newParty(network, 'dave', { clock, limits, transport: transport(), wrapStore });
    await acquaint(network, [...parties, dave]);
    const { group } = await dave.messenger.groups.create('g', keysOf(...parties));
    for (const text of ['one', 'two']) await say(dave, group.id, text);
    await quiet(network, ...parties, dave);
    const before = sent.toGroups;
    continuity = 'rolled-back';
    await dave.restart();
    await quiet(network, ...parties, dave);
    const all = sent.all;
    await say(dave, group.id, 'three');
    await quiet(network, ...parties, dave);
    expect(sent.toGroups - before).toBe(1);
    expect(sent.all - all).toBe(3 + 1);
    for (const party of parties) expect(textsOf(party)).toEqual(['one', 'two', 'three']);
  });
});

describe('an old copy of the store that nobody notices', () => {
  it.each([1, 2])(
    'shows by our own messages, be it %i: the chain is replaced, and what follows is read',
    async (lost) => {
      const { network, parties } = await people(4);
      const [alice, bob] = parties as [Party, Party];
      const { group } = await alice.messenger.groups.create('g', keysOf(...parties.slice(1)));
      await say(alice, group.id, 'one');
      await quiet(network, ...parties);
      const copy = new Map<string, Uint8Array>();
      for await (const { key, value } of alice.store.list('')) copy.set(key, value.slice());
      const texts = ['two', 'three'].slice(0, lost);
      for (const text of texts) await say(alice, group.id, text);
      await quiet(network, ...parties);
      await alice.messenger.close();
      const later: string[] = [];
      for await (const { key } of alice.store.list('')) if (!copy.has(key)) later.push(key);
      await alice.store.commit([
        ...[...copy].map(([key, value]) => ({ type: 'put', key, value }) as const),
        ...later.map((key) => ({ type: 'delete', key }) as const),
      ]);
      await alice.restart();
      await quiet(network, ...parties);
      // Given in the sessions of the copy, in which numbers were used, too.
      await say(alice, group.id, 'four');
      await quiet(network, ...parties);
      for (let round = 0; round < 4; round++) {
        await advance(alice, 60_000);
        await quiet(network, ...parties);
      }
      expect(textsOf(bob)).toEqual(['one', ...texts, 'four']);
      expect((await sizesOf(alice))['waiting']).toBeUndefined();
    },
  );
});

/** Moves the clock that all share. */
async function advance(party: Party, ms: number) {
  await party.clock.advanceAndRest(ms);
}
