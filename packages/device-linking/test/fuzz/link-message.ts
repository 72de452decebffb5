import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import type { FuzzTarget } from '@sotto/testing/fuzz';
import { encodeLinkCode, parseLinkCode } from '../../src/link-code.js';
import { decodeLinkMessage, encodeLinkMessage, type LinkMessage } from '../../src/messages.js';

const crypto = createPortableProvider();

/** The first byte: 0 for the text of a code, anything else for a message. */
export default {
  about: 'codes for linking a device, and what two devices say meanwhile',
  *seeds() {
    const { publicKey } = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1));
    yield Uint8Array.of(
      0,
      ...encodeUtf8(encodeLinkCode({ identity: publicKey, secret: new Uint8Array(16) })),
    );
    const messages: readonly LinkMessage[] = [
      { $case: 'hello', value: { secret: new Uint8Array(16), name: 'phone' } },
      { $case: 'chunk', value: { index: 3, content: new Uint8Array(20) } },
      { $case: 'received', value: { count: 4, missing: [{ from: 1, to: 2 }] } },
      { $case: 'query', value: {} },
    ];
    for (const message of messages) yield Uint8Array.of(1, ...encodeLinkMessage(message));
  },
  run(data) {
    const bytes = data.subarray(1);
    if (data[0] === 0) parseLinkCode(crypto, decodeUtf8(bytes));
    else encodeLinkMessage(decodeLinkMessage(bytes));
  },
} satisfies FuzzTarget;
