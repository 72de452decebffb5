import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { decodeBundle, encodeBundle } from '../../src/index.js';

export default {
  about: 'bundles as bytes',
  seeds: () => loadVectors('bundle').cases.map(({ protobuf }) => unhex(protobuf)),
  run(data) {
    const encoded = encodeBundle(decodeBundle(data));
    const again = encodeBundle(decodeBundle(encoded));
    demand(compareBytes(encoded, again) === 0, 'What was decoded and encoded changes when it is once more.');
  },
} satisfies FuzzTarget;
