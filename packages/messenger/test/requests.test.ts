import { type Channel, encodeHex, type TransportConnection } from '@sotto/core';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
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
          listen: (channels: readonly Channel[]) => {
            seen.channels = channels;
            return connection.listen(channels);
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
    await party.messenger.addContact(await bob.messenger.contactCode());
    return party;
  };
  const requests = async () => (await bob.messenger.requests()).map(({ identity }) => encodeHex(identity));
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
    expect(await bob.messenger.requests()).toEqual([
      { identity: carol.identity.publicKey, requestedAt: START, messages: 2 },
    ]);
    expect(topicsOf(carol)).toEqual({ negotiated: false, contactCode: false });
    expect(seen.sent).toEqual([]);
    await bob.restart();
    expect(await requests()).toEqual([keyOf(carol)]);
    await bob.messenger.accept(carol.identity.publicKey);
    await quiet(network, bob, carol);
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
        void (await bob.messenger.addContact(await carol.messenger.contactCode())),
    ],
    ['verifying it', (bob: Party, carol: Party) => bob.messenger.setVerified(carol.identity.publicKey, true)],
  ])('%s accepts it', async (_, accept) => {
    const { network, bob, stranger, requests } = await scene();
    const carol = await stranger('carol-1');
    await carol.say(bob, 'hello?');
    await quiet(network, bob, carol);
    await accept(bob, carol);
    expect(await requests()).toEqual([]);
    expect(bob.events.accepted).toEqual([{ identity: carol.identity.publicKey }]);
  });

  it('blocked: nothing is taken, in 1:1, public chats and groups; unblocked: taken again', async () => {
    const { network, bob, stranger, requests } = await scene();
    const carol = await stranger('carol-1');
    await bob.messenger.joinChat('cats');
    await carol.say(bob, 'hello?');
    await quiet(network, bob, carol);
    await bob.messenger.block(carol.identity.publicKey);
    expect(bob.messenger.blocked()).toEqual([carol.identity.publicKey]);
    expect(await requests()).toEqual([]);
    await bob.restart();
    expect(bob.messenger.blocked()).toEqual([carol.identity.publicKey]);
    const before = bob.texts.length;
    await carol.say(bob, 'hello??');
    await carol.messenger.sendPublic('cats', bytesOf('hello???'));
    await carol.messenger.createGroup('spam', [bob.identity.publicKey]);
    await quiet(network, bob, carol);
    expect(bob.texts).toHaveLength(before);
    expect(await bob.messenger.groups()).toEqual([]);
    expect(await requests()).toEqual([]);
    await bob.messenger.unblock(carol.identity.publicKey);
    expect(bob.events.blocked.map(({ blocked }) => blocked)).toEqual([true, false]);
    await carol.messenger.resetSession(bob.identity.publicKey);
    await carol.say(bob, 'sorry');
    await quiet(network, bob, carol);
    expect(bob.texts.at(-1)).toBe('direct carol-1 dr: sorry');
    expect(await requests()).toEqual([keyOf(carol)]);
  });

  it('our own identity cannot be blocked', async () => {
    const { bob } = await scene();
    await expect(bob.messenger.block(bob.identity.publicKey)).rejects.toMatchObject({
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

  it('no more is taken of a request than its bound, which is told once; after acceptance, everything is', async () => {
    const { network, bob, stranger } = await scene({ limits: { maxRequestMessages: 5 } });
    const carol = await stranger('carol-1');
    for (let i = 0; i < 8; i++) await carol.say(bob, `${i}`);
    await quiet(network, bob, carol);
    expect(bob.texts).toHaveLength(5);
    expect(bob.events.undecryptable.map(({ code }) => code)).toEqual(['LIMIT_EXCEEDED']);
    await bob.messenger.accept(carol.identity.publicKey);
    for (let i = 8; i < 16; i++) await carol.say(bob, `${i}`);
    await quiet(network, bob, carol);
    expect(bob.texts.slice(5)).toEqual(Array.from({ length: 8 }, (_, i) => `direct carol-1 dr: ${i + 8}`));
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
    expect(devices).toEqual([{ installationId: 'carol-1', sent: 'dr' }]);
    expect(carol.texts.at(-1)).toBe('direct bob-1 dr: still');
  });
});

describe('answers to strangers', () => {
  it('are few also when many strangers write at once', async () => {
    const { network, clock, bob, seen } = await scene({ limits: { strangerAnswersPerHour: 4 } });
    const other = await newParty(network, 'bob-2', { identity: bob.identity, clock, start: false });
    const code = await other.messenger.contactCode();
    const strangers: Party[] = [];
    for (let i = 0; i < 20; i++) {
      const party = await newParty(network, `s${i}`, { clock });
      strangers.push(party);
      await party.messenger.addContact(code);
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
    const code = await other.messenger.contactCode();
    const strangers: Party[] = [];
    const write = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const party = await newParty(network, `s${strangers.length}`, { clock });
        strangers.push(party);
        // They know another device of his only.
        await party.messenger.addContact(code);
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
    expect(bob.texts.at(-1)).toBe('direct s13 dr: on the negotiated topic');
  });
});
