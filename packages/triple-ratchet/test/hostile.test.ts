import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TRIPLE_LIMITS,
  decrypt,
  encodeState,
  encrypt,
  listSkippedKeys,
  type OpenedMessage,
  skippedKeysFor,
  startInitiator,
  startResponder,
  TripleRatchetState,
  tryHeader,
  withoutSkippedKeys,
} from '../src/index.js';
import { SparseState } from '../src/sparse.js';
import { bytesOf, codeOf, crypto, exchange, Party, pair, textOf } from './party.js';
import { expectKeysAsListed, refused } from './session-model.js';

const flipped = (bytes: Uint8Array, bit: number) => {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
  return copy;
};
const openedBy = (party: Party, message: Uint8Array): OpenedMessage => {
  const opened = tryHeader(crypto, party.state, message);
  if (opened === undefined) throw new Error('not opened');
  return opened;
};

/** How many header keys are tried for a message, and which opens it. */
function triesOf(party: Party, message: Uint8Array) {
  let tried = 0;
  const counting = {
    ...crypto,
    openAes256Gcm: (...input: Parameters<typeof crypto.openAes256Gcm>) => {
      tried++;
      return crypto.openAes256Gcm(...input);
    },
  };
  return { chain: tryHeader(counting, party.state, message)?.chain, tried };
}

describe('messages', () => {
  it('go both ways, empty ones too, and the responder may be first', () => {
    const { alice, bob } = pair();
    expect(textOf(alice.receive(bob.send(bytesOf('welcome'))))).toBe('welcome');
    expect(bob.receive(alice.send(new Uint8Array(0)))).toEqual(new Uint8Array(0));
    exchange(alice, bob);
    exchange(bob, alice);
  });

  it('have 131 bytes more than their text, with a chunk 278, or 182 for the last of a ciphertext', () => {
    const { alice, bob } = pair();
    const overheads = new Set<number>();
    for (let round = 0; round < 40; round++) {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const message = from.send(bytesOf('text'));
        overheads.add(message.length - 4);
        to.receive(message);
      }
    }
    expect([...overheads].toSorted((a, b) => a - b)).toEqual([131, 182, 278]);
  });

  it('show nothing of their header: no two begin alike, and neither ratchet key nor numbers are in them', () => {
    const { alice, bob } = pair();
    const messages = Array.from({ length: 20 }, () => alice.send(bytesOf('the same')));
    expect(new Set(messages.map((message) => message.subarray(1, 13).join())).size).toBe(20);
    const { ratchet } = openedBy(bob, messages[0] as Uint8Array).header;
    for (const message of messages) {
      expect(Buffer.from(message).includes(Buffer.from(ratchet.key))).toBe(false);
    }
  });

  it.each([0, 1, 28, 76])('of %i bytes are refused', (length) => {
    const { bob } = pair();
    expect(refused(bob, new Uint8Array(length).fill(28))).toBe('RATCHET_MALFORMED');
  });

  it('whose header claims to be shorter than nonce and tag, or longer than the message, are refused', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf('x'));
    for (const length of [0, 27, 255]) {
      const changed = message.slice();
      changed[0] = length;
      expect(refused(bob, changed)).toBe('RATCHET_MALFORMED');
    }
    expect(refused(bob, message.subarray(0, message.length - 2))).toMatch(/MALFORMED|AUTHENTICATION_FAILED/);
    expect(textOf(bob.receive(message))).toBe('x');
  });

  it('with any bit flipped are refused, and change nothing', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    const message = alice.send(bytesOf('ok'));
    for (let bit = 0; bit < message.length * 8; bit += 3) {
      expect(refused(bob, flipped(message, bit))).toMatch(
        /not of this session|AUTHENTICATION_FAILED|RATCHET_MALFORMED/,
      );
    }
    expect(textOf(bob.receive(message))).toBe('ok');
  });

  it('with other associated data, of the caller or of the handshake, are refused', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf('bound'), bytesOf('alice to bob'));
    expect(refused(bob, message)).toBe('AUTHENTICATION_FAILED');
    expect(codeOf(() => bob.receive(message, bytesOf('alice to bo')))).toBe('AUTHENTICATION_FAILED');
    const elsewhere = new Party(
      new TripleRatchetState({ ...bob.state, associatedData: crypto.randomBytes(32) }),
    );
    expect(codeOf(() => elsewhere.receive(message, bytesOf('alice to bob')))).toBe('AUTHENTICATION_FAILED');
    expect(textOf(bob.receive(message, bytesOf('alice to bob')))).toBe('bound');
  });

  it('of another session, or sent back to their sender, are not of this session', () => {
    const { alice, bob } = pair();
    const other = pair();
    const message = alice.send(bytesOf('x'));
    expect(refused(other.bob, message)).toBe('not of this session');
    expect(refused(alice, message)).toBe('not of this session');
    bob.receive(message);
    expect(
      refused(
        alice,
        bob.send(bytesOf('y')).map((byte, at) => (at === 1 ? byte ^ 1 : byte)),
      ),
    ).toBe('not of this session');
  });

  it('with both message keys of another: one of the two ratchets alone opens nothing', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    const message = alice.send(bytesOf('both'));
    const { header } = openedBy(bob, message);
    const chain = bob.state.sparse.receiving;
    const wrong = { ...chain, chainKey: crypto.randomBytes(32) };
    const party = new Party(
      new TripleRatchetState({
        ...bob.state,
        sparse: new SparseState({ ...bob.state.sparse, receiving: wrong }),
      }),
    );
    expect(header.sparse.n).toBe(1);
    expect(refused(party, message)).toBe('AUTHENTICATION_FAILED');
    expect(textOf(bob.receive(message))).toBe('both');
  });
});

