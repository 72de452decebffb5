import { decodeHex, encodeHex, type KeyPair, type PublicKey } from '@sotto/core';
import {
  type ChainContext,
  decodeMessage,
  decodeSenderKey,
  encodeSenderKey,
  encrypt,
  OwnChain,
  SenderKey,
  senderKeyOf,
  startOwnChain,
} from '@sotto/sender-keys';
import { settableClock } from '@sotto/testing/clock';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { GroupPayload } from '../src/generated/sotto/messenger/v1/payload.js';
import { groupChannelName } from '../src/runtime/topics.js';
import { newAdversary, sizesOf } from './adversary.js';
import { newParty, type Party, quiet } from './party.js';
import { bytesOf, crypto, DAY, HOUR, START } from './world.js';

const keysOf = (...parties: readonly { identity: KeyPair }[]) =>
  parties.map(({ identity }) => identity.publicKey);
const textsOf = (party: Party) => party.texts.map((text) => text.split(': ')[1]);
const say = (party: Party, groupId: string, text: string) =>
  party.messenger.send({ kind: 'group', groupId }, bytesOf(text));
const refusals = (party: Party) => party.events.decryptionFailed.map(({ code }) => code);

/** Somebody who writes what they like on the channel of a group, and sees all that is sent there. */
async function eavesdropper(network: MemoryNetwork, identity: KeyPair, groupId: string) {
  const channel = { kind: 'public', name: groupChannelName(crypto, decodeHex(groupId)) } as const;
  const seen: { readonly sender: PublicKey; readonly payload: Uint8Array }[] = [];
  const connection = await network.transport().connect({
    identity,
    onMessage: async ({ sender, payload }) => void seen.push({ sender, payload }),
  });
  await connection.subscribe([channel]);
  const post = async (payload: Uint8Array) => {
    await connection.send(channel, payload);
    await network.idle();
  };
  return { seen, post };
}

/** Alice leads a group of Bob, Carol and Mallory, who is a program of her own by now: a device that keeps no rules. */
async function club() {
  const clock = settableClock(START);
  const network = createMemoryNetwork({ clock, seed: 9 });
  const limits = { senderKeysFrom: 2 };
  const parties: Party[] = [];
  for (const name of ['alice', 'bob', 'carol', 'mallory']) {
    parties.push(await newParty(network, name, { clock, limits, postQuantum: false }));
  }
  const [alice, bob, carol, mallory] = parties as [Party, Party, Party, Party];
  for (const one of parties) {
    for (const other of parties) {
      if (other !== one) await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
    }
  }
  await quiet(network, ...parties);
  const { group } = await alice.messenger.groups.create('club', keysOf(bob, carol, mallory));
  await quiet(network, ...parties);
  await mallory.messenger.close();
  const evil = await newAdversary(network, mallory.identity, alice, bob, carol);
  const channel = await eavesdropper(network, mallory.identity, group.id);
  const honest = [alice, bob, carol];
  const payload = { groupId: decodeHex(group.id), membershipHash: decodeHex(group.membershipHash) };
  const context: ChainContext = {
    groupId: payload.groupId,
    sender: mallory.identity.publicKey,
    installationId: 'adversary',
  };
  // So that they know the device, and have the chain of whoever writes.
  for (const one of honest) await evil.send(one, payload);
  const content = (text: string, change: Partial<GroupPayload> = {}) =>
    GroupPayload.encode({
      ...payload,
      changes: [],
      payload: bytesOf(text),
      request: false,
      senderKey: new Uint8Array(0),
      wantedChains: [],
      ...change,
    }).finish();
  return {
    network,
    clock,
    alice,
    bob,
    carol,
    mallory,
    honest,
    id: group.id,
    payload,
    context,
    content,
    evil,
    channel,
    settle: () => quiet(network, ...honest),
  };
}

