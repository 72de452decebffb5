import { encodeHex, type KeyPair, type Transport } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { decodePlain } from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import { sizesOf } from './adversary.js';
import { newParty, type Party } from './party.js';
import { negotiated, partitioned, sealedBus } from './sealed-bus.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, DAY, HOUR, keptView, newNode, START } from './world.js';

/** Lets everything that is on its way arrive. */
async function settle(...parties: readonly Party[]): Promise<void> {
  for (let round = 0; round < 12; round++) {
    for (const { messenger } of parties) await messenger.flushed();
    await new Promise(setImmediate);
  }
}

type PartyOptions = Parameters<typeof newParty>[2];

/** A network on which every envelope is recorded, and parties on it. */
function scene() {
  const clock = manualClock(START);
  const bus = sealedBus(clock);
  const parties: Party[] = [];
  const open = async (name: string, options: PartyOptions = {}) => {
    const party = await newParty(undefined as never, name, { clock, transport: bus.transport(), ...options });
    parties.push(party);
    return party;
  };
  const idle = () => settle(...parties);
  return {
    clock,
    bus,
    open,
    idle,
    /** Adds each to the other's contacts, and lets them write until each has heard from the other. */
    async acquaint(one: Party, other: Party) {
      await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
      await idle();
      await one.say(other, 'hello');
      await idle();
      await other.say(one, 'hi');
      await idle();
    },
    /** What is signed on a topic, for those who have its key, since the log was last emptied. */
    signed: (topic: Parameters<typeof bus.opened>[0]) =>
      bus.opened(topic).map((plain) => ({ plain, ...decodePlain(crypto, plain) })),
  };
}

async function pair(options: PartyOptions = {}) {
  const here = scene();
  const [alice, bob] = [await here.open('alice-1', options), await here.open('bob-1')];
  await here.acquaint(alice, bob);
  here.bus.log.length = 0;
  return { ...here, alice, bob, topic: negotiated(alice.identity, bob.identity) };
}

const nameOf = ({ identity }: { readonly identity: KeyPair }) => encodeHex(identity.publicKey);
const isProtocolMessage = (payload: Uint8Array) => {
  try {
    return decodeProtocolMessage(payload).directMessages.size > 0;
  } catch {
    return false;
  }
};

