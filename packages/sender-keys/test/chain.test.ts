import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  countSkipped,
  decodeMemberChain,
  decodeMessage,
  decodeOwnChain,
  decodeSenderKey,
  encodeMemberChain,
  encodeMessage,
  encodeOwnChain,
  encodeSenderKey,
  encrypt,
  isSigned,
  listSkipped,
  MAX_INDEX,
  MESSAGE_OVERHEAD,
  MemberChain,
  OwnChain,
  resumeMemberChain,
  SenderKey,
  senderKeyOf,
  startMemberChain,
} from '../src/index.js';
import { bytesOf, CONTEXT, codeOf, crypto, Listener, Speaker } from './party.js';

describe('a chain', () => {
  it('is read by everybody who was given it, in any order', () => {
    const alice = new Speaker();
    const listeners = [new Listener(alice.key()), new Listener(alice.key())];
    const sent = ['one', 'two', 'three', 'four'].map((text) => alice.say(text));
    for (const [at, order] of [
      [0, [0, 1, 2, 3]],
      [1, [3, 0, 2, 1]],
    ] as const) {
      const heard = order.map((i) => listeners[at]?.hear(sent[i] as Uint8Array));
      expect(heard.toSorted()).toEqual(['four', 'one', 'three', 'two']);
      expect(listeners[at]?.keys.size).toBe(0);
      expect(countSkipped((listeners[at] as Listener).state.skipped)).toBe(0);
    }
  });

  it('is read from the number on that it was given at, however late that is', () => {
    const alice = new Speaker();
    const [zero, one] = [alice.say('zero'), alice.say('one')];
    const now = new Listener(alice.key());
    const two = alice.say('two');
    const asked = new Listener(alice.key(1));
    expect(now.hear(two)).toBe('two');
    expect(codeOf(() => now.hear(one))).toBe('RATCHET_DUPLICATE');
    expect([two, one].map((each) => asked.hear(each))).toEqual(['two', 'one']);
    expect(codeOf(() => asked.hear(zero))).toBe('RATCHET_DUPLICATE');
    expect(asked.state.first).toBe(1);
  });

  it('goes on where another device has stopped: what that has read is a repetition, what it lacks is read', () => {
    const alice = new Speaker();
    const key = alice.key();
    const sent = ['zero', 'one', 'two', 'three', 'four', 'five'].map((text) => alice.say(text));
    const first = new Listener(key);
    for (const number of [0, 2, 4]) first.hear(sent[number] as Uint8Array);
    const { next, stored } = resumeMemberChain(crypto, key, first.state);
    expect(stored.map(({ index }) => index)).toEqual([1, 3]);
    const second = new Listener(key);
    second.state = decodeMemberChain(encodeMemberChain(next));
    for (const one of stored) second.keys.set(one.index, one.messageKey);
    expect([3, 5, 1].map((number) => second.hear(sent[number] as Uint8Array))).toEqual([
      'three',
      'five',
      'one',
    ]);
    for (const message of sent) expect(codeOf(() => second.hear(message))).toBe('RATCHET_DUPLICATE');
  });

  it('begins anew where it was given from later on, or from so early that nobody would pass over that', () => {
    const alice = new Speaker();
    const read = startMemberChain(crypto, alice.key());
    for (let i = 0; i < 1001; i++) alice.say('');
    for (const [from, index, resumed] of [
      [5, 5, 5],
      [5, 4, 5],
      [0, 1000, 1000],
      [0, 1001, 0],
    ] as const) {
      const { next, stored } = resumeMemberChain(crypto, alice.key(from), { ...read, index });
      expect([next.first, next.index, stored.length]).toEqual([from, resumed, 0]);
      expect(next.chainKey).toEqual(alice.key(resumed).chainKey);
    }
  });

  it('shows by its messages for which group, sender and device they are, also to whoever lacks it', () => {
    const message = decodeMessage(new Speaker().say('hello'));
    expect(isSigned(crypto, CONTEXT, message)).toBe(true);
    for (const other of [
      { groupId: new Uint8Array(32) },
      { sender: crypto.secp256k1.generateKeyPair().publicKey },
      { installationId: 'alice-2' },
    ]) {
      expect(isSigned(crypto, { ...CONTEXT, ...other }, message)).toBe(false);
    }
    for (const change of [
      { index: 1 },
      { chain: new Speaker().state.chain },
      { chain: new Uint8Array(33).fill(255) },
      { signature: new Uint8Array(65).fill(255, 0, 64) },
    ]) {
      expect(isSigned(crypto, CONTEXT, { ...message, ...change })).toBe(false);
    }
    expect(codeOf(() => isSigned(crypto, { ...CONTEXT, groupId: new Uint8Array(1) }, message))).toBe(
      'INVALID_LENGTH',
    );
  });

  it('is given at numbers that it has reached', () => {
    const alice = new Speaker();
    alice.say('zero');
    for (const index of [-1, 2, 0.5, Number.NaN]) {
      expect(codeOf(() => alice.key(index))).toBe('INVALID_ARGUMENT');
    }
    expect(alice.key(0).index).toBe(0);
    expect(alice.key().index).toBe(1);
  });

  it('reads no message twice, and each once', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key());
    const [zero, one] = [alice.say('zero'), alice.say('one')];
    bob.hear(one);
    expect(codeOf(() => bob.hear(one))).toBe('RATCHET_DUPLICATE');
    bob.hear(zero);
    expect(codeOf(() => bob.hear(zero))).toBe('RATCHET_DUPLICATE');
  });

  it('encrypts a text that is sent twice to different bytes', () => {
    const alice = new Speaker();
    const before = alice.state;
    const first = decodeMessage(alice.say('again'));
    const second = decodeMessage(alice.say('again'));
    expect(second.sealed).not.toEqual(first.sealed);
    // From an old copy of a store: the key again, under another nonce.
    const third = decodeMessage(encrypt(crypto, before, CONTEXT, bytesOf('again')).encoded);
    expect(third.index).toBe(first.index);
    expect(third.sealed.subarray(0, 12)).not.toEqual(first.sealed.subarray(0, 12));
  });

  it('adds no more bytes than it says', () => {
    const alice = new Speaker();
    alice.state = new OwnChain({ ...alice.state, index: MAX_INDEX });
    for (const length of [0, 1, 127, 128, 70_000]) {
      expect(alice.say('x'.repeat(length)).length - length).toBeLessThanOrEqual(MESSAGE_OVERHEAD);
      alice.state = new OwnChain({ ...alice.state, index: MAX_INDEX });
    }
  });

  it('ends with its last number', () => {
    const alice = new Speaker();
    alice.state = new OwnChain({ ...alice.state, index: MAX_INDEX });
    expect(decodeMessage(alice.say('last')).index).toBe(MAX_INDEX);
    expect(codeOf(() => alice.say('one more'))).toBe('RATCHET_EXHAUSTED');
    expect(decodeOwnChain(encodeOwnChain(alice.state)).index).toBe(MAX_INDEX + 1);
  });

  it('does not show its secrets when it is printed', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key());
    for (const secret of [alice.state, alice.key(), bob.state]) {
      expect(inspect(secret) + JSON.stringify(secret) + String(secret)).not.toMatch(
        /chainKey|privateKey|\d{3}/,
      );
    }
  });

  it('borrows what it is given', () => {
    const alice = new Speaker();
    const key = alice.key();
    const bob = new Listener(key);
    key.chainKey.fill(0);
    expect(codeOf(() => bob.hear(alice.say('hello')))).toBe('no error');
  });
});

