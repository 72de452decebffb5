import { runInNewContext } from 'node:vm';
import { isBytes } from '@sotto/core';
import { describe, expect, test } from 'vitest';
import { createPortableProvider } from '../src/index.js';
import { createAcceleratedProvider } from '../src/node/accelerated.js';
import { createDraw } from '../src/suite/draw.js';
import { operations } from '../src/suite/operations.js';
import { loadWebAssemblyProvider } from '../src/webassembly.js';

/** Kinds of Uint8Array that no suite without Node can make, or not everywhere. */
const kinds: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['another realm', (bytes) => runInNewContext('Uint8Array.from(bytes)', { bytes })],
  ['a Buffer', (bytes) => Buffer.from(bytes)],
  [
    'a buffer that can be resized',
    (bytes) => {
      const Resizable = ArrayBuffer as new (
        length: number,
        options: { maxByteLength: number },
      ) => ArrayBuffer;
      const resizable = new Uint8Array(new Resizable(bytes.length, { maxByteLength: 4096 + bytes.length }));
      resizable.set(bytes);
      return resizable;
    },
  ],
];

describe.each([createPortableProvider(), createAcceleratedProvider(), await loadWebAssemblyProvider()])(
  '$name',
  (provider) => {
    test.each(kinds)('takes bytes of %s as any others', (_, make) => {
      for (const operation of operations()) {
        const inputs = operation.usual(createDraw(operation.name));
        const placed = inputs.map((input) => (isBytes(input) ? make(input) : input));
        const outputs = operation.run(provider, placed);
        expect(outputs, operation.name).toEqual(operation.run(provider, inputs));
        for (const output of outputs) expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
      }
    });
  },
);