describe('a hostile member', () => {
  it('fills no more than their share with chains, and loses only their own', async () => {
    const { alice, bob, evil, payload, id, settle } = await club();
    await say(alice, id, 'one');
    await settle();
    for (let i = 0; i < 70; i++) {
      const senderKey = encodeSenderKey(senderKeyOf(crypto, startOwnChain(crypto)));
      await evil.send(bob, { ...payload, senderKey });
    }
    // One of alice, and 64 of a device.
    expect((await sizesOf(bob))['member-chain']?.count).toBe(1 + 64);
    for (let i = 0; i < 70; i++) {
      const senderKey = encodeSenderKey(senderKeyOf(crypto, startOwnChain(crypto)));
      await evil.sendAs(bob, `device-${i}`, { ...payload, senderKey });
    }
    expect((await sizesOf(bob))['member-chain']?.count).toBe(1 + 128);
    await say(alice, id, 'two');
    await settle();
    expect(textsOf(bob)).toEqual(['one', 'two']);
  });

  it('makes nobody keep more than some message keys', async () => {
    const { bob, evil, channel, payload, context, content } = await club();
    const chain = startOwnChain(crypto);
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(senderKeyOf(crypto, chain)) });
    let state = chain;
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 1100; i++) {
      const { next, encoded } = encrypt(crypto, state, context, content(`${i}`));
      state = next;
      sent.push(encoded);
    }
    await channel.post(sent[513] as Uint8Array);
    expect(bob.texts).toEqual([]);
    await channel.post(sent[512] as Uint8Array);
    await channel.post(sent[1025] as Uint8Array);
    expect(textsOf(bob)).toEqual(['512', '1025']);
    expect((await sizesOf(bob))['skipped-sender-key']?.count).toBe(512);
    await channel.post(sent[511] as Uint8Array);
    await channel.post(sent[513] as Uint8Array);
    expect(textsOf(bob)).toEqual(['512', '1025', '513']);
    expect((await sizesOf(bob))['skipped-sender-key']?.count).toBe(511);
    // What replaces the chain takes its keys with it.
    for (let i = 0; i < 64; i++) {
      const senderKey = encodeSenderKey(senderKeyOf(crypto, startOwnChain(crypto)));
      await evil.send(bob, { ...payload, senderKey });
    }
    expect((await sizesOf(bob))['skipped-sender-key']).toBeUndefined();
  });

  it('who gives members different keys is read by those who have the right one', async () => {
    const { alice, bob, carol, evil, channel, payload, context, content } = await club();
    const chain = startOwnChain(crypto);
    const key = senderKeyOf(crypto, chain);
    const wrong = new SenderKey({ ...key, chainKey: new Uint8Array(32).fill(1) });
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(key) });
    await evil.send(carol, { ...payload, senderKey: encodeSenderKey(wrong) });
    // The first one given stands.
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(wrong) });
    await channel.post(encrypt(crypto, chain, context, content('hello')).encoded);
    expect([alice, bob, carol].map(textsOf)).toEqual([[], ['hello'], []]);
    expect(refusals(carol)).toEqual(['AUTHENTICATION_FAILED']);
  });

  it('writes in nobody else’s name, with what they have of a chain, and replays nothing', async () => {
    const { alice, bob, carol, evil, channel, payload, context, content, id, settle } = await club();
    await say(alice, id, 'one');
    await settle();
    const given = evil.seen.map(({ senderKey }) => senderKey).filter(({ length }) => length > 0);
    expect(given).toHaveLength(1);
    const { chain, chainKey, index } = decodeSenderKey(given[0] as Uint8Array);
    const { privateKey } = crypto.secp256k1.generateKeyPair();
    const forger = new OwnChain({ chain, privateKey, firstKey: chainKey, chainKey, index: index + 1 });
    const asAlice = { ...context, sender: alice.identity.publicKey, installationId: 'alice' };
    await channel.post(encrypt(crypto, forger, asAlice, content('I am alice')).encoded);
    // With alice's chain as her own, too.
    await evil.send(bob, { ...payload, senderKey: given[0] as Uint8Array });
    await channel.post(encrypt(crypto, forger, asAlice, content('I am alice')).encoded);
    await channel.post(encrypt(crypto, forger, context, content('I am alice')).encoded);
    const [original] = channel.seen.filter(({ sender }) => encodeHex(sender) === encodeHex(asAlice.sender));
    await channel.post(original?.payload as Uint8Array);
    // As if alice had written on, which her device would take for a sign that its store is an old copy.
    await channel.post(
      encrypt(crypto, new OwnChain({ ...forger, index: 40 }), context, content('later')).encoded,
    );
    await settle();
    expect([bob, carol].map(textsOf)).toEqual([['one'], ['one']]);
    expect(refusals(bob)).toContain('INVALID_SIGNATURE');
    await say(alice, id, 'two');
    await settle();
    expect([bob, carol].map(textsOf)).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
    // On the same chain.
    expect(decodeMessage(channel.seen.at(-1)?.payload as Uint8Array).chain).toEqual(chain);
  });

  it('a message of theirs to another group is none to this one', async () => {
    const { bob, evil, channel, payload, context, content } = await club();
    const chain = startOwnChain(crypto);
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(senderKeyOf(crypto, chain)) });
    const other = new Uint8Array(32).fill(4);
    await channel.post(encrypt(crypto, chain, { ...context, groupId: other }, content('elsewhere')).encoded);
    await channel.post(encrypt(crypto, chain, context, content('inside', { groupId: other })).encoded);
    expect(bob.texts).toEqual([]);
    expect(refusals(bob)).toEqual(['INVALID_SIGNATURE', 'MALFORMED_MESSAGE']);
  });

  it('a message that cannot be decoded is refused, and the next one is read', async () => {
    const { bob, evil, channel, payload, context, content } = await club();
    const chain = startOwnChain(crypto);
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(senderKeyOf(crypto, chain)) });
    const { next, encoded } = encrypt(crypto, chain, context, Uint8Array.of(255));
    await channel.post(encoded);
    expect(refusals(bob)).toEqual(['MALFORMED_MESSAGE']);
    await channel.post(encrypt(crypto, next, context, content('hello')).encoded);
    expect(textsOf(bob)).toEqual(['hello']);
  });

  it('makes nobody wait for more than some messages, or ask for their chains often', async () => {
    const { bob, channel, context, content, clock, evil, settle } = await club();
    for (let i = 0; i < 80; i++) {
      await channel.post(encrypt(crypto, startOwnChain(crypto), context, content('never read')).encoded);
    }
    await settle();
    expect((await sizesOf(bob))['waiting']?.count).toBe(64);
    const asked = () => evil.seen.filter(({ wantedChains }) => wantedChains.length > 0).length;
    // Each of three asks after 15 s, and after 30 more.
    for (const [wait, times] of [
      [14_000, 0],
      [1_000, 3],
      [29_000, 3],
      [1_000, 6],
    ] as const) {
      await clock.advanceAndRest(wait);
      await settle();
      expect(asked()).toBe(times);
    }
    // A week later nothing of it is left.
    clock.jump(8 * DAY);
    await clock.advanceAndRest(2 * HOUR);
    await settle();
    expect((await sizesOf(bob))['waiting']).toBeUndefined();
    expect(bob.texts).toEqual([]);
  });

  it('is asked first for the chains that certainly are theirs', async () => {
    const { channel, context, content, clock, evil, settle } = await club();
    const moved = { ...context, groupId: new Uint8Array(32).fill(4) };
    for (let i = 0; i < 3; i++) {
      await channel.post(encrypt(crypto, startOwnChain(crypto), moved, content('elsewhere')).encoded);
    }
    const chain = startOwnChain(crypto);
    await channel.post(encrypt(crypto, chain, context, content('here')).encoded);
    await settle();
    await clock.advanceAndRest(15_000);
    await settle();
    const questions = evil.seen.filter(({ wantedChains }) => wantedChains.length > 0);
    expect(questions.map(({ wantedChains }) => wantedChains.length)).toEqual([4, 4, 4]);
    for (const { wantedChains } of questions) expect(wantedChains[0]).toEqual(chain.chain);
  });

  it('does not put off a question by writing on; it comes sooner again for what is new; and once an hour', async () => {
    const { bob, channel, context, content, clock, evil, settle } = await club();
    const post = async () => {
      await channel.post(encrypt(crypto, startOwnChain(crypto), context, content('never read')).encoded);
      await settle();
    };
    /** Questions of each of the three who are asked. */
    const asked = () => evil.seen.filter(({ wantedChains }) => wantedChains.length > 0).length / 3;
    const pass = async (ms: number) => {
      await clock.advanceAndRest(ms);
      await settle();
      return asked();
    };
    await post();
    expect(await pass(10_000)).toBe(0);
    await post();
    expect(await pass(5_000)).toBe(1);
    // Again in 30 s, and then in 60.
    expect(await pass(30_000)).toBe(2);
    await post();
    expect(await pass(14_999)).toBe(2);
    expect(await pass(1)).toBe(3);
    let before = asked();
    for (let hours = 0; hours < 6; hours++) before = await pass(HOUR);
    expect((await pass(5 * HOUR)) - before).toBe(5);
    expect(bob.texts).toEqual([]);
  });

  it('asks for as much as they like, and is given what they may read, now and then', async () => {
    const { alice, bob, carol, evil, channel, payload, id, clock, settle, network, honest } = await club();
    await say(alice, id, 'one');
    await settle();
    const dave = await newParty(network, 'dave', {
      clock,
      limits: { senderKeysFrom: 2 },
      postQuantum: false,
    });
    for (const one of honest) {
      await one.messenger.contacts.add(await dave.messenger.contacts.ownCode());
      await dave.messenger.contacts.add(await one.messenger.contacts.ownCode());
    }
    await quiet(network, ...honest, dave);
    await alice.messenger.groups.add(id, keysOf(dave));
    await quiet(network, ...honest, dave);
    await dave.messenger.close();
    const newcomer = await newAdversary(network, dave.identity, alice, bob, carol);
    const [message] = channel.seen.filter(({ sender }) => encodeHex(sender) === hexOf(alice));
    const { chain } = decodeMessage(message?.payload as Uint8Array);
    const keysGiven = (to: typeof evil) =>
      to.seen.flatMap(({ senderKey }) => (senderKey.length > 0 ? decodeSenderKey(senderKey).index : []));
    const before = keysGiven(evil).length;
    for (let i = 0; i < 5; i++) {
      await evil.send(alice, { ...payload, wantedChains: [chain, chain, chain, chain] });
      await newcomer.send(alice, { ...payload, wantedChains: [chain] });
      await settle();
    }
    expect(keysGiven(evil).slice(before)).toEqual([0]);
    // Each chain once in an answer, and also behind names that are none of ours.
    await clock.advanceAndRest(16_000);
    const unknown = Array.from({ length: 40 }, () => startOwnChain(crypto).chain);
    await evil.send(alice, { ...payload, wantedChains: [...unknown, chain, chain] });
    await settle();
    expect(keysGiven(evil).slice(before)).toEqual([0, 0]);
    // From where they joined, whenever they ask.
    expect(new Set(keysGiven(newcomer))).toEqual(new Set([1]));
  });

  it('names chains that are none of ours: nothing comes of it, nor is it held against a real question', async () => {
    const { alice, evil, channel, payload, id, clock, settle } = await club();
    await say(alice, id, 'one');
    await settle();
    const { chain } = decodeMessage(channel.seen[0]?.payload as Uint8Array);
    const made = (count: number) => Array.from({ length: count }, () => startOwnChain(crypto).chain);
    const before = evil.seen.length;
    const ask = async (...wantedChains: readonly Uint8Array[]) => {
      await evil.send(alice, { ...payload, wantedChains: [...wantedChains] });
      await settle();
      return evil.seen.length - before;
    };
    expect(await ask(...made(1))).toBe(0);
    // So many are looked for, and no more.
    expect(await ask(...made(64), chain)).toBe(0);
    expect(await ask(...made(63), chain)).toBe(1);
    await clock.advanceAndRest(14_999);
    expect(await ask(chain)).toBe(1);
    await clock.advanceAndRest(1);
    expect(await ask(chain)).toBe(2);
  });

  it('who has our chain is not given it again along with a change', async () => {
    const { alice, evil, id, settle } = await club();
    await say(alice, id, 'one');
    await settle();
    const before = evil.seen.length;
    await alice.messenger.groups.rename(id, 'another name');
    await settle();
    const news = evil.seen.slice(before);
    expect(news.map(({ senderKey, changes }) => [senderKey.length, changes.length > 0])).toEqual([[0, true]]);
  });

  it('what they wrote before we were given their chain is nothing to us', async () => {
    const { bob, evil, channel, payload, context, content } = await club();
    const first = encrypt(crypto, startOwnChain(crypto), context, content('before'));
    const second = encrypt(crypto, first.next, context, content('after'));
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(senderKeyOf(crypto, first.next)) });
    await channel.post(second.encoded);
    await channel.post(first.encoded);
    expect(textsOf(bob)).toEqual(['after']);
    expect(refusals(bob)).toEqual([]);
    expect((await sizesOf(bob))['waiting']).toBeUndefined();
  });
});

