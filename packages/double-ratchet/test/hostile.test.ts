import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  countSkippedKeys,
  decrypt,
  encodeState,
  encrypt,
  listSkippedKeys,
  MAX_COUNTER,
  type RatchetMessage,
  RatchetState,
  type SkippedKeyId,
  skippedKeyFor,
  startInitiator,
  startResponder,
  withoutSkippedKeys,
} from '../src/index.js';
import { bytesOf, codeOf, crypto, Party, pair, suiteNamed, textOf } from './party.js';

/** Offers a message that must be refused, and checks that nothing changed. */
function refuse(party: Party, message: RatchetMessage): string {
  const before = { state: encodeState(party.state), keys: new Map(party.keys) };
  const code = codeOf(() => party.receive(message));
  expect(encodeState(party.state)).toEqual(before.state);
  expect(party.keys).toEqual(before.keys);
  return code;
}

const withHeader = (message: RatchetMessage, header: Partial<RatchetMessage['header']>): RatchetMessage => ({
  ...message,
  header: { ...message.header, ...header },
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
}

/** Each order of a handful of things. */
function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length < 2) yield [...items];
  else {
    for (const [index, item] of items.entries()) {
      for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest];
    }
  }
}

describe.each(['secp256k1', 'curve25519'] as const)('hostile cases: ratchet, %s', (name) => {
  it.each([0, 31, 47])('a payload of %i bytes is refused', (length) => {
    const { alice, bob } = pair(name);
    const message = alice.send(bytesOf('x'));
    expect(refuse(bob, { ...message, body: new Uint8Array(length) })).toBe('RATCHET_MALFORMED');
  });

  it('a payload of 48 bytes opens to an empty plaintext', () => {
    const { alice, bob } = pair(name);
    const message = alice.send(new Uint8Array(0));
    expect(message.body.length).toBe(48);
    expect(bob.receive(message)).toEqual(new Uint8Array(0));
  });

  it('each single bit of iv, ciphertext and MAC flipped is refused', () => {
    const { alice, bob } = pair(name);
    bob.receive(alice.send(bytesOf('first')));
    const message = alice.send(bytesOf('ok'));
    for (let bit = 0; bit < message.body.length * 8; bit++) {
      expect(refuse(bob, { ...message, body: flipped(message.body, bit) })).toBe('AUTHENTICATION_FAILED');
    }
    expect(textOf(bob.receive(message))).toBe('ok');
  });

  it('each single bit of the header flipped is refused', () => {
    const { alice, bob } = pair(name);
    bob.receive(alice.send(bytesOf('first')));
    const message = alice.send(bytesOf('ok'));
    for (let bit = 0; bit < message.header.key.length * 8; bit++) {
      expect(refuse(bob, withHeader(message, { key: flipped(message.header.key, bit) }))).toMatch(
        /AUTHENTICATION_FAILED|INVALID_PUBLIC_KEY|RATCHET_MALFORMED/,
      );
    }
    for (let bit = 0; bit < 32; bit++) {
      const mask = 2 ** bit;
      const n = (message.header.n ^ mask) >>> 0;
      const pn = (message.header.pn ^ mask) >>> 0;
      expect(refuse(bob, withHeader(message, { n }))).toMatch(
        /AUTHENTICATION_FAILED|RATCHET_TOO_MANY_SKIPPED|RATCHET_DUPLICATE/,
      );
      expect(refuse(bob, withHeader(message, { pn }))).toBe('AUTHENTICATION_FAILED');
    }
    expect(textOf(bob.receive(message))).toBe('ok');
  });

  it('other associated data is refused', () => {
    const { alice, bob } = pair(name);
    const message = alice.send(bytesOf('bound'), bytesOf('alice to bob'));
    expect(refuse(bob, message)).toBe('AUTHENTICATION_FAILED');
    expect(textOf(bob.receive(message, bytesOf('alice to bob')))).toBe('bound');
  });

  it('n skipping 1000 opens, 1001 is refused', () => {
    const { alice, bob } = pair(name);
    const messages = Array.from({ length: 1002 }, (_, i) => alice.send(bytesOf(`${i}`)));
    expect(refuse(bob, messages[1001] as RatchetMessage)).toBe('RATCHET_TOO_MANY_SKIPPED');
    expect(textOf(bob.receive(messages[1000] as RatchetMessage))).toBe('1000');
    expect(bob.keys.size).toBe(1000);
    expect(textOf(bob.receive(messages[1001] as RatchetMessage))).toBe('1001');
  });

  it('pn skipping 1000 opens, 1001 is refused', () => {
    const build = (count: number) => {
      const { alice, bob } = pair(name);
      bob.receive(alice.send(bytesOf('hello')));
      const lost = Array.from({ length: count }, () => alice.send(bytesOf('lost')));
      alice.receive(bob.send(bytesOf('turn')));
      return { bob, lost, next: alice.send(bytesOf('next chain')) };
    };
    const ok = build(1000);
    expect(ok.next.header.pn).toBe(1001);
    expect(textOf(ok.bob.receive(ok.next))).toBe('next chain');
    expect(ok.bob.keys.size).toBe(1000);
    expect(textOf(ok.bob.receive(ok.lost[999] as RatchetMessage))).toBe('lost');
    const tooMany = build(1001);
    expect(refuse(tooMany.bob, tooMany.next)).toBe('RATCHET_TOO_MANY_SKIPPED');
  });

  it('n = 2^32 - 1 is refused without deriving anything', () => {
    const { alice, bob } = pair(name);
    const message = alice.send(bytesOf('x'));
    const derivations = { count: 0 };
    const counting = new Party(
      {
        ...bob.suite,
        crypto: {
          ...crypto,
          hmacSha256: (...input) => {
            derivations.count++;
            return crypto.hmacSha256(...input);
          },
        },
        dh: (...input) => {
          derivations.count++;
          return bob.suite.dh(...input);
        },
      },
      bob.state,
    );
    expect(refuse(counting, withHeader(message, { n: 0xffff_ffff }))).toBe('RATCHET_MALFORMED');
    expect(refuse(counting, withHeader(message, { n: 0xffff_fffe }))).toBe('RATCHET_TOO_MANY_SKIPPED');
    expect(refuse(counting, withHeader(message, { pn: 0xffff_ffff }))).toBe('RATCHET_MALFORMED');
    expect(refuse(counting, withHeader(message, { n: -1 }))).toBe('RATCHET_MALFORMED');
    expect(refuse(counting, withHeader(message, { n: 0.5 }))).toBe('RATCHET_MALFORMED');
    expect(derivations.count).toBe(0);
  });

  it('a replay is a duplicate, before and after a restart', () => {
    const { alice, bob } = pair(name);
    const [first, second, third] = ['1', '2', '3'].map((text) => alice.send(bytesOf(text)));
    bob.receive(first as RatchetMessage);
    bob.receive(third as RatchetMessage);
    bob.receive(second as RatchetMessage);
    for (const message of [first, second, third]) {
      expect(refuse(bob, message as RatchetMessage)).toBe('RATCHET_DUPLICATE');
    }
  });

  it('a replay from two chains ago is refused', () => {
    const { alice, bob } = pair(name);
    const old = alice.send(bytesOf('old'));
    bob.receive(old);
    for (let turn = 0; turn < 2; turn++) {
      alice.receive(bob.send(bytesOf('ping')));
      bob.receive(alice.send(bytesOf('pong')));
    }
    expect(refuse(bob, old)).toMatch(/AUTHENTICATION_FAILED|RATCHET_MALFORMED/);
  });

  it('a message of two chains ago opens', () => {
    const { alice, bob } = pair(name);
    bob.receive(alice.send(bytesOf('hello')));
    const late = alice.send(bytesOf('late'));
    for (let turn = 0; turn < 3; turn++) {
      alice.receive(bob.send(bytesOf('ping')));
      bob.receive(alice.send(bytesOf('pong')));
    }
    expect(textOf(bob.receive(late))).toBe('late');
    expect(refuse(bob, late)).not.toBe('no error');
    expect(bob.keys.size).toBe(0);
  });

  it('999 lost, the last opens', () => {
    const { alice, bob } = pair(name);
    const messages = Array.from({ length: 1000 }, (_, i) => alice.send(bytesOf(`${i}`)));
    expect(textOf(bob.receive(messages[999] as RatchetMessage))).toBe('999');
  });

  it('any order of five messages over two chains opens each once', () => {
    for (const order of permutations([0, 1, 2, 3, 4])) {
      const { alice, bob } = pair(name);
      bob.receive(alice.send(bytesOf('hello')));
      const sent = [alice.send(bytesOf('0')), alice.send(bytesOf('1'))];
      alice.receive(bob.send(bytesOf('turn')));
      sent.push(alice.send(bytesOf('2')), alice.send(bytesOf('3')), alice.send(bytesOf('4')));
      const read = order.map((index) => textOf(bob.receive(sent[index] as RatchetMessage)));
      expect(read).toEqual(order.map(String));
      expect(bob.keys.size).toBe(0);
      expect(bob.state.skipped).toEqual([]);
    }
  }, 60_000);

  it('a random permutation of 1,000 messages opens each once', () => {
    const { alice, bob } = pair(name);
    const sent = Array.from({ length: 1000 }, (_, i) => alice.send(bytesOf(`${i}`)));
    const order = sent
      .map((message, i) => ({ message, i, rank: crypto.randomBytes(6).join() }))
      .toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
    for (const { message, i } of order) expect(textOf(bob.receive(message))).toBe(`${i}`);
    expect(bob.keys.size).toBe(0);
    expect(bob.state.skipped).toEqual([]);
    for (const { message } of order.slice(0, 20)) expect(refuse(bob, message)).toBe('RATCHET_DUPLICATE');
  });

  it('a ratchet key off the curve, or of the wrong length, is refused', () => {
    const { alice, bob } = pair(name);
    const message = alice.send(bytesOf('x'));
    const badPoint = name === 'secp256k1' ? Uint8Array.of(2, ...new Uint8Array(31), 5) : new Uint8Array(32);
    expect(refuse(bob, withHeader(message, { key: badPoint }))).toBe('INVALID_PUBLIC_KEY');
    expect(refuse(bob, withHeader(message, { key: message.header.key.slice(1) }))).toBe('RATCHET_MALFORMED');
  });

  it('an impossible pn is refused', () => {
    const { alice, bob } = pair(name);
    expect(refuse(bob, withHeader(alice.send(bytesOf('x')), { pn: 1 }))).toBe('RATCHET_MALFORMED');
    bob.receive(alice.send(bytesOf('y')));
    alice.receive(bob.send(bytesOf('turn')));
    expect(refuse(bob, withHeader(alice.send(bytesOf('z')), { pn: 1 }))).toBe('RATCHET_MALFORMED');
  });
});