describe('between two who have heard from each other', () => {
  it('nobody with the keys of their topic finds an identity, a bundle or an identity signature', async () => {
    const { alice, bob, topic, bus, idle, signed, clock } = await pair();
    for (let day = 0; day < 3; day++) {
      for (let i = 0; i < 3; i++) {
        await alice.say(bob, `a${day}${i}`);
        await idle();
        await bob.say(alice, `b${day}${i}`);
        await idle();
      }
      clock.advance(25 * HOUR);
      await idle();
    }
    expect(bob.texts).toHaveLength(10);
    expect(alice.texts).toHaveLength(10);
    const seen = signed(topic);
    expect(seen.length).toBe(18);
    const hidden = [alice, bob].flatMap(({ identity, messenger }) => [
      identity.publicKey.subarray(1),
      crypto.secp256k1.uncompressPublicKey(identity.publicKey).subarray(1),
      bytesOf(messenger.installationId),
    ]);
    for (const { plain, payload, signer } of seen) {
      expect([nameOf(alice), nameOf(bob)]).not.toContain(encodeHex(signer as Uint8Array));
      expect(isProtocolMessage(payload)).toBe(false);
      for (const bytes of hidden) expect(Buffer.from(plain).includes(Buffer.from(bytes))).toBe(false);
    }
    // One for each direction and day.
    expect(new Set(seen.map(({ signer }) => encodeHex(signer as Uint8Array))).size).toBe(6);
    // And nothing went another way.
    for (const { identity } of [alice, bob]) expect(signed(partitioned(identity))).toEqual([]);
    expect(bus.log.length).toBeGreaterThan(18);
  });

  it('is not used where one turns it off, who reads sealed messages all the same', async () => {
    const { alice, bob, topic, idle, signed } = await pair({ sealedSender: false });
    await alice.say(bob, 'a');
    await bob.say(alice, 'b');
    await idle();
    expect([alice.texts.at(-1), bob.texts.at(-1)]).toEqual(['direct bob-1 pq: b', 'direct alice-1 pq: a']);
    for (const { payload, signer } of signed(topic)) {
      expect([nameOf(alice), nameOf(bob)]).toContain(encodeHex(signer as Uint8Array));
      expect(isProtocolMessage(payload)).toBe(true);
    }
    // Bob's message from before Alice turned it off.
    const late = await pair();
    late.bus.cut(true);
    await late.bob.say(late.alice, 'sealed');
    await late.idle();
    await late.alice.messenger.close();
    const [envelope] = late.bus.log;
    late.bus.cut(false);
    const off = await newParty(undefined as never, 'alice-1', {
      clock: late.clock,
      transport: late.bus.transport(),
      identity: late.alice.identity,
      sealedSender: false,
      wrapStore: () => keptView(late.alice.store),
    });
    late.bus.replay(envelope as Uint8Array, 2n);
    await settle(off, late.bob);
    expect(off.texts).toEqual(['direct bob-1 pq: sealed']);
  });

  it('survives restarts of both, and what waited in the outbox is signed as it was sealed', async () => {
    const { alice, bob, topic, bus, idle, signed, clock } = await pair();
    await alice.messenger.close();
    const offline = await newParty(undefined as never, 'alice-1', {
      clock,
      transport: bus.transport(),
      identity: alice.identity,
      wrapStore: () => keptView(alice.store),
      start: false,
    });
    await offline.say(bob, 'waited');
    clock.advance(2 * DAY);
    await bob.restart();
    await offline.messenger.start();
    await settle(offline, bob);
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: waited');
    await offline.say(bob, 'new');
    await bob.say(offline, 'too');
    await settle(offline, bob);
    await idle();
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: new');
    expect(offline.texts.at(-1)).toBe('direct bob-1 pq: too');
    const signers = signed(topic).map(({ signer }) => encodeHex(signer as Uint8Array));
    expect(new Set(signers).size).toBe(3);
    expect(signers).not.toContain(nameOf(alice));
  });

  it('reaches the other over a transport that cannot sign with a pseudonym, in the form of that transport', async () => {
    const here = scene();
    const able = here.bus.transport();
    let current: Transport = able;
    const transport: Transport = {
      get capabilities() {
        return current.capabilities;
      },
      connect: (options) => current.connect(options),
    };
    const [alice, bob] = [await here.open('alice-1', { transport }), await here.open('bob-1')];
    await here.acquaint(alice, bob);
    const topic = negotiated(alice.identity, bob.identity);
    await alice.messenger.close();
    const { pseudonyms: _, ...capabilities } = able.capabilities;
    const plain: Transport = { capabilities, connect: (options) => able.connect(options) };
    const reopened = (start: boolean) =>
      newParty(undefined as never, 'alice-1', {
        clock: here.clock,
        transport,
        identity: alice.identity,
        wrapStore: () => keptView(alice.store),
        start,
      });
    const offline = await reopened(false);
    await offline.say(bob, 'sealed before');
    await offline.messenger.close();
    here.bus.log.length = 0;
    current = plain;
    const online = await reopened(true);
    await settle(online, bob);
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: sealed before');
    // The envelope has named her.
    expect(bob.messages.at(-1)?.sealedSender).toBe(false);
    await online.say(bob, 'not sealed');
    await settle(online, bob);
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: not sealed');
    const seen = here.signed(topic);
    expect(seen.map(({ signer }) => encodeHex(signer as Uint8Array))).toEqual([nameOf(alice), nameOf(alice)]);
    expect(seen.map(({ payload }) => isProtocolMessage(payload))).toEqual([false, true]);
    // A device that can't be sent to in this form has withdrawn the offer with its next prekey.
    here.bus.log.length = 0;
    await bob.say(online, 'as before');
    await settle(online, bob);
    expect(online.texts.at(-1)).toBe('direct bob-1 pq: as before');
    expect(here.signed(topic).map(({ payload }) => isProtocolMessage(payload))).toEqual([true]);
  });
});

