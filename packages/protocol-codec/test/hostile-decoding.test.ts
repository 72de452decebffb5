import { concatBytes, isSottoError } from '@sotto/core';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_DECODE_LIMITS,
  decodeBundle,
  decodeProtocolMessage,
  encodeProtocolMessage,
} from '../src/index.js';
import { checkWire, type MessageShape } from '../src/internal.js';
import { protocolMessage as anyMessage } from './arbitraries.js';
import { refusal } from './errors.js';
import { block, number, tag, textField, varint } from './wire.js';

const EMPTY = { installationId: '', bundles: [], directMessages: new Map(), publicMessage: undefined };

const malformedMessage = (...parts: Uint8Array[]) =>
  refusal('MALFORMED_MESSAGE', () => decodeProtocolMessage(concatBytes(...parts)));
const malformedBundle = (...parts: Uint8Array[]) =>
  refusal('MALFORMED_MESSAGE', () => decodeBundle(concatBytes(...parts)));
const tooMuch = (...parts: Uint8Array[]) =>
  refusal('LIMIT_EXCEEDED', () => decodeProtocolMessage(concatBytes(...parts)));

/** A direct message for `installationId` with the fields given. */
const direct = (installationId: string, ...fields: Uint8Array[]) =>
  block(101, textField(1, installationId), block(2, ...fields));
/** A prekey of a bundle. */
const preKey = (installationId: string, ...fields: Uint8Array[]) =>
  block(2, textField(1, installationId), block(2, ...fields));

const realMessages = loadVectors('protocol-session').cases.flatMap(({ messages }) =>
  messages.map(({ protobuf }) => unhex(protobuf)),
);