describe('hostile cases: two wire generations', () => {
  it('a 32-byte ratchet key in the secp256k1 suite is refused with an error that says so', () => {
    const { alice, bob } = pair('secp256k1');
    const message = withHeader(alice.send(bytesOf('x')), { key: new Uint8Array(32) });
    expect(() => bob.receive(message)).toThrow(/before October 2019/);
    const short = withHeader(message, { key: new Uint8Array(31) });
    expect(() => bob.receive(short)).toThrow(/must have 33 bytes/);
    const other = pair('curve25519');
    const long = withHeader(other.alice.send(bytesOf('x')), { key: new Uint8Array(33) });
    expect(() => other.bob.receive(long)).toThrow(/must have 32 bytes/);
  });
});

describe('limits', () => {
  it('the 2,001st stored key evicts the oldest', () => {
    const { alice, bob } = pair();
    const lost: RatchetMessage[] = [];
    for (let chain = 0; chain < 2; chain++) {
      for (let i = 0; i < 1000; i++) lost.push(alice.send(bytesOf('lost')));
      bob.receive(alice.send(bytesOf('arrives')));
      alice.receive(bob.send(bytesOf('turn')));
    }
    expect(bob.keys.size).toBe(2000);
    lost.push(alice.send(bytesOf('the 2,001st')));
    bob.receive(alice.send(bytesOf('arrives')));
    expect(bob.keys.size).toBe(2000);
    expect(countSkippedKeys(bob.state.skipped)).toBe(2000);
    expect(refuse(bob, lost[0] as RatchetMessage)).not.toBe('no error');
    expect(textOf(bob.receive(lost[1] as RatchetMessage))).toBe('lost');
    expect(textOf(bob.receive(lost[2000] as RatchetMessage))).toBe('the 2,001st');
  });

  it('one step that skips more than may be stored keeps the newest, and never names a key twice', () => {
    const { alice, bob } = pair('curve25519', { maxSkippedPerChain: 10, maxStoredKeys: 4, maxKeyAge: 3000 });
    const lost = Array.from({ length: 6 }, (_, i) => alice.send(bytesOf(`${i}`)));
    bob.receive(alice.send(bytesOf('arrives')));
    expect(bob.keys.size).toBe(4);
    expect(refuse(bob, lost[1] as RatchetMessage)).toBe('RATCHET_DUPLICATE');
    expect(textOf(bob.receive(lost[2] as RatchetMessage))).toBe('2');
  });

  it('a key is deleted when 3000 messages were received after it was stored', () => {
    const { alice, bob } = pair();
    const lost = alice.send(bytesOf('lost'));
    // The message that stores the key is the first that counts.
    for (let i = 0; i < 2999; i++) bob.receive(alice.send(bytesOf('x')));
    expect(bob.keys.size).toBe(1);
    const before = bob.state;
    const keys = new Map(bob.keys);
    bob.receive(alice.send(bytesOf('x')));
    expect(bob.keys.size).toBe(0);
    expect(bob.state.skipped).toEqual([]);
    expect(refuse(bob, lost)).toBe('RATCHET_DUPLICATE');
    const earlier = new Party(bob.suite, before);
    for (const [id, key] of keys) earlier.keys.set(id, key);
    expect(textOf(earlier.receive(lost))).toBe('lost');
  });

  it('the age of a key is counted from when it was stored, not from the beginning', () => {
    const { alice, bob } = pair('curve25519', { maxSkippedPerChain: 10, maxStoredKeys: 10, maxKeyAge: 5 });
    for (let i = 0; i < 20; i++) bob.receive(alice.send(bytesOf('x')));
    const lost = alice.send(bytesOf('lost'));
    for (let i = 0; i < 4; i++) bob.receive(alice.send(bytesOf('x')));
    expect(bob.keys.size).toBe(1);
    expect(textOf(bob.receive(lost))).toBe('lost');
  });

  it('the message right after a gap was received, and is a duplicate', () => {
    const { alice, bob } = pair();
    const [lost, arrived] = [alice.send(bytesOf('lost')), alice.send(bytesOf('arrived'))];
    bob.receive(arrived);
    expect(refuse(bob, arrived)).toBe('RATCHET_DUPLICATE');
    expect(textOf(bob.receive(lost))).toBe('lost');
  });

  it('says what was wrong, and how much was asked for', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf('x'));
    const refusal = (header: Partial<RatchetMessage['header']>) =>
      expect(() => bob.receive(withHeader(message, header)));
    refusal({ n: 5000 }).toThrow(expect.objectContaining({ details: { limit: 1000, requested: 5000 } }));
    refusal({ n: -1 }).toThrow(
      expect.objectContaining({ details: { reason: 'message number out of range' } }),
    );
    refusal({ key: new Uint8Array(31) }).toThrow(
      expect.objectContaining({ details: { reason: 'ratchet key of 31 bytes' } }),
    );
    refusal({ pn: 1 }).toThrow(
      expect.objectContaining({ details: { reason: 'impossible length of the previous chain' } }),
    );
    expect(() => bob.receive({ ...message, body: new Uint8Array(47) })).toThrow(
      expect.objectContaining({ details: { reason: '47 bytes, at least 48 are needed' } }),
    );
    expect(() => bob.receive({ ...message, body: new Uint8Array(48) })).toThrow(
      expect.objectContaining({ details: { what: 'ratchet message' } }),
    );
    bob.receive(message);
    refusal({}).toThrow(expect.objectContaining({ code: 'RATCHET_DUPLICATE', details: { n: 0 } }));
  });

  it('a chain ends before its counter would overflow', () => {
    const { alice } = pair();
    alice.send(bytesOf('x'));
    const { sending } = alice.state;
    if (sending.kind !== 'chain') throw new Error('no chain');
    const at = (n: number) =>
      new RatchetState({ ...alice.state, sending: { ...sending, chain: { ...sending.chain, n } } });
    const last = encrypt(alice.suite, at(MAX_COUNTER), bytesOf('last'));
    expect(last.message.header.n).toBe(MAX_COUNTER);
    expect(codeOf(() => encrypt(alice.suite, last.next, bytesOf('one more')))).toBe('RATCHET_EXHAUSTED');
  });
});