describe('whether a message was sealed', () => {
  const seal = ({ sealedSender }: { readonly sealedSender: boolean }) => sealedSender;

  it('is told of what is sent and received, from the first sealed one on', async () => {
    const here = scene();
    const [alice, bob] = [await here.open('alice-1'), await here.open('bob-1')];
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await here.idle();
    const sent: boolean[] = [];
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      sent.push((await from.say(to, 'x')).sealedSender);
      await here.idle();
    }
    expect(sent).toEqual([false, true, true]);
    expect(bob.messages.map(seal)).toEqual([false, true]);
    expect(alice.messages.map(seal)).toEqual([true]);
    const taken: boolean[] = [];
    await alice.messenger.send(bob.identity.publicKey, bytesOf('x'), {
      alongside: ({ sealedSender }) => {
        taken.push(sealedSender);
        return [];
      },
    });
    expect(taken).toEqual([true]);
  });

  it('is told again after a restart, and not where a public chat or an older peer has it', async () => {
    const { alice, bob, idle, clock, bus } = await pair();
    await bob.messenger.close();
    const late = await newParty(undefined as never, 'bob-1', {
      clock,
      transport: bus.transport(),
      identity: bob.identity,
      wrapStore: () => keptView(bob.store),
      acknowledge: false,
    });
    for (const { messenger } of [alice, late]) await messenger.chats.join('room');
    await settle(alice, late);
    await alice.say(bob, 'sealed');
    await alice.messenger.send({ kind: 'public', name: 'room' }, bytesOf('for all'));
    await settle(alice, late);
    await late.restart();
    await settle(alice, late);
    const told = late.messages.map((message) => [message.conversation.kind, seal(message)]);
    expect(told.toSorted()).toEqual([
      ['direct', true],
      ['direct', true],
      ['public', false],
      ['public', false],
    ]);
    await idle();
  });

  it('is told of each member of a group, and of the copies that they get', async () => {
    const here = scene();
    const [alice, bob] = [await here.open('alice-1'), await here.open('bob-1')];
    const carol = await here.open('carol-1', { sealedSender: false });
    await here.acquaint(alice, bob);
    await here.acquaint(alice, carol);
    const { group, result } = await alice.messenger.groups.create('us', [
      bob.identity.publicKey,
      carol.identity.publicKey,
    ]);
    await here.idle();
    const outcomes = new Map(
      result.members.map((one) => [encodeHex(one.member), 'devices' in one.result && seal(one.result)]),
    );
    expect([outcomes.get(nameOf(bob)), outcomes.get(nameOf(carol))]).toEqual([true, false]);
    const sent = await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('to all'));
    await here.idle();
    for (const party of [bob, carol]) {
      const outcome = sent.members.find((one) => encodeHex(one.member) === nameOf(party))?.result;
      const received = party.messages.at(-1);
      expect(received?.conversation.kind).toBe('group');
      expect(outcome && 'devices' in outcome && seal(outcome)).toBe(received?.sealedSender);
    }
  });
});

