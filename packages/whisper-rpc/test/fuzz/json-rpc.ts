import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors } from '@sotto/testing/vectors';
import { parseServerMessage } from '../../src/json-rpc/message.js';
import { refusalOf } from '../../src/json-rpc/refusal.js';

const MOST = 100_000;

export default {
  about: 'what a node answers to JSON-RPC, and its notifications',
  *seeds() {
    for (const { response, notification } of loadVectors('whisper-rpc').cases) {
      const message = response ?? notification;
      if (message !== undefined) yield encodeUtf8(JSON.stringify(message));
    }
  },
  run(data) {
    const message = parseServerMessage(decodeUtf8(data), MOST);
    if (message.kind === 'notification')
      demand(typeof message.subscription === 'string', 'Not a subscription.');
    else demand(Number.isSafeInteger(message.id), 'Not the number of a call.');
    if (message.kind === 'error') refusalOf('shh_post', message.error);
  },
} satisfies FuzzTarget;