describe('keys that the caller deletes', () => {
  it('are in the state no longer, and their messages are duplicates; all others open', () => {
    const { alice, bob } = pair();
    const lost = Array.from({ length: 5 }, (_, i) => alice.send(bytesOf(`${i}`)));
    bob.receive(alice.send(bytesOf('arrives')));
    const [first, second, , fourth] = [...listSkippedKeys(bob.state.skipped)];
    const before = bob.state;
    bob.state = withoutSkippedKeys(bob.state, [second!, fourth!, first!]);
    expect([...listSkippedKeys(bob.state.skipped)].map(({ n }) => n)).toEqual([2, 4]);
    expect(countSkippedKeys(before.skipped)).toBe(5);
    for (const at of [0, 1, 3]) expect(refuse(bob, lost[at]!)).toBe('RATCHET_DUPLICATE');
    for (const at of [4, 2]) expect(textOf(bob.receive(lost[at]!))).toBe(`${at}`);
    expect(textOf(bob.receive(alice.send(bytesOf('next'))))).toBe('next');
  });

  it('that the state does not list change nothing', () => {
    const { alice, bob } = pair();
    alice.send(bytesOf('lost'));
    bob.receive(alice.send(bytesOf('arrives')));
    const [{ key, n }] = [...listSkippedKeys(bob.state.skipped)] as [SkippedKeyId];
    const unlisted = [
      { key, n: n + 1 },
      { key: new Uint8Array(key.length), n },
    ];
    expect(withoutSkippedKeys(bob.state, unlisted)).toBe(bob.state);
    expect(withoutSkippedKeys(bob.state, [])).toBe(bob.state);
  });
});