describe('several devices', () => {
  it('of ours get sealed copies, and ignore what goes to others', async () => {
    const { alice, bob, bus, open, idle, signed } = await pair();
    const phone = await open('alice-2', { identity: alice.identity });
    await alice.messenger.devices.announce();
    await idle();
    await alice.messenger.devices.enable('alice-2');
    await phone.messenger.devices.enable('alice-1');
    await phone.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await idle();
    await alice.say(bob, '1');
    await idle();
    await phone.say(bob, '2');
    await idle();
    await bob.say(alice, '3');
    await idle();
    bus.log.length = 0;
    await alice.say(bob, '4');
    await idle();
    await phone.say(bob, '5');
    await idle();
    await bob.say(alice, '6');
    await idle();
    expect(bob.texts.slice(-2)).toEqual(['direct alice-1 pq: 4', 'direct alice-2 pq: 5']);
    expect(phone.texts.slice(-2)).toEqual(['direct copy alice-1 pq: 4', 'direct bob-1 pq: 6']);
    expect(alice.texts.slice(-2)).toEqual(['direct copy alice-2 pq: 5', 'direct bob-1 pq: 6']);
    for (const topic of [
      negotiated(alice.identity, bob.identity),
      negotiated(alice.identity, alice.identity),
    ]) {
      const seen = signed(topic);
      expect(seen.length).toBeGreaterThanOrEqual(2);
      for (const { payload, signer } of seen) {
        expect(isProtocolMessage(payload)).toBe(false);
        expect([nameOf(alice), nameOf(bob)]).not.toContain(encodeHex(signer as Uint8Array));
      }
    }
    for (const { events } of [alice, phone, bob]) expect(events.decryptionFailed).toEqual([]);
  });

  it.each([
    ['an older one, without sealed messages', { sealedSender: false }, 'pq'],
    ['one without the hybrid suite', { postQuantum: false }, 'dr'],
  ])('of a peer, with %s: all are written to as before', async (_what, options, protection) => {
    const { alice, bob, topic, open, idle, signed } = await pair();
    const tablet = await open('bob-2', { identity: bob.identity, ...options });
    await tablet.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    await idle();
    await tablet.say(alice, 'from the tablet');
    await idle();
    const before = signed(topic).length;
    await alice.say(bob, 'to both');
    await idle();
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: to both');
    expect(tablet.texts.at(-1)).toBe(`direct alice-1 ${protection}: to both`);
    const last = signed(topic).slice(before);
    expect(last.map(({ payload }) => isProtocolMessage(payload))).toEqual([true]);
    expect(last.map(({ signer }) => encodeHex(signer as Uint8Array))).toEqual([nameOf(alice)]);
  });
});

describe('a recipient that lost its data', () => {
  it('says so, and the next message can be read', async () => {
    const { alice, bob, clock, bus, idle } = await pair();
    await bob.messenger.close();
    const again = await newParty(undefined as never, 'bob-2', {
      clock,
      transport: bus.transport(),
      identity: bob.identity,
    });
    const all = () => settle(alice, again);
    await again.messenger.contacts.add(await alice.messenger.contacts.ownCode());
    await all();
    bus.log.length = 0;
    await alice.say(bob, 'lost');
    await all();
    await alice.say(bob, 'read');
    await all();
    expect(again.texts.at(-1)).toBe('direct alice-1 pq: read');
    await again.say(alice, 'good');
    await all();
    expect(alice.texts.at(-1)).toBe('direct bob-2 pq: good');
    await idle();
  });

  it.each([true, false])(
    'and whose sessions alone are gone answers, also when sealed: %s',
    async (sealedSender) => {
      const { alice, bob, clock, bus } = await pair({ sealedSender });
      await bob.messenger.close();
      const { store } = bob;
      const writes = [];
      for await (const { key } of store.list('session/')) writes.push({ type: 'delete', key } as const);
      await store.commit(writes);
      const again = await newParty(undefined as never, 'bob-1', {
        clock,
        transport: bus.transport(),
        identity: bob.identity,
        wrapStore: () => keptView(store),
      });
      clock.advance(3 * HOUR);
      await alice.say(bob, 'lost');
      await settle(alice, again);
      expect(again.events.decryptionFailed).toMatchObject([
        { code: 'SESSION_NOT_FOUND', sender: alice.identity.publicKey, answered: true },
      ]);
      expect(alice.events.sessionReset).toHaveLength(1);
      await alice.say(bob, 'read');
      await settle(alice, again);
      expect(again.texts.at(-1)).toBe('direct alice-1 pq: read');
    },
  );
});

