import { createPortableProvider } from '@sotto/crypto';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { newHalf, openAck, openAuth, sealAck, sealAuth } from '../../src/rlpx/handshake.js';

const crypto = createPortableProvider();
const dialer = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1));
const listener = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(2));

/** An odd first byte: a message of the listener; else of the dialer. */
export default {
  about: "the encrypted handshake of RLPx, both sides'",
  *seeds() {
    yield Uint8Array.of(0, ...sealAuth(crypto, newHalf(crypto), dialer, listener.publicKey));
    yield Uint8Array.of(1, ...sealAck(crypto, newHalf(crypto), dialer.publicKey));
  },
  run(data) {
    const message = data.subarray(1);
    if ((data[0] ?? 0) % 2 === 1)
      demand(openAck(crypto, dialer, message).ephemeral.length === 33, 'Not a key.');
    else demand(openAuth(crypto, listener, message).peer.length === 33, 'Not a key.');
  },
} satisfies FuzzTarget;
