import { encodeUtf8, SottoError } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConversationMessage,
  decodeConversationMessage,
  encodeConversationMessage,
} from '../src/conversation-message.js';
import { ATTACHMENT_MAX_BYTES, DISAPPEARING_MAX_SECONDS } from '../src/limits.js';
import { decodeText, TEXT_MAX_BYTES } from '../src/text.js';

const timer = fc.record({
  seconds: fc.integer({ min: 0, max: DISAPPEARING_MAX_SECONDS }),
  changedAt: fc.integer({ min: 0, max: 0xffff_ffff }),
});
const text = fc.stringMatching(/^[a-zé\u{1F600}\n]{1,40}$/u).filter((some) => some.trim() !== '');
const replyTo = fc.option(
  fc.stringMatching(/^[0-9a-f]{64}$/).map((id) => `0x${id}`),
  { nil: undefined },
);
const anyTimer = fc.option(timer, { nil: undefined });
const message: fc.Arbitrary<ConversationMessage> = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text, replyTo, timer: anyTimer }),
  fc.record({
    kind: fc.constant('file' as const),
    attachment: fc.uint8Array({ minLength: 1, maxLength: 300 }),
    text: fc.oneof(fc.constant(''), text),
    timer: anyTimer,
  }),
  fc.record({ kind: fc.constant('timer-change' as const), timer }),
  fc.record({ kind: fc.constant('sync' as const), content: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({
    kind: fc.constant('profile' as const),
    name: fc.stringMatching(/^[a-zé\u{1F600}]{0,40}$/u),
    picture: fc.uint8Array({ maxLength: 300 }),
    changedAt: fc.integer({ min: 0, max: 0xffff_ffff }),
  }),
);

/** A payload from the bytes of a message. */
const payload = (...bytes: readonly number[]) => Uint8Array.of(0, ...bytes);
const file = (text: string, attachment = 1): ConversationMessage => ({
  kind: 'file',
  attachment: new Uint8Array(attachment).fill(7),
  text,
  timer: undefined,
});

describe('a payload of a conversation', () => {
  it('says what was put into it, and is not a text', () => {
    fc.assert(
      fc.property(message, (some) => {
        const encoded = encodeConversationMessage(some);
        expect(decodeConversationMessage(encoded)).toEqual(some);
        expect(() => decodeText(encoded)).toThrow(SottoError);
      }),
    );
  });

  it('is never made of a text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (some) => {
        const bytes = encodeUtf8(some);
        let isText = true;
        try {
          decodeText(bytes);
        } catch {
          isText = false;
        }
        if (isText) expect(decodeConversationMessage(bytes)).toBeUndefined();
      }),
    );
  });

  it('of any bytes, or damaged, is read or not, without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        decodeConversationMessage(payload(...bytes));
      }),
    );
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (some, at, value) => {
        const damaged = encodeConversationMessage(some);
        damaged[at % damaged.length] = value;
        decodeConversationMessage(damaged);
        decodeConversationMessage(damaged.subarray(0, at % damaged.length));
      }),
    );
  });

  it('shares nothing with the bytes it was read from', () => {
    const encoded = encodeConversationMessage(file('', 3));
    const decoded = decodeConversationMessage(encoded);
    encoded.fill(0);
    expect(decoded).toEqual(file('', 3));
  });

  it('with a field that is unknown is read; of an unknown kind it is not', () => {
    const known = encodeConversationMessage({
      kind: 'text',
      text: 'hi',
      replyTo: undefined,
      timer: undefined,
    });
    expect(decodeConversationMessage(Uint8Array.of(...known, 0x48, 1))).toMatchObject({ text: 'hi' });
    expect(decodeConversationMessage(payload(0x4a, 1, 0))).toBeUndefined();
  });

  it.each<readonly [string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['only its first byte', payload()],
    ['two kinds', payload(0x0a, 3, 0x0a, 1, 0x61, 0x1a, 0)],
    ['one kind twice', payload(0x0a, 3, 0x0a, 1, 0x61, 0x0a, 3, 0x0a, 1, 0x62)],
    ['a change without a timer', payload(0x1a, 0)],
    ['a timer alone', payload(0x22, 2, 0x08, 60)],
    ['an empty text', payload(0x0a, 0)],
    ['a text of controls', payload(0x0a, 3, 0x0a, 1, 0x07)],
    ['a reply to what is not an id', payload(0x0a, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62)],
    ['a file without a description', payload(0x12, 0)],
    ['a timer above the limit', payload(0x1a, 0, 0x22, 6, 0x08, 0x80, 0x80, 0x80, 0x80, 0x01)],
    ['a timer of another type', payload(0x1a, 0, 0x20, 1)],
  ])('with %s is not read', (_, bytes) => {
    expect(decodeConversationMessage(bytes)).toBeUndefined();
  });

  it('holds as much as the limits say, and no more', () => {
    const full = file('a'.repeat(TEXT_MAX_BYTES), ATTACHMENT_MAX_BYTES);
    expect(decodeConversationMessage(encodeConversationMessage(full))).toEqual(full);
    expect(() => encodeConversationMessage(file('', ATTACHMENT_MAX_BYTES + 1))).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
    const longer = encodeConversationMessage(file('a'.repeat(TEXT_MAX_BYTES + 1)));
    expect(decodeConversationMessage(longer)).toBeUndefined();
  });
});