describe('messages out of order', () => {
  it('are read each once, over chains and epochs', () => {
    const { alice, bob } = pair();
    const kept: Uint8Array[] = [];
    for (let round = 0; round < 40; round++) {
      kept.push(alice.send(bytesOf(`kept ${round}`)));
      if (round % 4 === 0) exchange(alice, bob);
    }
    expect(alice.state.headerKeys.earlier).toEqual([]);
    expect(bob.keys.size).toBeGreaterThan(0);
    for (const [index, message] of kept.entries()) {
      expect(textOf(bob.receive(message))).toBe(`kept ${index}`);
      expectKeysAsListed(bob);
    }
    expect(bob.keys.size).toBe(0);
    expect(bob.state.headerKeys.earlier).toEqual([]);
    for (const message of kept) expect(refused(bob, message)).toMatch(/not of this|DUPLICATE/);
  });

  it('a message that was read already is refused: within its chain as a duplicate', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf('once'));
    bob.receive(message);
    expect(refused(bob, message)).toBe('RATCHET_DUPLICATE');
    exchange(bob, alice);
    exchange(alice, bob);
    expect(refused(bob, message)).toBe('not of this session');
  });

  it('a message that was read already is refused as a duplicate while others of its chain are missing', () => {
    const { alice, bob } = pair();
    alice.send(bytesOf('missing'));
    const message = alice.send(bytesOf('once'));
    bob.receive(message);
    exchange(bob, alice);
    exchange(alice, bob);
    expect(bob.state.headerKeys.earlier.length).toBe(1);
    expect(refused(bob, message)).toBe('RATCHET_DUPLICATE');
  });

  it('needs the keys of both ratchets that were kept', () => {
    const { alice, bob } = pair();
    const first = alice.send(bytesOf('first'));
    bob.receive(alice.send(bytesOf('second')));
    const opened = openedBy(bob, first);
    const ids = skippedKeysFor(bob.state, opened);
    expect(ids.map(({ key, n }) => [key.length, n])).toEqual([
      [32, 0],
      [4, 0],
    ]);
    const keys = [...bob.keys.values()];
    for (const skippedKeys of [[], keys.slice(0, 1), keys.slice(1)]) {
      expect(codeOf(() => decrypt(crypto, bob.state, opened, { skippedKeys }))).toBe('RATCHET_KEY_MISSING');
    }
    const before = keys.map(({ messageKey }) => messageKey.slice());
    const { plaintext } = decrypt(crypto, bob.state, opened, { skippedKeys: keys });
    expect(textOf(plaintext)).toBe('first');
    // Borrowed.
    expect(keys.map(({ messageKey }) => messageKey)).toEqual(before);
  });

  it('n skipping 1000 opens, 1001 is refused', () => {
    const { alice, bob } = pair();
    const messages = Array.from({ length: 1002 }, (_, i) => alice.send(bytesOf(`${i}`)));
    expect(refused(bob, messages[1001] as Uint8Array)).toBe('RATCHET_TOO_MANY_SKIPPED');
    expect(textOf(bob.receive(messages[1000] as Uint8Array))).toBe('1000');
    expect(bob.keys.size).toBe(2000);
    expect(textOf(bob.receive(messages[1001] as Uint8Array))).toBe('1001');
    expect(encodeState(bob.state).length).toBeLessThan(1600);
  });

  it('the oldest keys are dropped beyond what may be stored, in both ratchets', () => {
    const limits = { ...DEFAULT_TRIPLE_LIMITS, maxStoredKeys: 3 };
    const { alice, bob } = pair(limits);
    const messages = Array.from({ length: 6 }, (_, i) => alice.send(bytesOf(`${i}`)));
    bob.receive(messages[5] as Uint8Array);
    expect(bob.keys.size).toBe(6);
    expectKeysAsListed(bob);
    expect(refused(bob, messages[1] as Uint8Array)).toBe('RATCHET_DUPLICATE');
    expect(textOf(bob.receive(messages[2] as Uint8Array))).toBe('2');
  });
});

