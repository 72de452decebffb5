import { encodeHex, type KeyPair } from '@sotto/core';
import { encodeProtocolMessage } from '@sotto/protocol-codec';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { newParty, type Party } from './party.js';
import { partitioned, publicTopic, sealedBus } from './sealed-bus.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, DAY, HOUR, MINUTE, newNode, START } from './world.js';

/** Lets everything that is on its way arrive. */
async function settle(...parties: readonly Party[]): Promise<void> {
  for (let round = 0; round < 12; round++) {
    for (const { messenger } of parties) await messenger.flushed();
    await new Promise(setImmediate);
  }
}

const nameOf = ({ identity }: { readonly identity: KeyPair }) => encodeHex(identity.publicKey);

describe.each([
  ['deployed', false, 'dr'],
  ['post-quantum', true, 'pq'],
] as const)('with sessions in the %s suite', (_, postQuantum, protection) => {
  /** Alice and Bob in a session on their negotiated topic, and Mallory, a contact of Alice's. */
  async function scene() {
    const clock = manualClock(START);
    const bus = sealedBus(clock);
    const open = (name: string, options = {}) =>
      newParty(undefined as never, name, {
        clock,
        transport: bus.transport(),
        postQuantum,
        ...options,
      });
    const [alice, bob, mallory] = [await open('alice-1'), await open('bob-1'), await open('mallory-1')];
    for (const [one, other] of [
      [alice, bob],
      [bob, alice],
      [alice, mallory],
    ] as const) {
      await one.messenger.contacts.add(await other.messenger.contacts.ownCode());
    }
    await settle(alice, bob, mallory);
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      await from.say(to, `${nameOf(from).slice(0, 4)}`);
      await settle(alice, bob, mallory);
    }
    const all = [alice, bob, mallory];
    return {
      clock,
      bus,
      open,
      alice,
      bob,
      mallory,
      settle: () => settle(...all),
      /** Alice and Bob go on in their session, on its topic, and were told of nothing. */
      async unharmed() {
        await settle(...all);
        expect(alice.events.sessionReset).toEqual([]);
        expect(bob.events.sessionReset).toEqual([]);
        const heard = bob.texts.length;
        const { devices } = await alice.say(bob, 'still there');
        expect(devices).toEqual([{ installationId: 'bob-1', sent: protection }]);
        await settle(...all);
        expect(bob.texts.slice(heard)).toEqual([`direct alice-1 ${protection}: still there`]);
        expect(bob.messages.at(-1)?.conversation.kind).toBe('direct');
      },
    };
  }

  describe('a message sealed again for someone else', () => {
    it('one to a contact: no answer, no reset, nothing told', async () => {
      const { alice, bob, mallory, bus, settle, unharmed } = await scene();
      bus.log.length = 0;
      await alice.say(mallory, 'for mallory');
      await settle();
      const [plain] = bus.opened(partitioned(mallory.identity));
      bus.log.length = 0;
      bus.reseal(partitioned(bob.identity), plain as Uint8Array);
      await settle();
      expect(bus.log).toEqual([]);
      expect(bob.events.decryptionFailed).toEqual([]);
      await unharmed();
    });

    it("one for a device that bears the recipient's name: no answer, no reset", async () => {
      const { alice, bob, bus, open, settle, unharmed } = await scene();
      const namesake = await open('bob-1');
      await alice.messenger.contacts.add(await namesake.messenger.contacts.ownCode());
      bus.log.length = 0;
      await alice.say(namesake, 'for the namesake');
      await settle();
      const [plain] = bus.opened(partitioned(namesake.identity));
      bus.log.length = 0;
      bus.reseal(partitioned(bob.identity), plain as Uint8Array);
      await settle();
      expect(bus.log).toEqual([]);
      await unharmed();
    });

    it("one encrypted for the recipient's own prekey, which someone else published: no answer, no reset", async () => {
      const { alice, bob, bus, settle, unharmed } = await scene();
      const thief = crypto.secp256k1.generateKeyPair();
      const code = JSON.parse(atob(await bob.messenger.contacts.ownCode()));
      const { signedPreKey } = Object.values(code.signedPreKeys)[0] as { signedPreKey: string };
      const stolen = signBundle(crypto, thief, {
        signedPreKeys: new Map([
          [
            'bob-1',
            {
              signedPreKey: Uint8Array.from(Buffer.from(signedPreKey, 'base64')),
              version: 1,
              protocolVersion: 1,
            },
          ],
        ]),
        timestamp: bundleTimestamp(START),
      });
      const bundle = encodeProtocolMessage({
        installationId: 'bob-1',
        bundles: [stolen],
        directMessages: new Map(),
        publicMessage: undefined,
      });
      bus.post(partitioned(alice.identity), thief, bundle);
      await settle();
      bus.log.length = 0;
      await alice.messenger.send(thief.publicKey, bytesOf('for the thief'));
      await settle();
      const [plain] = bus.opened(partitioned(thief));
      bus.log.length = 0;
      bus.reseal(partitioned(bob.identity), plain as Uint8Array);
      await settle();
      expect(bus.log).toEqual([]);
      await unharmed();
    });

    it("an answer that a stranger brought about: it isn't meant for others, and has no effect on them", async () => {
      const { alice, bob, bus, settle, unharmed } = await scene();
      const stranger = crypto.secp256k1.generateKeyPair();
      bus.log.length = 0;
      bus.post(partitioned(alice.identity), stranger, unreadableFrom(stranger));
      await settle();
      const [plain] = bus.opened(partitioned(stranger));
      expect(plain).toBeDefined();
      bus.log.length = 0;
      bus.reseal(partitioned(bob.identity), plain as Uint8Array);
      await settle();
      expect(bus.log).toEqual([]);
      expect(bob.events.decryptionFailed).toEqual([]);
      await unharmed();
    });

    it('put on the topic of a contact code, or into a public chat: no effect', async () => {
      const { alice, bob, mallory, bus, settle, unharmed } = await scene();
      await bob.messenger.chats.join('cats');
      bus.log.length = 0;
      await alice.say(mallory, 'for mallory');
      await settle();
      const [plain] = bus.opened(partitioned(mallory.identity));
      const uncompressed = encodeHex(crypto.secp256k1.uncompressPublicKey(alice.identity.publicKey));
      for (const name of ['cats', `0x${uncompressed}-contact-code`]) {
        bus.log.length = 0;
        bus.reseal(publicTopic(name), plain as Uint8Array);
        await settle();
        expect(bus.log).toEqual([]);
      }
      expect(bob.texts.filter((text) => text.startsWith('cats'))).toEqual([]);
      expect(bob.events.decryptionFailed).toEqual([]);
      await unharmed();
    });

    it('one of our own, sealed for our own topic: our devices do not answer each other', async () => {
      const { alice, mallory, bus, open, settle } = await scene();
      const laptop = await open('alice-2', { identity: alice.identity });
      await settle();
      bus.log.length = 0;
      await alice.say(mallory, 'for mallory');
      await settle();
      const [plain] = bus.opened(partitioned(mallory.identity));
      bus.log.length = 0;
      bus.reseal(partitioned(alice.identity), plain as Uint8Array);
      await settle();
      await laptop.messenger.flushed();
      expect(bus.log).toEqual([]);
      expect(laptop.events.decryptionFailed).toEqual([]);
      expect(alice.events.sessionReset).toEqual([]);
    });
  });

  function unreadableFrom(
    signer: KeyPair,
    installationId = 'stranger-1',
    bundles: readonly ReturnType<typeof signBundle>[] = [],
  ): Uint8Array {
    return encodeProtocolMessage({
      installationId,
      bundles,
      directMessages: new Map([
        [
          'nobody',
          {
            drHeader: { key: signer.publicKey, n: 0, pn: 0, id: signer.publicKey },
            payload: new Uint8Array(64),
          },
        ],
      ]),
      publicMessage: undefined,
    });
  }

  describe('messages that have no effect', () => {
    it('are not remembered: answers of someone whom we have no session with', async () => {
      const { bob, bus, settle } = await scene();
      const remembered = async () => {
        let count = 0;
        for await (const _ of bob.store.list('seen/')) count++;
        return count;
      };
      const before = await remembered();
      const stranger = await newNode('stranger-1');
      for (let i = 0; i < 20; i++) {
        const { message } = await stranger.device.transaction((tx) =>
          stranger.device.encryptDh(tx, bob.identity.publicKey, new Uint8Array(0)),
        );
        bus.post(partitioned(bob.identity), stranger.identity, message);
      }
      await settle();
      expect(await remembered()).toBe(before);
    });
  });

  describe('messages that cannot be read', () => {
    it('of two devices that take turns: told once of each', async () => {
      const { bob, bus, settle } = await scene();
      const stranger = crypto.secp256k1.generateKeyPair();
      for (let i = 0; i < 6; i++) {
        bus.post(partitioned(bob.identity), stranger, unreadableFrom(stranger, `stranger-${i % 2}`));
        await settle();
      }
      expect(bob.events.decryptionFailed.map(({ senderInstallation }) => senderInstallation)).toEqual([
        'stranger-0',
        'stranger-1',
      ]);
    });

    it('of devices made up without end: told of so many of one sender', async () => {
      const { bob, bus, settle } = await scene();
      const stranger = crypto.secp256k1.generateKeyPair();
      for (let i = 0; i < 60; i++) {
        bus.post(partitioned(bob.identity), stranger, unreadableFrom(stranger, `stranger-${i}`));
      }
      await settle();
      expect(bob.events.decryptionFailed).toHaveLength(16);
    });
  });

  describe('a genuine message that was kept', () => {
    it('a first message, in a new envelope after 70 days, when session and prekey are gone: no answer', async () => {
      const { alice, bob, clock, bus, settle } = await scene();
      const carol = await newParty(undefined as never, 'carol-1', {
        clock,
        transport: bus.transport(),
        postQuantum,
      });
      await carol.messenger.contacts.add(await bob.messenger.contacts.ownCode());
      bus.log.length = 0;
      await carol.say(bob, 'first');
      await settle();
      const captured = bus.log.slice();
      expect(bob.texts.at(-1)).toBe(`direct carol-1 ${protection}: first`);
      for (let day = 0; day < 70; day++) {
        clock.advance(DAY);
        await settle();
      }
      await bob.messenger.devices.resetSession(carol.identity.publicKey);
      const before = { told: bob.events.decryptionFailed.length, texts: bob.texts.length };
      bus.log.length = 0;
      for (const [i, envelope] of captured.entries()) bus.replay(envelope, BigInt(i + 7));
      await settle();
      expect(bob.events.decryptionFailed).toHaveLength(before.told);
      expect(bob.texts).toHaveLength(before.texts);
      const toCarol = bus.opened(partitioned(carol.identity));
      expect(toCarol).toEqual([]);
      expect(alice.events.sessionReset).toEqual([]);
    }, 30_000);

    it('a true loss heals in one round trip: a damaged session, and a device that lost its store', async () => {
      const { alice, bob, settle } = await scene();
      await bob.messenger.close();
      const sessions: string[] = [];
      for await (const { key } of bob.store.list('session/')) sessions.push(key);
      await bob.store.commit(sessions.map((key) => ({ type: 'delete', key })));
      // Its prekey is older than an hour, so the loss is told with a new one.
      alice.clock.advance(2 * HOUR);
      await bob.restart();
      await alice.say(bob, 'unreadable');
      await settle();
      expect(alice.events.sessionReset).toHaveLength(1);
      await alice.say(bob, 'readable');
      await settle();
      expect(bob.texts.at(-1)).toBe(`direct alice-1 ${protection}: readable`);
      alice.clock.advance(MINUTE);
      await bob.say(alice, 'back');
      await settle();
      expect(alice.texts.at(-1)).toBe(`direct bob-1 ${protection}: back`);
    });
  });

  describe('public messages', () => {
    it('moved to another chat are another message there; the first one is not lost for it', async () => {
      const { alice, bob, bus, settle } = await scene();
      for (const chat of ['cats', 'dogs']) await bob.messenger.chats.join(chat);
      await alice.messenger.chats.join('cats');
      bus.cut(true);
      bus.log.length = 0;
      await alice.messenger.send({ kind: 'public', name: 'cats' }, bytesOf('I hate them'));
      await settle();
      const [plain] = bus.opened(publicTopic('cats'));
      const genuine = bus.log.slice();
      bus.cut(false);
      bus.reseal(publicTopic('dogs'), plain as Uint8Array);
      bus.reseal(partitioned(bob.identity), plain as Uint8Array);
      await settle();
      for (const [i, envelope] of genuine.entries()) bus.replay(envelope, BigInt(i + 7));
      await settle();
      const seen = bob.messages.filter(({ conversation }) => conversation.kind === 'public');
      expect(
        seen.map(({ conversation }) => (conversation.kind === 'public' ? conversation.name : '')),
      ).toEqual(['dogs', 'cats']);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(2);
    });

    it('of clients of early 2020 come without a ProtocolMessage around them', async () => {
      const { bob, bus, settle } = await scene();
      await bob.messenger.chats.join('status');
      const bare = loadVectors('status-application').cases.chains.flatMap(
        ({ toTransport }) => toTransport ?? [],
      );
      expect(bare.length).toBeGreaterThan(0);
      const signer = crypto.secp256k1.generateKeyPair();
      for (const message of bare) {
        for (let i = 0; i < 2; i++) bus.post(publicTopic('status'), signer, unhex(message));
        // To us alone it is no message at all.
        bus.post(partitioned(bob.identity), signer, unhex(message));
      }
      await settle();
      const seen = bob.messages.filter(({ conversation }) => conversation.kind === 'public');
      expect(seen.map(({ payload }) => encodeHex(payload))).toEqual(bare);
      expect(seen[0]).toMatchObject({
        sender: signer.publicKey,
        senderInstallation: '',
        protection: 'public',
        conversation: { kind: 'public', name: 'status' },
      });
    });

    it('come once, and not again when they are older than what is remembered, by live envelope or history', async () => {
      const { alice, bob, clock, bus, settle } = await scene();
      await bob.messenger.chats.join('cats');
      const carol = await newParty(undefined as never, 'carol-1', {
        clock,
        transport: bus.transport(),
        postQuantum,
      });
      bus.log.length = 0;
      await alice.messenger.send({ kind: 'public', name: 'cats' }, bytesOf('public words'));
      await carol.say(bob, 'without a session');
      await settle();
      const captured = bus.log.slice();
      const heard = bob.texts.length;
      expect(bob.texts.slice(-2).toSorted()).toEqual([
        'cats alice-1 public: public words',
        'direct carol-1 dh: without a session',
      ]);
      let nonce = 7n;
      for (let day = 0; day < 120; day += 10) {
        for (const envelope of captured) bus.replay(envelope, nonce++);
        await settle();
        for (let i = 0; i < 10; i++) {
          clock.advance(DAY);
          await settle();
        }
        await bob.restart();
        for (const envelope of captured) bus.replay(envelope, nonce++);
        await settle();
      }
      expect(bob.texts.slice(heard)).toEqual([]);
      let remembered = 0;
      for await (const _ of bob.store.list('seen/')) remembered++;
      expect(remembered).toBe(0);
    }, 60_000);
  });
});
