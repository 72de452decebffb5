import { runInNewContext } from 'node:vm';
import { byteKindCases } from '@sotto/compliance/crypto-provider';
import { describe, test } from 'vitest';
import { createPortableProvider } from '../src/index.js';
import { createAcceleratedProvider } from '../src/node/accelerated.js';
import { loadWebAssemblyProvider } from '../src/webassembly.js';

/** Kinds of Uint8Array that no suite without Node can make, or not everywhere. */
const kinds = new Map<string, (bytes: Uint8Array) => Uint8Array>([
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
]);

describe.each([createPortableProvider(), createAcceleratedProvider(), await loadWebAssemblyProvider()])(
  '$name',
  (provider) => {
    for (const { name, run } of byteKindCases(kinds)) test(name, () => run(provider));
  },
);