describe('header keys of earlier chains', () => {
  /** Sessions of which one message is missing in each of so many chains. */
  function withGaps(count: number, limits = DEFAULT_TRIPLE_LIMITS) {
    const { alice, bob } = pair(limits);
    const missing = Array.from({ length: count }, (_, index) => {
      const message = alice.send(bytesOf(`missing ${index}`));
      exchange(alice, bob);
      return message;
    });
    exchange(alice, bob);
    return { alice, bob, missing };
  }

  it('are kept for 16 chains; of the oldest beyond them the message keys are dropped, too', () => {
    const { bob, missing } = withGaps(18);
    expect(bob.state.headerKeys.earlier.length).toBe(16);
    expectKeysAsListed(bob);
    for (const index of [0, 1])
      expect(refused(bob, missing[index] as Uint8Array)).toBe('not of this session');
    expect([...listSkippedKeys(bob.state)].filter(({ key }) => key.length === 32).length).toBe(16);
    for (const [index, message] of missing.entries()) {
      if (index > 1) expect(textOf(bob.receive(message))).toBe(`missing ${index}`);
    }
    expect(bob.state.headerKeys.earlier).toEqual([]);
  });

  it('are as many as the limit says, none included', () => {
    for (const maxEarlierHeaderKeys of [0, 1, 2]) {
      const { bob } = withGaps(4, { ...DEFAULT_TRIPLE_LIMITS, maxEarlierHeaderKeys });
      expect(bob.state.headerKeys.earlier.length).toBe(maxEarlierHeaderKeys);
      expectKeysAsListed(bob);
    }
  });

  it('bound the work for a message of nobody: at most 18 keys are tried', () => {
    const { bob } = withGaps(20);
    expect(triesOf(bob, pair().alice.send(bytesOf('hello')))).toEqual({ tried: 18, chain: undefined });
  });

  it('are tried from the likeliest on: the next chain for an answer, the current one for what follows', () => {
    const { alice, bob } = pair();
    for (const [from, to] of [
      [alice, bob],
      [bob, alice],
      [alice, bob],
    ] as const) {
      to.receive(from.send(bytesOf('hello')));
    }
    expect(triesOf(bob, alice.send(bytesOf('follows')))).toEqual({ tried: 1, chain: 'current' });
    const late = alice.send(bytesOf('sent before the answer comes'));
    const answer = bob.send(bytesOf('answer'));
    expect(triesOf(bob, late)).toEqual({ tried: 2, chain: 'current' });
    expect(triesOf(alice, answer)).toEqual({ tried: 1, chain: 'next' });
  });

  it('go with the last key of their chain when the caller deletes keys, and unknown ones are ignored', () => {
    const { bob } = withGaps(2);
    const ids = [...listSkippedKeys(bob.state)];
    expect(ids.length).toBe(4);
    expect(withoutSkippedKeys(bob.state, [{ key: new Uint8Array(32), n: 0 }])).toBe(bob.state);
    const half = withoutSkippedKeys(
      bob.state,
      ids.filter(({ key }) => key.length === 4),
    );
    expect([...listSkippedKeys(half)].length).toBe(2);
    expect(half.headerKeys.earlier.length).toBe(2);
    const none = withoutSkippedKeys(bob.state, ids);
    expect([...listSkippedKeys(none)]).toEqual([]);
    expect(none.headerKeys.earlier).toEqual([]);
    expect([...listSkippedKeys(bob.state)].length).toBe(4);
  });
});