const hexOf = ({ identity }: Party) => encodeHex(identity.publicKey);

describe('a network that moves messages', () => {
  it('to a chat, to another group, or to a person alone: nothing comes of it', async () => {
    const { alice, bob, carol, channel, id, network, settle } = await club();
    const { group: other } = await alice.messenger.groups.create('other', keysOf(bob, carol));
    for (const { messenger } of [alice, bob]) await messenger.chats.join('lobby');
    await settle();
    const before = [bob, carol].map((party) => party.texts.length);
    await say(alice, id, 'one');
    await settle();
    const heard = [bob, carol].map((party) => party.texts.length);
    expect(heard.map((count, i) => count - (before[i] as number))).toEqual([1, 1]);
    const elsewhere = await eavesdropper(network, alice.identity, other.id);
    const connection = await network
      .transport()
      .connect({ identity: alice.identity, onMessage: async () => undefined });
    for (const { payload } of [...channel.seen]) {
      await elsewhere.post(payload);
      await connection.send({ kind: 'public', name: 'lobby' }, payload);
      await connection.send({ kind: 'partitioned', recipient: bob.identity.publicKey }, payload);
    }
    await alice.messenger.send({ kind: 'public', name: 'lobby' }, bytesOf('to all'));
    await settle();
    const said = bob.messages.at(-1);
    expect(said?.conversation).toEqual({ kind: 'public', name: 'lobby' });
    expect(bob.texts).toHaveLength((heard[0] as number) + 1);
    expect(carol.texts).toHaveLength(heard[1] as number);
    for (const [to, text] of [
      [id, 'two'],
      [other.id, 'three'],
    ] as const) {
      await say(alice, to, text);
      await settle();
      expect([bob, carol].map((party) => textsOf(party).at(-1))).toEqual([text, text]);
    }
  });
});