describe('limits', () => {
  const limits = { maxSkipped: 5, maxStoredKeys: 7 };

  it('messages that are left out', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key(), CONTEXT, limits);
    for (let i = 0; i < 5; i++) alice.say(`${i}`);
    const five = alice.say('five');
    const six = alice.say('six');
    const { state } = bob;
    expect(codeOf(() => bob.hear(six))).toBe('RATCHET_TOO_MANY_SKIPPED');
    expect(bob.state).toBe(state);
    expect(bob.hear(five)).toBe('five');
    expect([...bob.keys.keys()]).toEqual([0, 1, 2, 3, 4]);
    expect(bob.hear(six)).toBe('six');
  });

  it('kept keys: the oldest go', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key(), CONTEXT, limits);
    const sent = Array.from({ length: 12 }, (_, i) => alice.say(`${i}`));
    bob.hear(sent[5] as Uint8Array);
    bob.hear(sent[11] as Uint8Array);
    expect([...bob.keys.keys()]).toEqual([3, 4, 6, 7, 8, 9, 10]);
    expect([...listSkipped(bob.state.skipped)]).toEqual([3, 4, 6, 7, 8, 9, 10]);
    expect(codeOf(() => bob.hear(sent[2] as Uint8Array))).toBe('RATCHET_DUPLICATE');
    expect(bob.hear(sent[8] as Uint8Array)).toBe('8');
    expect([...listSkipped(bob.state.skipped)]).toEqual([3, 4, 6, 7, 9, 10]);
  });

  it('one message that leaves out more than are kept', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key(), CONTEXT, { maxSkipped: 10, maxStoredKeys: 2 });
    for (let i = 0; i < 6; i++) alice.say(`${i}`);
    bob.hear(alice.say('six'));
    expect([...bob.keys.keys()]).toEqual([4, 5]);
    expect([...listSkipped(bob.state.skipped)]).toEqual([4, 5]);
  });
});