describe('a hostile peer', () => {
  /** Alice's next message, with a header of the attacker's choice, which authenticates: she is the attacker. */
  function forged(alice: Party, change: (opened: OpenedMessage) => Partial<OpenedMessage>, bob: Party) {
    const opened = openedBy(bob, alice.send(bytesOf('forged')));
    return { ...opened, ...change(opened) };
  }

  it('can not say in the header another chain than the key of the header', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    alice.send(bytesOf('missing'));
    const { publicKey } = crypto.x25519.generateKeyPair();
    const other = (opened: OpenedMessage) => ({
      ...opened.header,
      ratchet: { ...opened.header.ratchet, key: publicKey },
    });
    const current = forged(alice, (opened) => ({ header: other(opened), chain: 'current' }), bob);
    expect(codeOf(() => decrypt(crypto, bob.state, current))).toBe('RATCHET_MALFORMED');
    const next = forged(alice, () => ({ chain: 'next' }), bob);
    const received = new Party(bob.state);
    received.receive(alice.send(bytesOf('turns')));
    expect(codeOf(() => decrypt(crypto, received.state, next))).toBe('RATCHET_MALFORMED');
    const earlier = forged(alice, () => ({ chain: 'earlier' }), received);
    expect(codeOf(() => decrypt(crypto, received.state, earlier))).toBe('RATCHET_MALFORMED');
    const gone = forged(alice, (opened) => ({ header: other(opened), chain: 'earlier' }), received);
    expect(codeOf(() => decrypt(crypto, received.state, gone))).toBe('RATCHET_DUPLICATE');
  });

  it('can not make the next chain one of which messages are kept', () => {
    const { alice, bob } = pair();
    exchange(alice, bob);
    const missing = alice.send(bytesOf('missing'));
    bob.receive(alice.send(bytesOf('overtakes')));
    exchange(bob, alice);
    exchange(alice, bob);
    const opened = { ...openedBy(bob, missing), chain: 'next' as const };
    expect(codeOf(() => decrypt(crypto, bob.state, opened))).toBe('RATCHET_MALFORMED');
  });

  it('can not end the ratchets with a ratchet key of small order', () => {
    const { alice, bob } = pair();
    const change = ({ header }: OpenedMessage) => ({
      header: { ...header, ratchet: { ...header.ratchet, key: new Uint8Array(32) } },
    });
    const opened = forged(alice, change, bob);
    expect(codeOf(() => decrypt(crypto, bob.state, opened))).toBe('INVALID_PUBLIC_KEY');
    exchange(alice, bob);
  });

  it('can not have work done with ML-KEM before a message has authenticated', () => {
    const { alice, bob } = pair();
    for (let round = 0; round < 14; round++) exchange(alice, bob);
    bob.receive(alice.send(bytesOf('seven are here')));
    let calls = 0;
    const counting = {
      ...crypto,
      mlKem768: {
        ...crypto.mlKem768,
        decapsulate: (...input: Parameters<typeof crypto.mlKem768.decapsulate>) => {
          calls++;
          return crypto.mlKem768.decapsulate(...input);
        },
      },
    };
    const message = bob.send(bytesOf('the last chunk'));
    const { part } = openedBy(alice, message).header.sparse;
    expect(part).toMatchObject({ kind: 'ciphertext', index: 7 });
    const changed = flipped(message, (message.length - 1) * 8);
    const opened = openedBy(alice, changed);
    expect(codeOf(() => decrypt(counting, alice.state, opened))).toBe('AUTHENTICATION_FAILED');
    expect(calls).toBe(0);
    decrypt(counting, alice.state, openedBy(alice, message));
    expect(calls).toBe(1);
  });
});

