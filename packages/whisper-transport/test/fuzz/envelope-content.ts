import { createPortableProvider } from '@sotto/crypto';
import type { FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { decodePlain } from '../../src/whisper.js';

const crypto = createPortableProvider();

export default {
  about: 'what is in an envelope, once opened: flags, payload, padding, signature',
  seeds: () => loadVectors('whisper-envelope').cases.map(({ plain }) => unhex(plain)),
  run(data) {
    decodePlain(crypto, data);
  },
} satisfies FuzzTarget;