describe('hostile input', () => {
  it('a member who knows the chain key cannot write in the name of its sender', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key());
    const { chain, chainKey, index } = alice.key();
    const { privateKey } = crypto.secp256k1.generateKeyPair();
    const forger = new OwnChain({ chain, privateKey, firstKey: chainKey, chainKey, index });
    const { state } = bob;
    const { encoded } = encrypt(crypto, forger, CONTEXT, bytesOf('I owe Mallory'));
    expect(codeOf(() => bob.hear(encoded))).toBe('INVALID_SIGNATURE');
    expect(bob.state).toBe(state);
    expect(bob.hear(alice.say('hello'))).toBe('hello');
  });

  it('a sender who gives members different keys is read by none of those whom they deceive', () => {
    const alice = new Speaker();
    const other = new SenderKey({ ...alice.key(), chainKey: new Uint8Array(32).fill(9) });
    const bob = new Listener(other);
    const { state } = bob;
    expect(codeOf(() => bob.hear(alice.say('hello')))).toBe('AUTHENTICATION_FAILED');
    expect(bob.state).toBe(state);
  });

  it.each([
    ['group', { ...CONTEXT, groupId: new Uint8Array(32).fill(8) }],
    ['sender', { ...CONTEXT, sender: crypto.secp256k1.generateKeyPair().publicKey }],
    ['device', { ...CONTEXT, installationId: 'alice-2' }],
  ])('a message of another %s', (_, context) => {
    const alice = new Speaker();
    const bob = new Listener(alice.key(), context);
    expect(codeOf(() => bob.hear(alice.say('hello')))).toBe('INVALID_SIGNATURE');
  });

  it('each part that is changed, and what is sealed is changed although signed', () => {
    const alice = new Speaker();
    const message = decodeMessage(alice.say('hello'));
    const bob = new Listener(alice.key(0));
    const { state } = bob;
    for (const changed of [
      { ...message, chain: new Speaker().state.chain },
      { ...message, index: 1 },
      { ...message, sealed: message.sealed.map((byte, at) => (at === 14 ? byte ^ 1 : byte)) },
      { ...message, signature: message.signature.map((byte, at) => (at === 3 ? byte ^ 1 : byte)) },
    ]) {
      expect(codeOf(() => bob.hear(encodeMessage(changed)))).toBe('INVALID_SIGNATURE');
      expect(bob.state).toBe(state);
    }
    expect(bob.hear(encodeMessage(message))).toBe('hello');
  });

  it('a signature over more of another message does not make it this one', () => {
    // The device's name is the last of what is authenticated, and what is sealed follows it.
    const alice = new Speaker({ ...CONTEXT, installationId: 'alice-1' });
    const message = decodeMessage(alice.say('hello'));
    const shifted = { ...message, sealed: Uint8Array.of(...bytesOf('-1'), ...message.sealed) };
    const bob = new Listener(alice.key(0), { ...CONTEXT, installationId: 'alice' });
    expect(codeOf(() => bob.hear(encodeMessage(shifted)))).toBe('INVALID_SIGNATURE');
  });

  it('a kept key that is not passed, or of the wrong length', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key());
    const zero = alice.say('zero');
    bob.hear(alice.say('one'));
    const kept = bob.keys.get(0) as Uint8Array;
    bob.keys.clear();
    expect(codeOf(() => bob.hear(zero))).toBe('RATCHET_KEY_MISSING');
    bob.keys.set(0, kept.subarray(1));
    expect(codeOf(() => bob.hear(zero))).toBe('INVALID_LENGTH');
    bob.keys.set(0, kept);
    expect(bob.hear(zero)).toBe('zero');
  });

  it('bytes that are no message', () => {
    const message = decodeMessage(new Speaker().say('hello'));
    const bad = [
      new Uint8Array(0),
      Uint8Array.of(0xff, 1, 2),
      encodeMessage({ ...message, chain: message.chain.subarray(1) }),
      encodeMessage({ ...message, index: MAX_INDEX + 1 }),
      encodeMessage({ ...message, sealed: new Uint8Array(27) }),
      encodeMessage({ ...message, signature: message.signature.subarray(1) }),
      encodeMessage({
        ...message,
        signature: message.signature.map((byte, at) => (at === 64 ? byte + 27 : byte)),
      }),
      // A field twice, and one that nobody knows.
      Uint8Array.of(...encodeMessage(message), ...encodeMessage(message)),
      Uint8Array.of(...encodeMessage(message), 0x78, 1),
    ];
    for (const bytes of bad) expect(codeOf(() => decodeMessage(bytes))).toBe('MALFORMED_MESSAGE');
    expect(decodeMessage(encodeMessage({ ...message, sealed: new Uint8Array(28) })).sealed).toHaveLength(28);
  });

  it('bytes that are no sender key', () => {
    const key = new Speaker().key();
    expect(decodeSenderKey(encodeSenderKey(key))).toEqual(key);
    const bad = [
      new Uint8Array(0),
      Uint8Array.of(0xff, 1, 2),
      encodeSenderKey({ ...key, chain: key.chain.subarray(1) }),
      encodeSenderKey({ ...key, index: MAX_INDEX + 1 }),
      encodeSenderKey({ ...key, chainKey: key.chainKey.subarray(1) }),
      Uint8Array.of(...encodeSenderKey(key), ...encodeSenderKey(key)),
    ];
    for (const bytes of bad) expect(codeOf(() => decodeSenderKey(bytes))).toBe('MALFORMED_MESSAGE');
  });

  it('a sender key that nobody could use', () => {
    const key = new Speaker().key();
    const start = (change: object) => codeOf(() => startMemberChain(crypto, { ...key, ...change }));
    expect(start({ chain: new Uint8Array(33).fill(2, 0, 1).fill(0xff, 1) })).toBe('INVALID_PUBLIC_KEY');
    expect(start({ chain: crypto.secp256k1.uncompressPublicKey(key.chain) })).toBe('INVALID_LENGTH');
    expect(start({ chainKey: new Uint8Array(31) })).toBe('INVALID_LENGTH');
    for (const index of [-1, 0.5, MAX_INDEX + 1]) expect(start({ index })).toBe('INVALID_ARGUMENT');
    expect(start({ index: MAX_INDEX })).toBe('no error');
  });

  it('a context of the wrong lengths', () => {
    const { state } = new Speaker();
    for (const change of [{ groupId: new Uint8Array(31) }, { sender: new Uint8Array(65) }]) {
      const context = { ...CONTEXT, ...change };
      expect(codeOf(() => encrypt(crypto, state, context, bytesOf('x')))).toBe('INVALID_LENGTH');
    }
  });
});

