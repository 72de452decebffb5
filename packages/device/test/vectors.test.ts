import { encodeHex, type PublicKey } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { decodeBundle } from '@sotto/protocol-codec';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../src/index.js';

describe('protocol-session.json: transcripts of a deployed client', () => {
  const { cases } = loadVectors('protocol-session');

  it.each(cases.map((c) => [c.name, c] as const))('%s, in order, in reverse and shuffled', async (_, c) => {
    const orders = [
      c.messages,
      c.messages.toReversed(),
      c.messages.toSorted((a, b) => (a.protobuf.slice(-40) < b.protobuf.slice(-40) ? -1 : 1)),
    ];
    for (const messages of orders) {
      const bundle = decodeBundle(unhex(c.bob.bundle));
      const privates = c.bob.signedPreKeys.map((preKey) => unhex(preKey.private));
      const crypto = createPortableProvider({ random: () => privates.shift() as Uint8Array });
      const bob = await openDevice({
        identity: crypto.secp256k1.keyPairFromPrivateKey(unhex(c.bob.identityPrivate)),
        installationId: c.bob.installationId,
        store: createMemoryStore(),
        crypto,
        clock: manualClock(Number(bundle.timestamp / 1_000_000n)),
      });
      const own = await bob.transaction((tx) => bob.bundle(tx));
      expect(own.signedPreKeys).toEqual(bundle.signedPreKeys);
      for (const message of messages) {
        const outcome = await bob.transaction((tx) =>
          bob.decrypt(tx, unhex(c.alice.identity) as PublicKey, unhex(message.protobuf)),
        );
        if (outcome.kind !== 'message') throw new Error(outcome.kind);
        expect(encodeHex(outcome.payload)).toBe(message.payload);
        expect(outcome.senderInstallation).toBe(c.alice.installationId);
        if (message.kind !== 'direct') expect(outcome.protection).toBe(message.kind);
      }
      const known = await bob.transaction((tx) => bob.devices(tx, unhex(c.alice.identity) as PublicKey));
      expect(known.map(({ installationId }) => installationId)).toEqual([c.alice.installationId]);
    }
  });
});
