import type { FuzzTarget } from '@sotto/testing/fuzz';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { decodePacket, encodePacket } from '../../src/packets/packet.js';
import { decodeHello, encodeHello } from '../../src/rlpx/hello.js';

const HELLO = 255;

/** The first byte is the code of the packet; 255 is the hello of devp2p. */
export default {
  about: 'packets of devp2p and Whisper, once uncompressed',
  *seeds() {
    const hello = {
      version: 5,
      clientId: 'sotto',
      capabilities: [{ name: 'shh', version: 6 }],
      id: new Uint8Array(64),
    };
    yield Uint8Array.of(HELLO, ...encodeHello(hello, 30303));
    const bloom = new Uint8Array(64).fill(255);
    const packets = [
      encodePacket({ kind: 'status', status: { minimumPow: 0.001, bloom, lightNode: false } }),
      encodePacket({ kind: 'bloom', bloom }),
      encodePacket({ kind: 'powRequirement', minimumPow: 0.2 }),
    ];
    for (const { code, body } of packets) yield Uint8Array.of(code, ...body);
    for (const { answers } of loadVectors('status-mailserver').cases.requests)
      for (const { code, data } of answers.slice(0, 2))
        yield Uint8Array.of(code, ...unhex(data).subarray(0, 4096));
  },
  run(data) {
    const [code = 0] = data;
    const body = data.subarray(1);
    if (code === HELLO) decodeHello(body);
    else decodePacket({ code, body });
  },
} satisfies FuzzTarget;