describe('arguments and printing', () => {
  const secrets = { sharedKey: new Uint8Array(32).fill(1), associatedData: new Uint8Array(32).fill(2) };
  const keyPair = crypto.x25519.generateKeyPair();

  it('secrets and keys of other lengths are refused, and what is not bytes', () => {
    for (const length of [0, 31, 33]) {
      const wrong = new Uint8Array(length);
      for (const changed of [
        { ...secrets, sharedKey: wrong },
        { ...secrets, associatedData: wrong },
      ]) {
        expect(codeOf(() => startInitiator(crypto, changed, keyPair.publicKey))).toBe('INVALID_LENGTH');
        expect(codeOf(() => startResponder(crypto, changed, keyPair))).toBe('INVALID_LENGTH');
      }
      expect(codeOf(() => startInitiator(crypto, secrets, wrong))).toBe('INVALID_LENGTH');
      expect(codeOf(() => startResponder(crypto, secrets, { ...keyPair, publicKey: wrong } as never))).toBe(
        'INVALID_LENGTH',
      );
    }
    expect(() =>
      startInitiator(crypto, { ...secrets, sharedKey: new Uint8Array(31) }, keyPair.publicKey),
    ).toThrow(expect.objectContaining({ details: { what: 'shared key', expected: 32, actual: 31 } }));
    expect(
      codeOf(() => startInitiator(crypto, { ...secrets, sharedKey: 'key' as never }, keyPair.publicKey)),
    ).toBe('INVALID_ARGUMENT');
    const { alice, bob } = pair();
    expect(codeOf(() => encrypt(crypto, alice.state, 'text' as never))).toBe('INVALID_ARGUMENT');
    expect(codeOf(() => encrypt(crypto, alice.state, new Uint8Array(1), 'text' as never))).toBe(
      'INVALID_ARGUMENT',
    );
    expect(codeOf(() => tryHeader(crypto, bob.state, 'text' as never))).toBe('INVALID_ARGUMENT');
  });

  it('a prekey of small order is refused with the first message', () => {
    const state = startInitiator(crypto, secrets, new Uint8Array(32));
    expect(codeOf(() => encrypt(crypto, state, new Uint8Array(1)))).toBe('INVALID_PUBLIC_KEY');
  });

  it('the shared key is in no state, and nothing that was given is kept', () => {
    const own = {
      sharedKey: crypto.randomBytes(32),
      associatedData: crypto.randomBytes(32),
    };
    const key = keyPair.publicKey.slice();
    const states = [startInitiator(crypto, own, key), startResponder(crypto, own, keyPair)];
    const before = states.map(encodeState);
    for (const state of before) expect(Buffer.from(state).includes(Buffer.from(own.sharedKey))).toBe(false);
    own.associatedData.fill(0);
    key.fill(0);
    expect(states.map(encodeState)).toEqual(before);
  });

  it('states print redacted', () => {
    const { alice } = pair();
    expect(inspect(alice.state)).toBe('[TripleRatchetState: redacted]');
    expect(JSON.stringify(alice.state.sparse)).toBe('"[SparseState: redacted]"');
  });

  it('an error of the provider is passed on, and not taken for a header of another session', () => {
    const { alice, bob } = pair();
    const message = alice.send(bytesOf('x'));
    const broken = {
      ...crypto,
      openAes256Gcm: () => {
        throw new RangeError('broken');
      },
    };
    expect(() => tryHeader(broken, bob.state, message)).toThrow('broken');
  });
});