describe('someone known from a group alone', () => {
  it('makes a request by sealed messages, and has its budget', async () => {
    const { open, acquaint, idle, signed } = scene();
    const carol = await open('carol-1');
    const alice = await open('alice-1');
    const bob = await open('bob-1', { limits: { maxRequestMessages: 2 } });
    await acquaint(carol, alice);
    await acquaint(carol, bob);
    const { group: made } = await carol.messenger.groups.create('us', [
      alice.identity.publicKey,
      bob.identity.publicKey,
    ]);
    await idle();
    const group = { kind: 'group', groupId: made.id } as const;
    await bob.messenger.send(group, bytesOf('to all'));
    await idle();
    await alice.messenger.send(group, bytesOf('to all, too'));
    await idle();
    for (const text of ['1', '2', '3', '4']) {
      await alice.say(bob, text);
      await idle();
    }
    const topic = negotiated(alice.identity, bob.identity);
    expect(signed(topic).filter(({ payload }) => !isProtocolMessage(payload)).length).toBeGreaterThanOrEqual(
      4,
    );
    const direct = bob.messages.filter(({ conversation, sender }) => {
      return conversation.kind === 'direct' && encodeHex(sender) === nameOf(alice);
    });
    expect(direct.map(({ request }) => request)).toEqual([true, true]);
    expect(bob.events.request.at(-1)).toMatchObject({ identity: alice.identity.publicKey });
    expect(bob.events.decryptionFailed).toMatchObject([
      { sender: alice.identity.publicKey, code: 'LIMIT_EXCEEDED' },
    ]);
  });
});