describe('decoding', () => {
  it('empty message: no payload', () => {
    expect(decodeProtocolMessage(new Uint8Array())).toEqual(EMPTY);
  });

  it('truncated varint', () => {
    malformedMessage(Uint8Array.of(0x80));
    malformedMessage(tag(102, 2));
    malformedMessage(tag(102, 2), Uint8Array.of(0xff));
    malformedBundle(tag(5, 0));
    malformedBundle(tag(5, 0), Uint8Array.of(0x80, 0x80));
    // Truncated within its message, with bytes of the next field behind it.
    expect(malformedMessage(block(3, tag(5, 0)), textField(2, 'a'))).toEqual({
      what: 'Bundle',
      reason: 'truncated varint',
    });
    malformedMessage(tag(9, 0));
  });

  it('any real message cut short: refused, or cut between two fields', () => {
    for (const bytes of realMessages.slice(0, 4)) {
      let complete = 0;
      for (let length = 0; length < bytes.length; length++) {
        try {
          decodeProtocolMessage(bytes.subarray(0, length));
          complete += 1;
        } catch (error) {
          expect(isSottoError(error, 'MALFORMED_MESSAGE')).toBe(true);
        }
      }
      const { bundles, directMessages } = decodeProtocolMessage(bytes);
      // It can be cut before each field of the outermost level: these, the installation id, the public message.
      expect(complete).toBeLessThanOrEqual(bundles.length + directMessages.size + 2);
    }
  });

  it('a length beyond the buffer: refused without allocating', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (const length of [1, 0x7fff_ffff, 0xffff_ffff, 2 ** 40, 2n ** 64n - 1n]) {
      malformedMessage(tag(102, 2), varint(length));
      malformedMessage(tag(101, 2), varint(length), textField(1, 'a'));
      malformedMessage(tag(77, 2), varint(length));
      // Within the buffer, and beyond the message that it is in.
      const beyond = block(3, tag(1, 2), varint(length));
      expect(malformedMessage(beyond, textField(2, 'a'), textField(77, 'b'))).toEqual({
        what: 'Bundle',
        reason: 'a value longer than the rest of the message',
      });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
    malformedMessage(tag(77, 1), new Uint8Array(7));
    malformedMessage(tag(77, 5), new Uint8Array(3));
  });

  it('a map entry with no value', () => {
    expect(malformedMessage(block(101, textField(1, 'a')))).toEqual({
      what: 'ProtocolMessage.direct_message',
      reason: 'an entry with no value',
    });
    malformedMessage(block(101));
    malformedBundle(block(2, textField(1, 'a')));
    malformedMessage(block(3, block(2, textField(1, 'a'))));
  });

  it('a map entry with an empty value is there, and one with no key has the empty key', () => {
    const { directMessages } = decodeProtocolMessage(direct('a'));
    expect(directMessages).toEqual(new Map([['a', { payload: new Uint8Array() }]]));
    const { signedPreKeys } = decodeBundle(block(2, block(2)));
    expect([...signedPreKeys.keys()]).toEqual(['']);
  });

  it('an empty header is there', () => {
    const none = new Uint8Array();
    const { directMessages } = decodeProtocolMessage(direct('a', block(1), block(2), block(101)));
    expect(directMessages.get('a')).toEqual({
      x3dhHeader: { key: none, id: none },
      drHeader: { key: none, n: 0, pn: 0, id: none },
      dhHeader: { key: none },
      payload: none,
    });
  });

  it('unknown fields ignored', () => {
    const unknown = concatBytes(
      number(50, 2n ** 64n - 1n),
      concatBytes(tag(51, 1), new Uint8Array(8)),
      textField(52, 'anything'),
      concatBytes(tag(53, 5), new Uint8Array(4)),
      block(2 ** 29 - 1),
    );
    const header = block(2, unknown, number(2, 7));
    const bytes = concatBytes(
      unknown,
      block(3, unknown, number(5, 9), block(2, unknown, textField(1, 'b'), block(2, unknown, number(2, 3)))),
      direct('a', header, unknown),
      unknown,
    );
    const message = decodeProtocolMessage(bytes);
    expect(message.directMessages.get('a')?.drHeader?.n).toBe(7);
    expect(message.bundles[0]?.timestamp).toBe(9n);
    expect(message.bundles[0]?.signedPreKeys.get('b')?.version).toBe(3);
  });

  it.each([
    [Uint8Array.of(0xff)],
    [Uint8Array.of(0xc0, 0x80)],
    [Uint8Array.of(0xed, 0xa0, 0x80)],
    [Uint8Array.of(0xf0, 0x9f, 0x98)],
    [Uint8Array.of(0xf5, 0x80, 0x80, 0x80)],
  ])('invalid UTF-8 in an installation id: %s', (bytes) => {
    malformedMessage(block(2, bytes));
    malformedMessage(block(101, block(1, bytes), block(2)));
    malformedBundle(block(2, block(1, bytes), block(2)));
  });

  it('a byte order mark in an installation id is kept', () => {
    const { directMessages } = decodeProtocolMessage(concatBytes(direct('\ufeffa'), direct('a')));
    expect([...directMessages.keys()]).toEqual(['\ufeffa', 'a']);
  });

  it('integers that overflow', () => {
    const tenBytes = (last: number) => Uint8Array.of(...new Array(9).fill(0xff), last);
    for (const value of [0x1_0000_0000, 2n ** 53n, 2n ** 64n - 1n]) {
      malformedBundle(preKey('a', number(2, value)));
      malformedBundle(preKey('a', number(3, value)));
      malformedMessage(direct('a', block(2, number(2, value))));
      malformedMessage(direct('a', block(2, number(3, value))));
    }
    malformedBundle(tag(5, 0), tenBytes(0x02));
    malformedBundle(tag(5, 0), tenBytes(0x81), Uint8Array.of(0));
    malformedMessage(tag(99, 0), tenBytes(0x7f));
    // A tag whose field number is beyond 2^29 - 1.
    malformedMessage(varint(2 ** 32), varint(0));
    malformedMessage(varint(2n ** 63n), varint(0));
  });

  it('the largest integers, and padded ones, are exact', () => {
    const padded = Uint8Array.of(0x87, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    const { signedPreKeys } = decodeBundle(
      concatBytes(preKey('a', number(2, 0xffff_ffff)), preKey('b', tag(2, 0), padded)),
    );
    expect(signedPreKeys.get('a')?.version).toBe(0xffff_ffff);
    expect(signedPreKeys.get('b')?.version).toBe(7);
  });

  it.each([2n ** 53n + 1n, 1795398601756053839n, 2n ** 63n - 1n, -1n, -(2n ** 63n)])(
    'timestamps above 2^53 kept exact: %s',
    (timestamp) => {
      expect(decodeBundle(number(5, timestamp)).timestamp).toBe(timestamp);
    },
  );

  it('trailing bytes', () => {
    for (const bytes of realMessages.slice(0, 4)) {
      malformedMessage(bytes, Uint8Array.of(0));
      malformedMessage(bytes, Uint8Array.of(0xff));
      malformedMessage(bytes, new Uint8Array(16));
      // The end of a group, at which the generated decoder would stop reading.
      malformedMessage(bytes, tag(1, 4), textField(2, 'a'));
    }
  });

  it('a 64 MiB message refused before decoding', () => {
    // Not even its first byte would be well-formed.
    expect(refusal('LIMIT_EXCEEDED', () => decodeProtocolMessage(new Uint8Array(64 * 2 ** 20)))).toEqual({
      what: 'ProtocolMessage, bytes',
      limit: DEFAULT_DECODE_LIMITS.maxMessageBytes,
      actual: 64 * 2 ** 20,
    });
    refusal('LIMIT_EXCEEDED', () => decodeBundle(new Uint8Array(64 * 2 ** 20)));
  });

  it('a message as large as the limit', () => {
    const publicMessage = new Uint8Array(DEFAULT_DECODE_LIMITS.maxMessageBytes - 8).fill(7);
    const decoded = decodeProtocolMessage(encodeProtocolMessage({ ...EMPTY, publicMessage }));
    expect(decoded.publicMessage?.length).toBe(publicMessage.length);
    expect(decoded.publicMessage?.every((byte) => byte === 7)).toBe(true);
  });

  it('5,000 bundles or 5,000 devices in one message: refused at the first one too many', () => {
    const many = Array.from({ length: 5000 }, (_, i) => String(i));
    const { maxBundles, maxDevicesPerBundle, maxDirectMessages } = DEFAULT_DECODE_LIMITS;
    expect(tooMuch(...many.map(() => block(3)))).toMatchObject({ limit: maxBundles, actual: maxBundles + 1 });
    expect(tooMuch(block(3, ...many.map((id) => preKey(id))))).toMatchObject({
      limit: maxDevicesPerBundle,
      actual: maxDevicesPerBundle + 1,
    });
    expect(tooMuch(...many.map((id) => direct(id)))).toMatchObject({
      limit: maxDirectMessages,
      actual: maxDirectMessages + 1,
    });
    // The deprecated field is one bundle more.
    tooMuch(block(1), ...many.slice(0, maxBundles).map(() => block(3)));
    expect(
      decodeProtocolMessage(concatBytes(...many.slice(0, maxBundles).map(() => block(3)))).bundles.length,
    ).toBe(maxBundles);
  });

  it('installation id of 1 MiB', () => {
    const id = new Uint8Array(2 ** 20).fill(0x61);
    tooMuch(block(2, id));
    tooMuch(block(101, block(1, id), block(2)));
    tooMuch(block(3, block(2, block(1, id), block(2))));
    expect(decodeProtocolMessage(block(2, id.subarray(0, 256))).installationId.length).toBe(256);
  });

  it('keys, prekey ids and signatures of 129 bytes', () => {
    const long = block(1, new Uint8Array(129));
    const longId = block(4, new Uint8Array(129));
    tooMuch(block(3, long));
    tooMuch(block(3, longId));
    tooMuch(block(3, preKey('a', long)));
    tooMuch(direct('a', block(1, long)));
    tooMuch(direct('a', block(1, longId)));
    tooMuch(direct('a', block(2, long)));
    tooMuch(direct('a', block(2, longId)));
    tooMuch(direct('a', block(101, long)));
    expect(decodeBundle(block(1, new Uint8Array(128))).identity.length).toBe(128);
  });

  it('a bundle of 1 MiB in a message', () => {
    tooMuch(block(3, block(77, new Uint8Array(2 ** 20))));
    tooMuch(block(1, block(77, new Uint8Array(2 ** 20))));
  });

  it('megabytes of tiny unknown fields', () => {
    const tiny = new Uint8Array(2 * 70_000);
    for (let i = 0; i < tiny.length; i += 2) tiny[i] = 0x50;
    expect(tooMuch(tiny)).toMatchObject({ what: 'fields', limit: 65_536 });
    tooMuch(block(101, textField(1, 'a'), block(2, tiny)));
  });

  it('limits are options', () => {
    const bytes = encodeProtocolMessage({ ...EMPTY, installationId: 'abc' });
    refusal('LIMIT_EXCEEDED', () => decodeProtocolMessage(bytes, { limits: { maxMessageBytes: 4 } }));
    refusal('LIMIT_EXCEEDED', () => decodeProtocolMessage(bytes, { limits: { maxInstallationIdBytes: 2 } }));
    const limits = { maxMessageBytes: 5, maxInstallationIdBytes: 3 };
    expect(decodeProtocolMessage(bytes, { limits }).installationId).toBe('abc');
  });

  it('two map entries with one key', () => {
    malformedMessage(direct('a'), direct('b'), direct('a'));
    malformedBundle(preKey('a'), preKey('a'));
    malformedBundle(block(2, block(2)), preKey(''));
  });

  it('a map entry with two keys or two values', () => {
    malformedMessage(block(101, textField(1, 'a'), textField(1, 'b'), block(2)));
    malformedMessage(block(101, textField(1, 'a'), block(2), block(2)));
  });

  it('a field that may occur once and occurs twice', () => {
    malformedMessage(textField(2, 'a'), textField(2, 'a'));
    malformedMessage(block(1), block(1));
    malformedMessage(block(102), block(102));
    malformedBundle(number(5, 1), number(5, 1));
    malformedBundle(block(1), block(1));
    malformedMessage(direct('a', block(2), block(2)));
  });

  it('field number 0', () => {
    malformedMessage(Uint8Array.of(0x00, 0x00));
    malformedMessage(block(0));
    malformedMessage(direct('a', block(0)));
  });

  it('groups and impossible wire types, even in unknown fields', () => {
    for (const wireType of [3, 4, 6, 7]) {
      malformedMessage(tag(1, wireType));
      malformedMessage(tag(99, wireType), tag(99, 4));
      malformedBundle(preKey('a', tag(9, wireType)));
    }
  });

  it('a known field of another wire type', () => {
    malformedMessage(number(1, 0));
    malformedMessage(number(2, 0));
    malformedMessage(number(3, 0));
    malformedMessage(number(101, 0));
    malformedMessage(tag(102, 5), new Uint8Array(4));
    malformedBundle(block(5));
    malformedBundle(tag(5, 1), new Uint8Array(8));
    malformedBundle(preKey('a', block(2)));
    malformedMessage(block(101, number(1, 1), block(2)));
    malformedMessage(block(101, textField(1, 'a'), number(2, 1)));
  });

  it('a known field of another wire type is left out by shapes that say so, of a right one it is checked', () => {
    const shape: MessageShape<'maxFields'> = {
      name: 'lenient',
      skipsForeignWireTypes: true,
      fields: new Map([[1, { name: 'number', type: 'uint32' }]]),
    };
    const check = (...parts: Uint8Array[]) => checkWire(concatBytes(...parts), shape, { maxFields: 10 });
    check(number(1, 7), block(1), block(1), concatBytes(tag(1, 5), new Uint8Array(4)));
    refusal('MALFORMED_MESSAGE', () => check(number(1, 2 ** 32)));
    refusal('MALFORMED_MESSAGE', () => check(number(1, 7), number(1, 7)));
  });

  it('installation ids that are names of prototypes', () => {
    const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
    const { directMessages } = decodeProtocolMessage(concatBytes(...names.map((name) => direct(name))));
    expect([...directMessages.keys()]).toEqual(names);
    const { signedPreKeys } = decodeBundle(concatBytes(...names.map((name) => preKey(name, number(2, 7)))));
    expect([...signedPreKeys.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>)['version']).toBeUndefined();
  });

  // A Node Buffer's own slice would not copy.
  it.each([
    ['Uint8Array', (bytes: Uint8Array) => new Uint8Array(bytes)],
    ['Buffer', (bytes: Uint8Array) => Buffer.from(bytes)],
  ])('shares nothing with a %s that it reads', (_, copyOf) => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const bytes = copyOf(encodeProtocolMessage(message));
        const decoded = decodeProtocolMessage(bytes);
        bytes.fill(0xff);
        expect(decoded).toEqual(message);
        for (const bundle of decoded.bundles) expect(bundle.identity.constructor).toBe(Uint8Array);
      }),
    );
  });

  it('reads a view into a larger buffer', () => {
    for (const bytes of realMessages.slice(0, 4)) {
      const larger = concatBytes(new Uint8Array(5), bytes, Uint8Array.of(0xff));
      expect(decodeProtocolMessage(larger.subarray(5, 5 + bytes.length))).toEqual(
        decodeProtocolMessage(bytes),
      );
    }
  });
});

describe('any bytes', () => {
  /** Bytes either are refused with one of two codes, or mean something that can be written and read again. */
  function survive(bytes: Uint8Array): void {
    const before = new Uint8Array(bytes);
    try {
      const message = decodeProtocolMessage(bytes);
      expect(decodeProtocolMessage(encodeProtocolMessage(message))).toEqual(message);
    } catch (error) {
      if (!isSottoError(error, 'MALFORMED_MESSAGE') && !isSottoError(error, 'LIMIT_EXCEEDED')) throw error;
    }
    try {
      decodeBundle(bytes);
    } catch (error) {
      if (!isSottoError(error, 'MALFORMED_MESSAGE') && !isSottoError(error, 'LIMIT_EXCEEDED')) throw error;
    }
    expect(bytes).toEqual(before);
  }

  it('random', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survive), { numRuns: 2000 });
  });

  it('real messages with bytes changed, removed or put in', () => {
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
    fc.assert(
      fc.property(
        fc.constantFrom(...realMessages),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (bytes, edits) => {
          let edited = bytes;
          for (const { at, remove, insert } of edits) {
            const from = at % (edited.length + 1);
            edited = concatBytes(edited.subarray(0, from), insert, edited.subarray(from + remove));
          }
          survive(edited);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
