import { loadVectors, unhex } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeProtocolMessage, isBareMessage } from '../src/index.js';
import { protocolMessage } from './arbitraries.js';

const { metadata, chains } = loadVectors('status-application').cases;

describe('messages without a ProtocolMessage around them', () => {
  it.each([...metadata, ...chains].map((one) => [one.name, one.metadata] as const))(
    '%s',
    (_, { type, protobuf }) => {
      // A type of 0 is left out, and nothing tells it then.
      expect(isBareMessage(unhex(protobuf))).toBe(type !== 0);
    },
  );

  it('a ProtocolMessage never looks like one', () => {
    fc.assert(
      fc.property(protocolMessage, (message) => {
        expect(isBareMessage(encodeProtocolMessage(message))).toBe(false);
      }),
    );
  });

  it('bytes that are neither, cut off or random, do not look like one, and nothing is thrown', () => {
    const [{ metadata: one }] = chains as [(typeof chains)[number]];
    const bytes = unhex(one.protobuf);
    for (let length = 0; length < bytes.length - 2; length++) {
      expect(isBareMessage(bytes.subarray(0, length))).toBe(false);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => typeof isBareMessage(random) === 'boolean'),
    );
    expect(isBareMessage(new Uint8Array(65).fill(24), { limits: { maxMessageBytes: 64 } })).toBe(false);
  });
});
