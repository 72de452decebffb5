import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { decodeBundle } from '@sotto/protocol-codec';
import type { FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { encodeContactCard, formatKeyText, parseRecipient } from '../../src/index.js';

const crypto = createPortableProvider();

export default {
  about: 'whatever a person types or scans to reach somebody',
  *seeds() {
    yield encodeUtf8('alice.eth');
    yield encodeUtf8('0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045');
    for (const { protobuf } of loadVectors('bundle').cases.slice(0, 4)) {
      const bundle = decodeBundle(unhex(protobuf));
      const card = encodeContactCard(crypto, { identity: bundle.identity });
      yield encodeUtf8(card);
      yield encodeUtf8(`https://chat.example/add#${card}`);
      yield encodeUtf8(encodeContactCard(crypto, { identity: bundle.identity, bundle }));
      for (const form of ['uncompressed', 'compressed', 'base16', 'base58btc'] as const)
        yield encodeUtf8(formatKeyText(crypto, bundle.identity, form));
    }
  },
  run(data) {
    parseRecipient(crypto, decodeUtf8(data));
  },
} satisfies FuzzTarget;
