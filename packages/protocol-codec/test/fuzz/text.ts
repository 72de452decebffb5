import {
  compareBytes,
  decodeBase64,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
} from '@sotto/core';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';

export default {
  about: 'texts: UTF-8, hex, base64',
  *seeds() {
    yield encodeUtf8('hello, Grüße, 👋');
    yield encodeUtf8('00ff');
    yield encodeUtf8('AAEC/w==');
  },
  run(data) {
    const text = decodeUtf8(data);
    demand(compareBytes(encodeUtf8(text), data) === 0, 'A text has two encodings.');
    if (/^[0-9a-f]*$/.test(text)) demand(encodeHex(decodeHex(text)) === text, 'Hex changes.');
    else demand(encodeBase64(decodeBase64(text)) === text, 'Base64 has two encodings.');
  },
} satisfies FuzzTarget;