describe('a network that repeats', () => {
  it('what was read under a chain that came before the ones that were missing', async () => {
    const clock = settableClock(START);
    const network = createMemoryNetwork({ clock, seed: 9 });
    const lost = new Set<string>();
    const lossy = () => {
      const { capabilities, connect } = network.transport();
      return {
        capabilities,
        connect: (options: Parameters<typeof connect>[0]) =>
          connect({
            ...options,
            onMessage: async (message) => {
              const isAlone = message.channel.kind !== 'public';
              if (!isAlone || !lost.has(encodeHex(options.identity.publicKey)))
                await options.onMessage(message);
            },
          }),
      };
    };
    const limits = { senderKeysFrom: 2, senderKeyMessages: 1 };
    const parties: Party[] = [];
    for (const name of ['alice', 'bob', 'carol']) {
      parties.push(await newParty(network, name, { clock, limits, transport: lossy() }));
    }
    const [alice, bob, carol] = parties as [Party, Party, Party];
    for (const one of parties) {
      for (const other of parties) {
        if (other !== one) await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
      }
    }
    const settle = () => quiet(network, ...parties);
    await settle();
    const { group } = await alice.messenger.groups.create('club', keysOf(bob, carol));
    await settle();
    const channel = await eavesdropper(network, alice.identity, group.id);
    const tell = async (text: string, isLost: boolean) => {
      if (isLost) lost.add(hexOf(bob));
      else lost.delete(hexOf(bob));
      await say(alice, group.id, text);
      await settle();
    };
    // The chains of two messages come after that of the fourth, which so is the oldest when the next one comes.
    await tell('1', false);
    await tell('2', true);
    await tell('3', true);
    await tell('4', false);
    for (let round = 0; round < 4; round++) {
      await clock.advanceAndRest(20_000);
      await settle();
    }
    expect(textsOf(bob).toSorted()).toEqual(['1', '2', '3', '4']);
    await tell('5', false);
    for (const { payload } of [...channel.seen]) await channel.post(payload);
    for (let round = 0; round < 4; round++) {
      await clock.advanceAndRest(60_000);
      await settle();
    }
    expect(textsOf(bob).toSorted()).toEqual(['1', '2', '3', '4', '5']);
  });
});

