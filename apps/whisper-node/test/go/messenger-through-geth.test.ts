import { encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type Messenger, type ReceivedMessage } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { Geth } from '@sotto/testing/geth';
import type {} from '@sotto/testing/geth/setup';
import { createDevp2pCarrier } from '@sotto/whisper-devp2p';
import { createRpcTransport } from '@sotto/whisper-rpc';
import { createSealedTransport } from '@sotto/whisper-transport';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';

const crypto = defaultProvider();
const program = inject('geth');
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe.skipIf(program === undefined).each(['ws', 'http', 'devp2p'] as const)(
  'two messengers through a go-ethereum node by %s',
  (way) => {
    let geth: Geth;
    const open: Messenger[] = [];

    beforeAll(async () => {
      geth = await Geth.start(program as string, { peers: way === 'devp2p' });
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((messenger) => messenger.close()));
    });
    afterAll(() => geth?.close());

    async function transport() {
      const backOff = { most: 500 };
      return way === 'devp2p'
        ? createSealedTransport(createDevp2pCarrier({ peers: [await geth.enode()], crypto, backOff }), {
            crypto,
          })
        : createRpcTransport({ url: geth.url(way), crypto, pollInterval: 100, backOff });
    }

    async function person() {
      const identity = crypto.secp256k1.generateKeyPair();
      const messenger = await createMessenger({
        identity,
        store: createMemoryStore(),
        transport: await transport(),
        crypto,
      });
      open.push(messenger);
      const received: ReceivedMessage[] = [];
      let arrived = () => {};
      messenger.on('message', async (message) => {
        received.push(message);
        await message.acknowledge();
        arrived();
      });
      await messenger.start();
      return {
        identity,
        messenger,
        received,
        texts: () => received.map(({ payload, protection }) => `${protection}: ${textOf(payload)}`),
        count: (most: number) =>
          new Promise<void>((resolve) => {
            arrived = () => {
              if (received.length >= most) resolve();
            };
            arrived();
          }),
      };
    }

    it('contact code, first message, answers, public chat', async () => {
      const [alice, bob] = [await person(), await person()];
      const contact = await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
      expect(encodeHex(contact.identity)).toBe(encodeHex(bob.identity.publicKey));

      await alice.messenger.send(contact.identity, bytesOf('first'));
      await bob.count(1);
      expect(encodeHex(bob.received[0]?.sender ?? new Uint8Array())).toBe(
        encodeHex(alice.identity.publicKey),
      );
      await bob.messenger.send(alice.identity.publicKey, bytesOf('answer'));
      await alice.count(1);
      await alice.messenger.send(contact.identity, bytesOf('and again'));
      await bob.count(2);
      expect(bob.texts()).toEqual(['pq: first', 'pq: and again']);
      expect(alice.texts()).toEqual(['pq: answer']);

      await alice.messenger.chats.join('whisper-for-real');
      await bob.messenger.chats.join('whisper-for-real');
      await alice.messenger.send({ kind: 'public', name: 'whisper-for-real' }, bytesOf('hello all'));
      await bob.count(3);
      expect(bob.texts()[2]).toBe('public: hello all');
      await bob.messenger.send({ kind: 'public', name: 'whisper-for-real' }, bytesOf('hello Alice'));
      await alice.count(2);
      expect(alice.texts()[1]).toBe('public: hello Alice');
    });

    it('closes although the node is away and messages wait for it', async () => {
      const [alice, bob] = [await person(), await person()];
      await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
      const lost = new Promise<void>((resolve) => {
        alice.messenger.on('status', async (status) => {
          if (status === 'reconnecting') resolve();
        });
      });
      await geth.kill();
      await lost;
      await alice.messenger.send(bob.identity.publicKey, bytesOf('later'));
      await alice.messenger.chats.join('joined-while-away');
      await alice.messenger.close();
      expect(alice.received).toEqual([]);
      await geth.start();
    });

    it('the node restarts between two messages', async () => {
      const [alice, bob] = [await person(), await person()];
      const contact = await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
      await alice.messenger.send(contact.identity, bytesOf('before'));
      await bob.count(1);
      const back = Promise.all(
        [alice, bob].map(
          ({ messenger }) =>
            new Promise<void>((resolve) => {
              messenger.on('status', async (status) => {
                if (status === 'connected') resolve();
              });
            }),
        ),
      );
      await geth.kill();
      await geth.start();
      await back;
      await bob.messenger.send(alice.identity.publicKey, bytesOf('after'));
      await alice.count(1);
      await alice.messenger.send(contact.identity, bytesOf('and on'));
      await bob.count(2);
      expect(alice.texts()).toEqual(['pq: after']);
      expect(bob.texts()).toEqual(['pq: before', 'pq: and on']);
    });
  },
);