describe('states as bytes', () => {
  it('are the same when they are read again', () => {
    const alice = new Speaker();
    const bob = new Listener(alice.key());
    for (let i = 0; i < 3; i++) alice.say(`${i}`);
    bob.hear(alice.say('three'));
    expect(decodeOwnChain(encodeOwnChain(alice.state))).toEqual(alice.state);
    expect(decodeMemberChain(encodeMemberChain(bob.state))).toEqual(bob.state);
    expect(senderKeyOf(crypto, decodeOwnChain(encodeOwnChain(alice.state)), 2)).toEqual(alice.key(2));
  });

  it('are refused when they are damaged', () => {
    const alice = new Speaker();
    const { state: bob } = new Listener(alice.key());
    const own = (change: object) =>
      codeOf(() => decodeOwnChain(encodeOwnChain(new OwnChain({ ...alice.state, ...change }))));
    const member = (change: object) =>
      codeOf(() => decodeMemberChain(encodeMemberChain(new MemberChain({ ...bob, ...change }))));
    const short = new Uint8Array(31);
    for (const name of ['chain', 'privateKey', 'firstKey', 'chainKey']) {
      expect(own({ [name]: short })).toBe('STATE_CORRUPT');
    }
    for (const name of ['chain', 'chainKey']) expect(member({ [name]: short })).toBe('STATE_CORRUPT');
    expect(member({ first: 1 })).toBe('STATE_CORRUPT');
    const run = (first: number, count: number) => ({ first, count });
    for (const skipped of [
      [run(2, 0)],
      [run(0, 1)],
      [run(8, 3)],
      [run(4, 2), run(5, 1)],
      [run(5, 1), run(3, 1)],
    ]) {
      expect(member({ first: 1, index: 10, skipped })).toBe('STATE_CORRUPT');
    }
    expect(member({ first: 1, index: 10, skipped: [run(1, 2), run(3, 1), run(9, 1)] })).toBe('no error');
    expect(codeOf(() => decodeOwnChain(Uint8Array.of(0xff)))).toBe('STATE_CORRUPT');
    expect(codeOf(() => decodeMemberChain(Uint8Array.of(0xff)))).toBe('STATE_CORRUPT');
  });
});
