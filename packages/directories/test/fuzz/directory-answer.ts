import { createPortableProvider } from '@sotto/crypto';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { readContentHash } from '../../src/ens/content-hash.js';
import { decodeCborMap, encodeCborMap } from '../../src/ipns/cbor.js';
import { decodeDer } from '../../src/ipns/der.js';
import { createIpnsRecord, parseIpnsRecord } from '../../src/ipns/record.js';
import { openChunk, signChunk, spanAndPayload } from '../../src/swarm/chunks.js';

const crypto = createPortableProvider();
const identity = crypto.secp256k1.keyPairFromPrivateKey(new Uint8Array(32).fill(1));
const identifier = new Uint8Array(32).fill(3);

/** The first byte, modulo 5: a record of IPNS, CBOR alone, a chunk of Swarm, a content hash of ENS, a signature in DER. */
export default {
  about: 'what directories answer, byte by byte',
  *seeds() {
    const record = { value: '/ipfs/bafkqaaa', sequence: 7n, validUntil: 2_000_000_000_000, ttlMs: 60_000 };
    yield Uint8Array.of(0, ...createIpnsRecord(crypto, identity, record));
    yield Uint8Array.of(
      1,
      ...encodeCborMap([
        ['Value', Uint8Array.of(1)],
        ['Sequence', 5n],
      ]),
    );
    const payload = Uint8Array.of(1, 2, 3);
    yield Uint8Array.of(
      2,
      ...identifier,
      ...signChunk(crypto, identity, identifier, payload),
      ...spanAndPayload(payload),
    );
    yield Uint8Array.of(3, 0xe4, 1, 1, 0xfa, 1, 0x1b, 0x20, ...new Uint8Array(32));
    yield Uint8Array.of(4, 0x30, 6, 2, 1, 1, 2, 1, 1);
  },
  run(data) {
    const bytes = data.subarray(1);
    switch ((data[0] ?? 0) % 5) {
      case 0:
        parseIpnsRecord(crypto, identity.publicKey, bytes);
        break;
      case 1:
        demand((decodeCborMap(bytes)?.size ?? 0) <= 16, 'More entries than allowed.');
        break;
      case 2:
        openChunk(crypto, bytes, identity.publicKey, identifier);
        break;
      case 3:
        readContentHash(bytes, identity.publicKey);
        break;
      default:
        demand((decodeDer(bytes)?.length ?? 64) === 64, 'Not 64 bytes.');
    }
  },
} satisfies FuzzTarget;
