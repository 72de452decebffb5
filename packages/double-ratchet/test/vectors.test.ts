import { encodeHex } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import { encodeHeader, messageKeyOf, nextChainKey, startInitiator, startResponder } from '../src/index.js';
import { openBody, sealMessage } from '../src/message-cipher.js';
import { stepRootKey } from '../src/root-key.js';
import { codeOf, crypto, listedRandom, Party, suiteNamed } from './party.js';

const NO_HEADER = new Uint8Array(0);

describe.each(['secp256k1', 'curve25519'] as const)('vectors of the deployed client, %s', (name) => {
  const { cases } = loadVectors(`double-ratchet-${name}`);

  it('has cases', () => {
    expect(cases.kdf.length).toBeGreaterThan(0);
    expect(cases.sessions.length).toBeGreaterThan(0);
  });

  it.each(cases.kdf.map((c, index) => [index, c] as const))('key derivation %i', (_, c) => {
    const root = stepRootKey(crypto, unhex(c.rootKey), unhex(c.dhOutput));
    expect(encodeHex(root.rootKey)).toBe(c.nextRootKey);
    expect(encodeHex(root.chainKey)).toBe(c.chainKey);
    expect(encodeHex(root.headerKey)).toBe(c.headerKey);

    const chainKey = unhex(c.kdfChainInput);
    expect(encodeHex(nextChainKey(crypto, chainKey))).toBe(c.nextChainKey);
    expect(encodeHex(messageKeyOf(crypto, chainKey))).toBe(c.derivedMessageKey);

    const messageKey = unhex(c.messageKey);
    const associatedData = unhex(c.associatedData);
    const plaintext = unhex(c.plaintext);
    const body = sealMessage(crypto, messageKey, plaintext, associatedData, NO_HEADER);
    expect(encodeHex(body)).toBe(c.ciphertext);
    expect(encodeHex(openBody(crypto, messageKey, body, associatedData, NO_HEADER))).toBe(c.plaintext);
  });

  it.each(cases.sessions.map((c, index) => [index, c] as const))(
    'session %i, step by step from both sides',
    (_, c) => {
      const drawing = (privates: readonly string[]) =>
        suiteNamed(name, createPortableProvider({ random: listedRandom(privates.map(unhex)) }));
      const aliceSuite = drawing(c.aliceGeneratedPrivates);
      const bobSuite = drawing(c.bobGeneratedPrivates);
      const sharedKey = unhex(c.sharedKey);
      const parties = {
        alice: new Party(aliceSuite, startInitiator(aliceSuite, sharedKey, unhex(c.bobRatchetPublic))),
        bob: new Party(
          bobSuite,
          startResponder(bobSuite, sharedKey, {
            publicKey: unhex(c.bobRatchetPublic),
            privateKey: unhex(c.bobRatchetPrivate),
          }),
        ),
      };
      for (const step of c.steps) {
        const expected = c.messages[step.message];
        if (expected === undefined) throw new Error('a step without its message');
        if (step.send !== undefined) {
          const message = parties[step.send].send(unhex(expected.plaintext));
          expect(step.send).toBe(expected.from);
          expect(encodeHex(message.header.key)).toBe(expected.dh);
          expect(message.header.n).toBe(expected.n);
          expect(message.header.pn).toBe(expected.pn);
          expect(encodeHex(encodeHeader(message.header))).toBe(expected.header);
          expect(encodeHex(message.body)).toBe(expected.ciphertext);
        } else if (step.receive !== undefined) {
          const receive = () =>
            (parties[step.receive as 'alice' | 'bob'] as Party).receive({
              header: { key: unhex(expected.dh), n: expected.n, pn: expected.pn },
              body: unhex(expected.ciphertext),
            });
          if (step.error) expect(codeOf(receive)).not.toBe('no error');
          else expect(encodeHex(receive())).toBe(expected.plaintext);
        } else {
          throw new Error('a step that neither sends nor receives');
        }
      }
    },
  );
});
