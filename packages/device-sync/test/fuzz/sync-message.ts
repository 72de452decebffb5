import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { decodeSyncMessage, encodeSyncMessage } from '../../src/sync-message.js';

const entry = { kind: 1, key: '02aa', time: 1_700_000_000_000, device: 'phone', value: Uint8Array.of(1, 2) };

export default {
  about: 'what own devices tell each other',
  *seeds() {
    yield encodeSyncMessage({
      kind: 'changes',
      entries: [entry, { ...entry, value: undefined }],
      more: false,
    });
    yield encodeSyncMessage({
      kind: 'digest',
      buckets: new Uint8Array(512).fill(7),
      to: 'laptop',
      isAnswer: false,
    });
  },
  run(data) {
    const encoded = encodeSyncMessage(decodeSyncMessage(data));
    const again = encodeSyncMessage(decodeSyncMessage(encoded));
    demand(compareBytes(encoded, again) === 0, 'What was decoded and encoded changes when it is once more.');
  },
} satisfies FuzzTarget;