describe('steps', () => {
  it('are pure: the same state yields the same chain keys and is not changed', () => {
    const { alice, bob } = pair();
    bob.receive(alice.send(bytesOf('hello')));
    const before = encodeState(alice.state);
    const one = encrypt(alice.suite, alice.state, bytesOf('same'));
    const two = encrypt(alice.suite, alice.state, bytesOf('same'));
    expect(encodeState(alice.state)).toEqual(before);
    expect(two).toEqual(one);
  });

  it('borrow their inputs: later changes to inputs and outputs do no harm', () => {
    const suite = suiteNamed('curve25519');
    const sharedKey = crypto.randomBytes(32);
    const bobPair = suite.generateKeyPair();
    const remoteKey = bobPair.publicKey.slice();
    const alice = new Party(suite, startInitiator(suite, sharedKey, remoteKey));
    const lent = { publicKey: bobPair.publicKey.slice(), privateKey: bobPair.privateKey.slice() };
    const bob = new Party(suite, startResponder(suite, sharedKey, lent));
    for (const bytes of [sharedKey, remoteKey, lent.publicKey, lent.privateKey]) bytes.fill(0);
    const message = alice.send(bytesOf('one'));
    const kept = {
      header: { ...message.header, key: message.header.key.slice() },
      body: message.body.slice(),
    };
    message.header.key.fill(0);
    expect(textOf(bob.receive(kept))).toBe('one');
    kept.header.key.fill(0);
    expect(textOf(bob.receive(alice.send(bytesOf('two'))))).toBe('two');
  });

  it('own what they keep: a header that its sender overwrites later does no harm', () => {
    const { alice, bob } = pair();
    bob.receive(alice.send(bytesOf('hello')));
    alice.receive(bob.send(bytesOf('turn')));
    const [late, early] = [alice.send(bytesOf('late')), alice.send(bytesOf('early'))];
    const lateKept = { header: { ...late.header, key: late.header.key.slice() }, body: late.body.slice() };
    bob.receive(early);
    early.header.key.fill(0);
    late.header.key.fill(0);
    // The skipped key and the chain are known by the key as it was.
    expect(textOf(bob.receive(lateKept))).toBe('late');
    const next = alice.send(bytesOf('next'));
    expect(textOf(bob.receive(next))).toBe('next');
    const deleted = bob.keys.size;
    expect(deleted).toBe(0);
  });

  it('overwrite the keys of a message afterwards, also when it does not open', () => {
    const { alice, bob } = pair();
    const outputs: Uint8Array[] = [];
    const watched = {
      ...crypto,
      hkdfSha256: (input: Parameters<typeof crypto.hkdfSha256>[0]) => {
        const output = crypto.hkdfSha256(input);
        if (input.length === 80) outputs.push(output);
        return output;
      },
    };
    const suite = { ...alice.suite, crypto: watched };
    const { message } = encrypt(suite, alice.state, bytesOf('x'));
    decrypt(suite, bob.state, message);
    const forged = { ...message, body: message.body.with(20, message.body[20]! ^ 1) };
    expect(codeOf(() => decrypt(suite, bob.state, forged))).toBe('AUTHENTICATION_FAILED');
    expect(outputs).toHaveLength(3);
    // What is left is the iv, which stands in the message.
    for (const output of outputs) expect(output.subarray(0, 64)).toEqual(new Uint8Array(64));
  });

  it('turn the ratchet key with each change of direction', () => {
    const { alice, bob } = pair();
    const keys = new Set<string>();
    for (let turn = 0; turn < 4; turn++) {
      const ping = alice.send(bytesOf('ping'));
      bob.receive(ping);
      const pong = bob.send(bytesOf('pong'));
      alice.receive(pong);
      for (const { header } of [ping, pong]) keys.add(header.key.join());
    }
    expect(keys.size).toBe(8);
  });

  it('let a responder speak first', () => {
    const { alice, bob } = pair('secp256k1');
    const early = [bob.send(bytesOf('early 0')), bob.send(bytesOf('early 1'))] as const;
    bob.receive(alice.send(bytesOf('hello')));
    const answer = bob.send(bytesOf('answer'));
    expect(answer.header.pn).toBe(2);
    expect(textOf(alice.receive(early[1]))).toBe('early 1');
    expect(textOf(alice.receive(answer))).toBe('answer');
    expect(textOf(alice.receive(early[0]))).toBe('early 0');
  });

  it('refuse a forged turn before anything was sent', () => {
    const { alice } = pair();
    const mallory = pair().alice.send(bytesOf('forged'));
    expect(refuse(alice, mallory)).toBe('AUTHENTICATION_FAILED');
  });

  it('name the skipped key that they need, and ask for it', () => {
    const { alice, bob } = pair();
    const late = alice.send(bytesOf('late'));
    const inTime = alice.send(bytesOf('in time'));
    expect(skippedKeyFor(bob.state, late.header)).toBeUndefined();
    bob.receive(inTime);
    expect(skippedKeyFor(bob.state, late.header)).toEqual({ key: late.header.key, n: 0 });
    expect([...listSkippedKeys(bob.state.skipped)]).toEqual([{ key: late.header.key, n: 0 }]);
    expect(() => decrypt(bob.suite, bob.state, late)).toThrow(
      expect.objectContaining({ code: 'RATCHET_KEY_MISSING', details: { n: 0 } }),
    );
    const wrong = { skippedKey: crypto.randomBytes(32) };
    expect(codeOf(() => decrypt(bob.suite, bob.state, late, wrong))).toBe('AUTHENTICATION_FAILED');
  });

  it('check the lengths of what a session starts from', () => {
    const suite = suiteNamed('secp256k1');
    const keyPair = suite.generateKeyPair();
    const key = crypto.randomBytes(32);
    const short = new Uint8Array(31);
    expect(() => startInitiator(suite, short, keyPair.publicKey)).toThrow(
      expect.objectContaining({
        code: 'INVALID_LENGTH',
        details: { what: 'shared key', expected: 32, actual: 31 },
      }),
    );
    expect(codeOf(() => startInitiator(suite, key, new Uint8Array(32)))).toBe('INVALID_LENGTH');
    expect(codeOf(() => startResponder(suite, short, keyPair))).toBe('INVALID_LENGTH');
    expect(codeOf(() => startResponder(suite, key, { ...keyPair, publicKey: short }))).toBe('INVALID_LENGTH');
    expect(codeOf(() => startResponder(suite, key, { ...keyPair, privateKey: short }))).toBe(
      'INVALID_LENGTH',
    );
  });

  it('print no secrets', () => {
    const { alice } = pair();
    expect(JSON.stringify({ state: alice.state })).toBe('{"state":"[RatchetState: redacted]"}');
    expect(inspect(alice.state, { depth: 9 })).toBe('[RatchetState: redacted]');
    expect(`${alice.state}`).toBe('[RatchetState: redacted]');
  });
});