describe('an attacker', () => {
  it('who repeats a sealed envelope, also after a restart, has no effect', async () => {
    const { alice, bob, bus, idle } = await pair();
    await alice.say(bob, 'once');
    await idle();
    const [envelope] = bus.log as [Uint8Array];
    const heard = bob.texts.length;
    bus.replay(envelope, 2n);
    await idle();
    await bob.restart();
    bus.log.length = 0;
    bus.replay(envelope, 3n);
    await idle();
    expect(bob.texts).toHaveLength(heard);
    expect(bob.events.decryptionFailed).toEqual([]);
    await alice.say(bob, 'twice');
    await idle();
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: twice');
  });

  it('who shares a topic with the recipient cannot speak for another pair', async () => {
    const { alice, bob, topic, bus, open, acquaint, idle, signed } = await pair();
    const mallory = await open('mallory-1');
    await acquaint(mallory, bob);
    const theirs = negotiated(mallory.identity, bob.identity);
    bus.log.length = 0;
    await mallory.say(bob, 'mine');
    await alice.say(bob, 'hers');
    await idle();
    const [[mine], [hers]] = [signed(theirs), signed(topic)] as const;
    if (mine === undefined || hers === undefined) throw new Error('nothing was sealed');
    const malloryNode = await newNode('mallory-1', { identity: mallory.identity });
    const pseudonym = malloryNode.device.sealingKey(bob.identity.publicKey, mine.payload) as KeyPair;
    const heard = bob.texts.length;
    bus.log.length = 0;
    // Alice's bytes on Mallory's topic, signed in every way that Mallory can, and Mallory's on Alice's.
    bus.reseal(theirs, hers.plain);
    for (const signer of [pseudonym, mallory.identity, crypto.secp256k1.generateKeyPair()]) {
      bus.post(theirs, signer, hers.payload);
      bus.post(topic, signer, hers.payload);
      bus.post(topic, signer, mine.payload);
      bus.post(partitioned(bob.identity), signer, hers.payload);
    }
    bus.reseal(topic, mine.plain);
    bus.reseal(partitioned(bob.identity), hers.plain);
    await idle();
    expect(bob.texts).toHaveLength(heard);
    // Only what Mallory itself signed counts as a message of it, one that can't be read.
    const isOfMallory = ({ sender }: { readonly sender: Uint8Array }) =>
      encodeHex(sender) === nameOf(mallory);
    expect(bob.events.decryptionFailed.every(isOfMallory)).toBe(true);
    expect(bus.log).toEqual([]);
    await alice.say(bob, 'still there');
    await idle();
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: still there');
  });

  it('who turns a sealed message around, so that its sender seems to be written to', async () => {
    const { alice, bob, topic, bus, idle, signed } = await pair();
    bus.cut(true);
    await alice.say(bob, 'x');
    await idle();
    const [sealed] = signed(topic);
    if (sealed === undefined) throw new Error('nothing was sealed');
    await alice.restart();
    bus.cut(false);
    bus.log.length = 0;
    const told = alice.texts.length;
    bus.reseal(topic, sealed.plain);
    // Bob's own pseudonym, which only Bob and Alice can make, does not open what Alice sealed either.
    const bobNode = await newNode('bob-1', { identity: bob.identity });
    const bobs = bobNode.device.sealingKey(alice.identity.publicKey, sealed.payload) as KeyPair;
    bus.post(topic, bobs, sealed.payload);
    await idle();
    expect(alice.texts).toHaveLength(told);
    expect(bob.texts.at(-1)).toBe('direct alice-1 pq: x');
    expect(alice.events.decryptionFailed).toMatchObject([{ code: 'MALFORMED_MESSAGE', answered: false }]);
    expect(bus.log).toEqual([]);
  });

  it('whose identity is blocked cannot be heard by sealed messages', async () => {
    const { alice, bob, bus, idle } = await pair();
    await bob.messenger.requests.block(alice.identity.publicKey);
    await idle();
    const heard = bob.texts.length;
    await alice.say(bob, 'x');
    await idle();
    for (const envelope of [...bus.log]) bus.replay(envelope, 7n);
    await idle();
    expect(bob.texts).toHaveLength(heard);
    expect(bob.events.decryptionFailed).toEqual([]);
  });

  it('who shares a topic and floods it with sealed bytes of any day leaves nothing, and breaks no session', async () => {
    const { alice, bob, bus, open, acquaint, idle } = await pair();
    const mallory = await open('mallory-1');
    await acquaint(mallory, bob);
    const theirs = negotiated(mallory.identity, bob.identity);
    await idle();
    const before = await sizesOf(bob);
    bus.log.length = 0;
    for (let i = 0; i < 200; i++) {
      const junk = crypto.randomBytes(300 + i);
      junk.set([0, 1]);
      bus.post(theirs, mallory.identity, junk);
    }
    await idle();
    expect(bus.log).toEqual([]);
    const after = await sizesOf(bob);
    for (const [name, { count }] of Object.entries(after)) expect(count, name).toBe(before[name]?.count);
    for (const from of [alice, mallory]) {
      await from.say(bob, 'still there');
      await idle();
      expect(bob.texts.at(-1)).toBe(`direct ${from === alice ? 'alice-1' : 'mallory-1'} pq: still there`);
    }
  });

  for (const days of [1000, -1000]) {
    it(`who repeats what was sealed by a clock that was wrong by ${days} days has no effect`, async () => {
      const clock = manualClock(START);
      const { alice, bob, bus, idle } = await pair({ clock });
      clock.advance(days * DAY);
      await alice.say(bob, 'from another time');
      await alice.restart();
      await idle();
      await alice.say(bob, 'after a restart');
      await idle();
      clock.advance(-days * DAY);
      await alice.say(bob, 'back');
      await bob.say(alice, 'welcome');
      await idle();
      const read = ['from another time', 'after a restart', 'back'].map(
        (text) => `direct alice-1 pq: ${text}`,
      );
      expect(bob.texts.slice(-3)).toEqual(read);
      expect(alice.texts.at(-1)).toBe('direct bob-1 pq: welcome');
      const [heard, told] = [bob.texts.length, alice.texts.length];
      const envelopes = [...bus.log];
      await bob.restart();
      for (const [i, envelope] of envelopes.entries()) bus.replay(envelope, BigInt(i + 2));
      await idle();
      expect([bob.texts.length, alice.texts.length]).toEqual([heard, told]);
      await alice.say(bob, 'on');
      await bob.say(alice, 'and on');
      await idle();
      expect(bob.texts.at(-1)).toBe('direct alice-1 pq: on');
      expect(alice.texts.at(-1)).toBe('direct bob-1 pq: and on');
    });
  }
});
