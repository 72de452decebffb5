import { concatBytes } from '@sotto/core';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeProtocolMessage, isBareMessage } from '../src/index.js';
import { protocolMessage } from './arbitraries.js';
import { block, number } from './wire.js';

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
    // A type, and a varint that is cut off.
    expect(isBareMessage(Uint8Array.of(0x18, 1, 0x80))).toBe(false);
  });

  it('only field 3 tells, whatever stands beside it', () => {
    expect(isBareMessage(concatBytes(number(3, 1), block(1)))).toBe(true);
    expect(isBareMessage(concatBytes(block(3), number(4, 1)))).toBe(false);
    expect(isBareMessage(number(4, 1))).toBe(false);
  });

  it('as large as the limit may be one, a larger one is not looked at', () => {
    const options = { limits: { maxMessageBytes: 64 } };
    const types = (bytes: number) => new Uint8Array(bytes).fill(0x18);
    expect(isBareMessage(types(64), options)).toBe(true);
    expect(isBareMessage(types(66), options)).toBe(false);
  });
});
