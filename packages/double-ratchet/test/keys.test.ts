import { createPortableProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import {
  decrypt,
  encodeHeader,
  encodeState,
  encrypt,
  type RatchetSuite,
  startInitiator,
  startResponder,
} from '../src/index.js';
import { openBody, ratchetReceiveKey, ratchetSendKey, sealMessage, skippedKeyFor } from '../src/keys.js';
import { bytesOf, codeOf, crypto, listedRandom, suiteNamed, textOf } from './party.js';

const NO_BYTES = new Uint8Array(0);

function start(suite: RatchetSuite) {
  const sharedKey = crypto.randomBytes(32);
  const bobPair = suite.generateKeyPair();
  return {
    alice: startInitiator(suite, sharedKey, bobPair.publicKey),
    bob: startResponder(suite, sharedKey, bobPair),
  };
}

describe.each(['secp256k1', 'curve25519'] as const)('keys without messages, %s', (name) => {
  const suite = suiteNamed(name);

  it('both sides come to the same message key, and to the states of encrypt and decrypt', () => {
    const { alice, bob } = start(suite);
    // Both draw the same, so that what they come to can be compared.
    const { privateKey } = suite.generateKeyPair();
    const drawing = () => suiteNamed(name, createPortableProvider({ random: listedRandom([privateKey]) }));

    const sent = ratchetSendKey(drawing(), alice);
    const whole = encrypt(drawing(), alice, bytesOf('hello'));
    expect(sent.header).toEqual(whole.message.header);
    expect(encodeState(sent.next)).toEqual(encodeState(whole.next));
    expect(
      sealMessage(crypto, sent.messageKey, bytesOf('hello'), NO_BYTES, encodeHeader(sent.header)),
    ).toEqual(whole.encoded);

    const received = ratchetReceiveKey(suite, bob, whole.message.header);
    const opened = decrypt(suite, bob, whole.message);
    expect(received.messageKey).toEqual(sent.messageKey);
    expect(encodeState(received.next)).toEqual(encodeState(opened.next));
    expect(received.keys).toEqual(opened.keys);
    const header = encodeHeader(whole.message.header);
    expect(textOf(openBody(crypto, received.messageKey, whole.message.body, NO_BYTES, header))).toBe('hello');
  });

  it('each DH ratchet step has a header key, the same on both sides, and messages within a chain have none', () => {
    let { alice, bob } = start(suite);
    const seen = new Set<string>();
    for (let round = 0; round < 3; round++) {
      for (let message = 0; message < 2; message++) {
        const sent = ratchetSendKey(suite, alice);
        const received = ratchetReceiveKey(suite, bob, sent.header);
        alice = sent.next;
        bob = received.next;
        expect(received.messageKey).toEqual(sent.messageKey);
        expect(received.headerKeys.receiving).toEqual(sent.headerKey);
        expect(received.headerKeys.sending).toBeUndefined();
        expect(sent.headerKey?.length).toBe(message === 0 ? 32 : undefined);
        if (sent.headerKey) seen.add(sent.headerKey.join());
      }
      [alice, bob] = [bob, alice];
    }
    expect(seen.size).toBe(3);
  });

  it('a turn that comes before ours is made reports both header keys, and still does not change the state given', () => {
    const { alice, bob } = start(suite);
    const first = ratchetSendKey(suite, alice);
    const afterFirst = ratchetReceiveKey(suite, bob, first.header).next;
    const before = encodeState(afterFirst);
    const impossible = { key: suite.generateKeyPair().publicKey, n: 0, pn: 1 };
    const { headerKeys, next } = ratchetReceiveKey(suite, afterFirst, impossible);
    expect([headerKeys.receiving?.length, headerKeys.sending?.length]).toEqual([32, 32]);
    expect(headerKeys.receiving).not.toEqual(headerKeys.sending);
    expect(encodeState(afterFirst)).toEqual(before);
    expect(encodeState(next)).not.toEqual(before);
  });

  it('the key of a message that was overtaken is handed out, and wanted back', () => {
    const { alice, bob } = start(suite);
    const first = ratchetSendKey(suite, alice);
    const second = ratchetSendKey(suite, first.next);
    const received = ratchetReceiveKey(suite, bob, second.header);
    expect(received.keys.stored).toEqual([{ key: first.header.key, n: 0, messageKey: first.messageKey }]);

    expect(skippedKeyFor(received.next, first.header)).toEqual({ key: first.header.key, n: 0 });
    expect(codeOf(() => ratchetReceiveKey(suite, received.next, first.header))).toBe('RATCHET_KEY_MISSING');
    const late = ratchetReceiveKey(suite, received.next, first.header, { skippedKey: first.messageKey });
    expect(late.messageKey).toEqual(first.messageKey);
    expect(late.keys).toEqual({ stored: [], deleted: [{ key: first.header.key, n: 0 }] });
    expect(late.headerKeys).toEqual({});
    expect(skippedKeyFor(late.next, first.header)).toBeUndefined();
    expect(codeOf(() => ratchetReceiveKey(suite, late.next, first.header))).toBe('RATCHET_DUPLICATE');
  });

  it('limits are those of decrypt', () => {
    const { bob, alice } = start(suite);
    const { header } = ratchetSendKey(suite, alice);
    const limits = { maxSkippedPerChain: 3, maxStoredKeys: 2, maxKeyAge: 3000 };
    const skip = (n: number) => ratchetReceiveKey(suite, bob, { ...header, n }, { limits });
    expect(codeOf(() => skip(4))).toBe('RATCHET_TOO_MANY_SKIPPED');
    expect(skip(3).keys.stored.map(({ n }) => n)).toEqual([1, 2]);
  });
});
