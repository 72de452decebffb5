import { createPortableProvider } from '@sotto/crypto';
import type { FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { openMembershipEvent, openMessage } from '../../src/index.js';

const crypto = createPortableProvider();
const signer = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1)).publicKey;

/** The first byte: an even one for the signed wrapper, an odd one for an event of a group. */
export default {
  about: 'signed wrappers of Status clients: of messages, and of events of groups',
  *seeds() {
    const { metadata, membership } = loadVectors('status-application').cases;
    for (const one of metadata) yield Uint8Array.of(0, ...unhex(one.metadata.protobuf));
    for (const { events } of membership)
      for (const { raw } of events.slice(0, 3)) yield Uint8Array.of(1, ...unhex(raw));
  },
  run(data) {
    const bytes = data.subarray(1);
    if ((data[0] ?? 0) % 2 === 0) openMessage(crypto, bytes, signer);
    else openMembershipEvent(crypto, CHAT, bytes);
  },
} satisfies FuzzTarget;

const CHAT = '00000000-0000-4000-8000-000000000000-0x04';
