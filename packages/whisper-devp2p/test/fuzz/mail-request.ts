import type { FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import {
  decodeBareMailRequest,
  decodeMailCompletion,
  decodeMailRequest,
  encodeBareMailRequest,
  encodeMailRequest,
} from '../../src/mailserver.js';

/** The first byte, modulo 3: a sealed request, once opened; a bare one; a completion. */
export default {
  about: 'requests to mailservers, and their completions',
  *seeds() {
    for (const { payload, envelope, completion } of loadVectors('status-mailserver').cases.requests) {
      yield Uint8Array.of(envelope === undefined ? 1 : 0, ...unhex(payload));
      yield Uint8Array.of(2, ...unhex(completion.payload));
    }
  },
  run(data) {
    const bytes = data.subarray(1);
    switch ((data[0] ?? 0) % 3) {
      case 0:
        encodeMailRequest(decodeMailRequest(bytes));
        break;
      case 1:
        encodeBareMailRequest(decodeBareMailRequest(bytes));
        break;
      default:
        decodeMailCompletion(bytes);
    }
  },
} satisfies FuzzTarget;