describe('somebody who is not a member', () => {
  it('is not answered, is not heard, and leaves nothing', async () => {
    const {
      alice,
      bob,
      carol,
      mallory,
      evil,
      channel,
      payload,
      context,
      content,
      id,
      clock,
      network,
      honest,
    } = await club();
    await say(alice, id, 'one');
    await quiet(network, ...honest);
    const [message] = channel.seen;
    const { chain } = decodeMessage(message?.payload as Uint8Array);
    const own = startOwnChain(crypto);
    await evil.send(bob, { ...payload, senderKey: encodeSenderKey(senderKeyOf(crypto, own)) });
    await alice.messenger.groups.remove(id, keysOf(mallory));
    await quiet(network, ...honest);
    const seen = evil.seen.length;
    await evil.send(alice, { ...payload, wantedChains: [chain] });
    await say(bob, id, 'two');
    await quiet(network, ...honest);
    expect(evil.seen.slice(seen).filter(({ senderKey }) => senderKey.length > 0)).toEqual([]);
    expect(textsOf(carol)).toEqual(['one', 'two']);

    // For ten minutes what they wrote before may still come, and no longer.
    const { encoded, next } = encrypt(crypto, own, context, content('on its way'));
    await channel.post(encoded);
    expect(bob.messages.at(-1)).toMatchObject({ late: true, senderInstallation: 'adversary' });
    await clock.advanceAndRest(11 * 60_000);
    const heard = bob.texts.length;
    await channel.post(encrypt(crypto, next, context, content('after that')).encoded);
    await channel.post(encrypt(crypto, startOwnChain(crypto), context, content('on another')).encoded);
    expect(bob.texts).toHaveLength(heard);

    const stranger = await eavesdropper(network, crypto.secp256k1.generateKeyPair(), id);
    await stranger.post(encoded);
    await stranger.post(bytesOf('no message at all'));
    await stranger.post(new Uint8Array(0));
    await quiet(network, ...honest);
    expect(bob.texts).toHaveLength(heard);
    // They may have been added without our knowing: what all of these wrote waits, within bounds, and nobody is asked.
    for (let i = 0; i < 70; i++) {
      const one = await eavesdropper(network, crypto.secp256k1.generateKeyPair(), id);
      await one.post(encoded);
    }
    expect((await sizesOf(bob))['waiting']?.count).toBe(64);
    const before = evil.seen.length;
    await clock.advanceAndRest(HOUR);
    await quiet(network, ...honest);
    expect(evil.seen).toHaveLength(before);
    expect(refusals(bob)).toEqual(expect.arrayContaining(['NOT_PERMITTED', 'MALFORMED_MESSAGE']));
  });
});
