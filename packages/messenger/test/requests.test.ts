import {
  type Channel,
  encodeHex,
  SottoError,
  type Store,
  type Transport,
  type TransportConnection,
} from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { jumpingClock } from './jumping-clock.js';
import { newParty, type Party, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, HOUR, START } from './world.js';

/** The messenger's transport, with the channels that were listened to last and what was sent. */
function observed(network: ReturnType<typeof createMemoryNetwork>) {
  const inner = network.transport();
  const seen = { channels: [] as readonly Channel[], sent: [] as Channel[] };
  return {
    seen,
    transport: {
      ...inner,
      connect: async (...args: Parameters<typeof inner.connect>): Promise<TransportConnection> => {
        const connection = await inner.connect(...args);
        return {
          ...(connection.history && { history: connection.history.bind(connection) }),
          close: () => connection.close(),
          subscribe: (channels: readonly Channel[]) => {
            seen.channels = channels;
            return connection.subscribe(channels);
          },
          send: (channel: Channel, payload: Uint8Array) => {
            seen.sent.push(channel);
            return connection.send(channel, payload);
          },
        };
      },
    },
  };
}

async function scene(options = {}) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock });
  const { seen, transport } = observed(network);
  const bob = await newParty(network, 'bob-1', { clock, transport, ...options });
  const stranger = async (name: string) => {
    const party = await newParty(network, name, { clock });
    await party.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    return party;
  };
  const requests = async () =>
    (await bob.messenger.requests.list()).map(({ identity }) => encodeHex(identity));
  const topicsOf = (party: Party) => {
    const secret = encodeHex(crypto.secp256k1.ecdh(bob.identity.privateKey, party.identity.publicKey));
    const uncompressed = encodeHex(crypto.secp256k1.uncompressPublicKey(party.identity.publicKey));
    return {
      negotiated: seen.channels.some(
        (channel) => channel.kind === 'negotiated' && encodeHex(channel.secret) === secret,
      ),
      contactCode: seen.channels.some(
        (channel) => channel.kind === 'public' && channel.name === `0x${uncompressed}-contact-code`,
      ),
    };
  };
  return { clock, network, bob, seen, stranger, requests, topicsOf };
}

const keyOf = (party: Party) => encodeHex(party.identity.publicKey);

