import { encodeHex, type SharedKey, type TransportMessage } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { describe, expect, it } from 'vitest';
import { createWakuTransport } from '../src/index.js';
import { ScriptedWaku } from './scripted-waku.js';

const crypto = defaultProvider();

/** A messenger over Waku, with a promise for each of its messages. */
async function person(waku: ScriptedWaku, segments: false | undefined) {
  const identity = crypto.secp256k1.generateKeyPair();
  const messenger = await createMessenger({
    identity,
    store: createMemoryStore(),
    transport: createWakuTransport(waku.lightNode(), { segments }),
    crypto,
  });
  const texts: string[] = [];
  const waiting = new Set<() => void>();
  messenger.on('message', async (message) => {
    texts.push(new TextDecoder().decode(message.payload));
    await message.acknowledge();
    for (const look of waiting) look();
  });
  await messenger.start();
  return {
    identity,
    messenger,
    hears: (text: string) =>
      new Promise<void>((resolve) => {
        const look = () => texts.includes(text) && resolve();
        waiting.add(look);
        look();
      }),
  };
}

describe.each([
  ['in segments', undefined],
  ['without segments', false],
] as const)('messengers over Waku, %s', (_, segments) => {
  it('seal what they write once both were heard', async () => {
    const waku = new ScriptedWaku();
    const [alice, bob] = [await person(waku, segments), await person(waku, segments)];
    const seen: TransportMessage[] = [];
    const spy = await createWakuTransport(waku.lightNode(), { segments }).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage: async (message) => void seen.push(message),
    });
    const secret = crypto.secp256k1.ecdh(alice.identity.privateKey, bob.identity.publicKey) as SharedKey;
    await spy.subscribe([{ kind: 'negotiated', secret }]);
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    const talk = async (from: typeof alice, to: typeof bob, text: string) => {
      await from.messenger.send(to.identity.publicKey, new TextEncoder().encode(text));
      await to.hears(text);
    };
    await talk(alice, bob, '1');
    await talk(bob, alice, '2');
    await talk(alice, bob, '3');
    await talk(alice, bob, '4'.repeat(200_000));
    const identities = [alice, bob].map(({ identity }) => encodeHex(identity.publicKey));
    const sealed = seen.filter(({ payload }) => payload[0] === 0 && payload[1] === 1);
    expect(sealed.length).toBeGreaterThanOrEqual(2);
    expect(seen.filter(({ sender }) => identities.includes(encodeHex(sender)))).toEqual([]);
    await spy.close();
    for (const { messenger } of [alice, bob]) await messenger.close();
  });
});
