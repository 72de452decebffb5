import { compareBytes } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { decodeWakuMessage, encodeWakuMessage } from '../../src/waku-message.js';

export default {
  about: 'messages of Waku',
  *seeds() {
    const message = { contentTopic: '/waku/1/0x01020304/rfc26', payload: Uint8Array.of(1, 2, 3) };
    yield encodeWakuMessage(message);
    yield encodeWakuMessage({
      ...message,
      version: 1,
      timestamp: 1_700_000_000_000_000_000n,
      ephemeral: true,
      meta: Uint8Array.of(4),
    });
  },
  run(data) {
    const encoded = encodeWakuMessage(decodeWakuMessage(data));
    const again = encodeWakuMessage(decodeWakuMessage(encoded));
    demand(compareBytes(encoded, again) === 0, 'What was decoded and encoded changes when it is once more.');
  },
} satisfies FuzzTarget;