describe('message requests', () => {
  it('a stranger is a request until accepted: told, marked, listed, and no topic listened to', async () => {
    const { network, bob, stranger, requests, topicsOf, seen } = await scene();
    const carol = await stranger('carol-1');
    seen.sent.length = 0;
    await carol.say(bob, 'hello?');
    await carol.say(bob, 'are you there?');
    await quiet(network, bob, carol);
    expect(bob.messages.map(({ request }) => request)).toEqual([true, true]);
    expect(bob.events.request).toEqual([{ identity: carol.identity.publicKey }]);
    expect(await bob.messenger.requests.list()).toEqual([
      { identity: carol.identity.publicKey, requestedAt: START, messages: 2 },
    ]);
    expect(topicsOf(carol)).toEqual({ negotiated: false, contactCode: false });
    expect(seen.sent).toEqual([]);
    await bob.restart();
    expect(await requests()).toEqual([keyOf(carol)]);
    const isAccepted = () => bob.messenger.requests.isAccepted(carol.identity.publicKey);
    expect(await isAccepted()).toBe(false);
    await bob.messenger.requests.accept(carol.identity.publicKey);
    await quiet(network, bob, carol);
    expect(await isAccepted()).toBe(true);
    await bob.messenger.requests.block(carol.identity.publicKey);
    expect(await isAccepted()).toBe(false);
    await bob.messenger.requests.unblock(carol.identity.publicKey);
    expect(await requests()).toEqual([]);
    expect(topicsOf(carol).negotiated).toBe(true);
    await carol.say(bob, 'thank you');
    await quiet(network, bob, carol);
    expect(bob.messages.at(-1)?.request).toBe(false);
    expect(bob.texts).toHaveLength(3);
  });

  it.each([
    ['writing to it', (bob: Party, carol: Party) => bob.say(carol, 'hi').then(() => {})],
    [
      'adding it',
      async (bob: Party, carol: Party) =>
        void (await bob.messenger.contacts.add(await carol.messenger.contacts.ownCode())),
    ],
    [
      'verifying it',
      (bob: Party, carol: Party) => bob.messenger.contacts.setVerified(carol.identity.publicKey, true),
    ],
  ])('%s accepts it', async (_, accept) => {
    const { network, bob, stranger, requests } = await scene();
    const carol = await stranger('carol-1');
    await carol.say(bob, 'hello?');
    await quiet(network, bob, carol);
    await accept(bob, carol);
    expect(await requests()).toEqual([]);
    expect(bob.events.accepted).toEqual([{ identity: carol.identity.publicKey }]);
  });

  it('writing to it on another device of ours accepts it on this one', async () => {
    const { network, clock, bob, stranger, requests, topicsOf } = await scene();
    const laptop = await newParty(network, 'bob-2', { identity: bob.identity, clock });
    await bob.messenger.devices.announce();
    await laptop.messenger.devices.announce();
    await quiet(network, bob, laptop);
    await laptop.messenger.devices.enable('bob-1');
    const carol = await stranger('carol-1');
    await carol.say(bob, 'hello?');
    await quiet(network, bob, laptop, carol);
    expect(await requests()).toEqual([keyOf(carol)]);
    await laptop.say(carol, 'hello!');
    await quiet(network, bob, laptop, carol);
    expect(bob.texts.at(-1)).toBe('direct copy bob-2 pq: hello!');
    expect(await requests()).toEqual([]);
    expect(topicsOf(carol).negotiated).toBe(true);
    expect(bob.events.accepted).toEqual([{ identity: carol.identity.publicKey }]);
  });

  it('accepted after our clock was ahead when it wrote: history is asked for what it may have written', async () => {
    const clock = manualClock(START);
    const network = createMemoryNetwork({ clock });
    const inner = network.transport();
    const asked: { readonly from: number; readonly to: number }[] = [];
    const own = jumpingClock(START);
    const transport: Transport = {
      ...inner,
      connect: async (...args) => {
        const connection = await inner.connect(...args);
        return {
          send: (...message) => connection.send(...message),
          subscribe: (channels) => connection.subscribe(channels),
          close: () => connection.close(),
          history: async ({ from, to }) => void asked.push({ from, to }),
        };
      },
    };
    const bob = await newParty(network, 'bob-1', { clock: own, transport });
    const carol = await newParty(network, 'carol-1', { clock });
    own.jump(48 * HOUR);
    await carol.say(bob, 'hello?');
    await quiet(network, bob, carol);
    own.jump(-48 * HOUR);
    asked.length = 0;
    await bob.messenger.requests.accept(carol.identity.publicKey);
    await quiet(network, bob, carol);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.from).toBeLessThan(START);
    expect(asked[0]?.to).toBeGreaterThan(START);
  });

  it('blocked: nothing is taken, in 1:1, public chats and groups; unblocked: taken again', async () => {
    const { network, bob, stranger, requests } = await scene();
    const carol = await stranger('carol-1');
    await bob.messenger.chats.join('cats');
    await carol.say(bob, 'hello?');
    await quiet(network, bob, carol);
    await bob.messenger.requests.block(carol.identity.publicKey);
    expect(bob.messenger.requests.blocked()).toEqual([carol.identity.publicKey]);
    expect(await requests()).toEqual([]);
    await bob.restart();
    expect(bob.messenger.requests.blocked()).toEqual([carol.identity.publicKey]);
    const before = bob.texts.length;
    await carol.say(bob, 'hello??');
    await carol.messenger.send({ kind: 'public', name: 'cats' }, bytesOf('hello???'));
    await carol.messenger.groups.create('spam', [bob.identity.publicKey]);
    await quiet(network, bob, carol);
    expect(bob.texts).toHaveLength(before);
    expect(await bob.messenger.groups.list()).toEqual([]);
    expect(await requests()).toEqual([]);
    await bob.messenger.requests.unblock(carol.identity.publicKey);
    expect(bob.events.blocked.map(({ blocked }) => blocked)).toEqual([true, false]);
    await carol.messenger.devices.resetSession(bob.identity.publicKey);
    await carol.say(bob, 'sorry');
    await quiet(network, bob, carol);
    expect(bob.texts.at(-1)).toBe('direct carol-1 pq: sorry');
    expect(await requests()).toEqual([keyOf(carol)]);
  });

  it('blocked: whoever was verified is not any more, also as a contact again', async () => {
    const { bob, stranger } = await scene();
    const { publicKey } = (await stranger('carol-1')).identity;
    await bob.messenger.contacts.add(publicKey);
    await bob.messenger.contacts.setVerified(publicKey, true);
    await bob.messenger.requests.block(publicKey);
    await bob.messenger.requests.unblock(publicKey);
    expect(await bob.messenger.contacts.add(publicKey)).toEqual({ identity: publicKey, verified: false });
  });

  it('blocked while its messages come: it is no request afterwards', async () => {
    const { network, bob, stranger, requests } = await scene();
    const carol = await stranger('carol-1');
    await Promise.all(Array.from({ length: 40 }, (_, i) => carol.say(bob, `${i}`)));
    let blocking: Promise<void> | undefined;
    let afterwards = 0;
    bob.messenger.on('message', () => {
      if (blocking !== undefined) afterwards++;
      blocking ??= bob.messenger.requests.block(carol.identity.publicKey);
    });
    await quiet(network, bob, carol);
    await blocking;
    // What comes after the block doesn't make it a request again.
    await Promise.all(Array.from({ length: 40 }, (_, i) => carol.say(bob, `more ${i}`)));
    await quiet(network, bob, carol);
    expect(await requests()).toEqual([]);
    expect(bob.messenger.requests.blocked()).toEqual([carol.identity.publicKey]);
    const peers: string[] = [];
    for await (const { key } of bob.store.list('peer/')) peers.push(key);
    expect(peers).toEqual([]);
    expect(bob.texts).toHaveLength(1 + afterwards);
  });

  it('blocked in the same burst as a message: the message does not make it a request again', async () => {
    const { network, bob, stranger, requests } = await scene();
    const carol = await stranger('carol-1');
    const said = carol.say(bob, 'hello?');
    const blocked = bob.messenger.requests.block(carol.identity.publicKey);
    await Promise.all([said, blocked]);
    await quiet(network, bob, carol);
    expect(bob.texts).toEqual([]);
    expect(await requests()).toEqual([]);
  });

  it('blocked and unblocked: as much is taken of it as of any other request', async () => {
    const { network, bob, stranger } = await scene({ limits: { maxRequestMessages: 5 } });
    const carol = await stranger('carol-1');
    for (let round = 0; round < 3; round++) {
      bob.texts.length = 0;
      for (let i = 0; i < 5; i++) await carol.say(bob, `${i}`);
      await quiet(network, bob, carol);
      expect(bob.texts).toHaveLength(5);
      await bob.messenger.requests.block(carol.identity.publicKey);
      await bob.messenger.requests.unblock(carol.identity.publicKey);
      await carol.messenger.devices.resetSession(bob.identity.publicKey);
    }
  });

  it('a store that fails: a message counts once, however often it is tried', async () => {
    let failures = 0;
    const { network, bob, stranger } = await scene({
      limits: { maxRequestMessages: 5 },
      wrapStore: (store: Store): Store => ({
        ...store,
        commit: (writes, options) => {
          if (failures-- > 0) {
            throw new SottoError('STORE_UNAVAILABLE', 'Not now.', { reason: 'a test' });
          }
          return store.commit(writes, options);
        },
      }),
    });
    const carol = await stranger('carol-1');
    const meet = carol.say(bob, '0');
    await meet;
    await quiet(network, bob, carol);
    for (let i = 1; i < 5; i++) {
      failures = 2;
      await carol.say(bob, `${i}`);
      for (let tries = 0; tries < 4; tries++) {
        await quiet(network, bob, carol);
        bob.clock.advance(10_000);
      }
    }
    expect(bob.texts).toHaveLength(5);
  });

  it('someone we know from a group, blocked and unblocked: its topic is listened to again', async () => {
    const { network, clock, bob, topicsOf } = await scene();
    const [alice, carol] = [
      await newParty(network, 'alice-1', { clock }),
      await newParty(network, 'carol-1', { clock }),
    ];
    await alice.messenger.groups.create('friends', [bob.identity.publicKey, carol.identity.publicKey]);
    await quiet(network, alice, bob, carol);
    const [group] = await bob.messenger.groups.list();
    await bob.messenger.send({ kind: 'group', groupId: group?.id as string }, bytesOf('hi'));
    await quiet(network, alice, bob, carol);
    expect(topicsOf(carol).negotiated).toBe(true);
    await bob.messenger.requests.block(carol.identity.publicKey);
    await quiet(network, bob);
    expect(topicsOf(carol).negotiated).toBe(false);
    await bob.messenger.requests.unblock(carol.identity.publicKey);
    await quiet(network, bob);
    expect(topicsOf(carol).negotiated).toBe(true);
  });

  it('our own identity cannot be blocked', async () => {
    const { bob } = await scene();
    await expect(bob.messenger.requests.block(bob.identity.publicKey)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('beyond the bound the oldest request is forgotten with everything of it', async () => {
    const { network, bob, stranger, requests } = await scene({ limits: { maxRequests: 3 } });
    const strangers: Party[] = [];
    for (let i = 0; i < 5; i++) {
      const party = await stranger(`stranger-${i}`);
      strangers.push(party);
      await party.say(bob, `${i}`);
      await quiet(network, bob, party);
    }
    expect(await requests()).toEqual(strangers.slice(2).map(keyOf));
    const peers: string[] = [];
    for await (const { key } of bob.store.list('peer/')) peers.push(key);
    expect(peers).toHaveLength(3);
    let sessions = 0;
    for await (const _ of bob.store.list('session/')) sessions++;
    expect(sessions).toBe(3);
    expect(bob.texts).toHaveLength(5);
  });

  it('forgotten since it makes us keep too many message keys: a request all the same, and within the bound', async () => {
    const { network, bob, stranger, requests } = await scene({
      limits: { maxStrangerSkippedKeys: 10, maxRequests: 3 },
    });
    const strangers: Party[] = [];
    for (let i = 0; i < 6; i++) {
      const party = await stranger(`stranger-${i}`);
      strangers.push(party);
      network.disconnect(party.identity.publicKey);
      await Promise.all(Array.from({ length: 20 + i }, (_, n) => party.say(bob, `lost ${n}`)));
      for (const id of await party.messenger.outbox.pending()) await party.messenger.outbox.giveUp(id);
      network.reconnect(party.identity.publicKey);
      await party.say(bob, 'seen');
      await quiet(network, bob, party);
      expect(bob.texts.at(-1)).toBe(`direct stranger-${i} pq: seen`);
    }
    // Nothing is kept of anyone who isn't listed, and so would never be forgotten.
    const peers: string[] = [];
    for await (const { key } of bob.store.list('peer/')) peers.push(key.slice('peer/'.length));
    expect(peers.toSorted()).toEqual((await requests()).toSorted());
    expect(await requests()).toContain(keyOf(strangers.at(-1) as Party));
  });

  it('no more is taken of a request than its bound, which is told once; after acceptance, everything is', async () => {
    const { network, bob, stranger } = await scene({ limits: { maxRequestMessages: 5 } });
    const carol = await stranger('carol-1');
    for (let i = 0; i < 8; i++) await carol.say(bob, `${i}`);
    await quiet(network, bob, carol);
    expect(bob.texts).toHaveLength(5);
    expect(bob.events.decryptionFailed.map(({ code }) => code)).toEqual(['LIMIT_EXCEEDED']);
    await bob.messenger.requests.accept(carol.identity.publicKey);
    for (let i = 8; i < 16; i++) await carol.say(bob, `${i}`);
    await quiet(network, bob, carol);
    expect(bob.texts.slice(5)).toEqual(Array.from({ length: 8 }, (_, i) => `direct carol-1 pq: ${i + 8}`));
  });

  it('accepted people are not forgotten for strangers', async () => {
    const { network, bob, stranger } = await scene({ limits: { maxRequests: 2, maxStrangersSeen: 2 } });
    const carol = await stranger('carol-1');
    await bob.say(carol, 'hi');
    await quiet(network, bob, carol);
    await carol.say(bob, 'hi');
    await quiet(network, bob, carol);
    for (let i = 0; i < 4; i++) {
      const party = await stranger(`stranger-${i}`);
      await party.say(bob, `${i}`);
      await quiet(network, bob, party);
    }
    const { devices } = await bob.say(carol, 'still');
    await quiet(network, bob, carol);
    expect(devices).toEqual([{ installationId: 'carol-1', sent: 'pq' }]);
    expect(carol.texts.at(-1)).toBe('direct bob-1 pq: still');
  });
});

describe('answers to strangers', () => {
  it('are few also when many strangers write at once', async () => {
    const { network, clock, bob, seen } = await scene({ limits: { strangerAnswersPerHour: 4 } });
    const other = await newParty(network, 'bob-2', { identity: bob.identity, clock, start: false });
    const code = await other.messenger.contacts.ownCode();
    const strangers: Party[] = [];
    for (let i = 0; i < 20; i++) {
      const party = await newParty(network, `s${i}`, { clock });
      strangers.push(party);
      await party.messenger.contacts.add(code);
    }
    await quiet(network, bob, ...strangers);
    seen.sent.length = 0;
    await Promise.all(strangers.map((party) => party.say(bob, 'x')));
    await quiet(network, bob, ...strangers);
    expect(seen.sent.filter(({ kind }) => kind === 'partitioned')).toHaveLength(4);
  });

  it('are few in an hour, and only so many of their topics are listened to', async () => {
    const { network, clock, bob, seen } = await scene({
      limits: { strangerAnswersPerHour: 4, maxStrangerTopics: 6 },
    });
    const other = await newParty(network, 'bob-2', { identity: bob.identity, clock, start: false });
    const code = await other.messenger.contacts.ownCode();
    const strangers: Party[] = [];
    const write = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const party = await newParty(network, `s${strangers.length}`, { clock });
        strangers.push(party);
        // They know another device of his only.
        await party.messenger.contacts.add(code);
        await party.say(bob, 'x');
        await quiet(network, bob, party);
      }
    };
    const negotiated = () => seen.channels.filter(({ kind }) => kind === 'negotiated').length;
    const answers = () => seen.sent.filter(({ kind }) => kind === 'partitioned').length;
    await write(10);
    expect(answers()).toBe(4);
    expect(negotiated()).toBe(4);
    clock.advance(HOUR);
    await write(10);
    expect(answers()).toBe(8);
    expect(negotiated()).toBe(6);
    await bob.restart();
    expect(negotiated()).toBe(6);
    // Whoever was answered is heard where the answer moved it to.
    const last = strangers[13] as Party;
    await last.say(bob, 'on the negotiated topic');
    await quiet(network, bob, last);
    expect(bob.texts.at(-1)).toBe('direct s13 pq: on the negotiated topic');
  });

  it('are as few when all strangers write in one moment, and over restarts', async () => {
    const { network, clock, bob, seen } = await scene({ limits: { strangerAnswersPerHour: 4 } });
    const other = await newParty(network, 'bob-2', { identity: bob.identity, clock, start: false });
    const code = await other.messenger.contacts.ownCode();
    const answers = () => seen.sent.filter(({ kind }) => kind === 'partitioned').length;
    for (let round = 0; round < 3; round++) {
      const strangers = await Promise.all(
        Array.from({ length: 16 }, (_, i) => newParty(network, `s${round}-${i}`, { clock })),
      );
      for (const party of strangers) await party.messenger.contacts.add(code);
      await quiet(network, bob, ...strangers);
      await Promise.all(strangers.map((party) => party.say(bob, 'x')));
      await quiet(network, bob, ...strangers);
      expect(answers()).toBe(4);
      await bob.restart();
      await quiet(network, bob);
    }
    clock.advance(HOUR);
    const late = await newParty(network, 'late', { clock });
    await late.messenger.contacts.add(code);
    await late.say(bob, 'x');
    await quiet(network, bob, late);
    expect(answers()).toBe(5);
  });
});
