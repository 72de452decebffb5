// What is sent: envelopes of many topics, and garbage.
import { randomBytes, randomInt } from 'node:crypto';
import { systemClock } from '@sotto/core';
import { loadAcceleratedProvider } from '@sotto/crypto/accelerated';
import { createInlineMiner, powBits } from '@sotto/whisper-transport';
import { encodeEnvelope, encodeWithoutNonce, proofOfWork } from '@sotto/whisper-transport/whisper';

const TTL = 15;
/** Of data: 300, 560 and 810 bytes of an envelope. */
const SIZES = [270, 526, 782];
/** Of a node by default. */
const MINIMUM_POW = 0.002;
const crypto = await loadAcceleratedProvider();
const now = () => Math.floor(Date.now() / 1000);
const oneOf = (list) => list[randomInt(list.length)];

/** Envelopes that nobody has worked for, for a node that asks for no work: they cost next to nothing. */
export function createLight(topics) {
  /** Made before the clock starts; what differs from one to the next is written into a copy. */
  const templates = topics.map((topic, i) =>
    encodeEnvelope({
      expiry: now() + TTL,
      ttl: TTL,
      topic,
      data: randomBytes(SIZES[i % SIZES.length]),
      nonce: 0n,
    }),
  );
  /** RLP of a list of 256 bytes or more: its head has three bytes, the expiry's one. */
  const EXPIRY_AT = 4;
  /** Somewhere in the data. What one process sends differs from what others do. */
  const SERIAL_AT = 64;
  const process = randomBytes(4).readUInt32BE();
  let serial = 0;
  return async () => {
    const bytes = oneOf(templates).slice();
    const view = new DataView(bytes.buffer);
    view.setUint32(EXPIRY_AT, now() + TTL);
    view.setUint32(SERIAL_AT, process);
    view.setUint32(SERIAL_AT + 4, serial++);
    return bytes;
  };
}

/** Garbage: of a hundred, so many of each kind. The last four are refused, and would cost a peer its place. */
export const GARBAGE = {
  foreign: 50,
  undecryptable: 20,
  repeated: 10,
  idle: 5,
  expired: 5,
  future: 5,
  malformed: 5,
};
export const REFUSED = ['idle', 'expired', 'future', 'malformed'];

/**
 * Garbage by turns, mixed as said, with the work that a node asks for by default where it has any.
 * @param heard topics that somebody listens to, who can't open what comes by them
 */
export function createGarbage(heard, kinds) {
  const miner = createInlineMiner(systemClock);
  const sealed = async (topic, expiry) => {
    const unmined = { expiry, ttl: TTL, topic, data: randomBytes(oneOf(SIZES)) };
    const prefix = encodeWithoutNonce(unmined);
    const nonce = await miner.mine(prefix, powBits(MINIMUM_POW, prefix.length, TTL));
    return encodeEnvelope({ ...unmined, nonce });
  };
  const anywhere = () => randomBytes(4);
  let last;
  const make = {
    foreign: () => sealed(anywhere(), now() + TTL),
    undecryptable: () => sealed(oneOf(heard), now() + TTL),
    repeated: async () => last ?? sealed(anywhere(), now() + TTL),
    async idle() {
      const unmined = { expiry: now() + TTL, ttl: TTL, topic: anywhere(), data: randomBytes(oneOf(SIZES)) };
      for (let nonce = 0n; ; nonce++) {
        if (proofOfWork(crypto, { ...unmined, nonce }) < MINIMUM_POW) {
          return encodeEnvelope({ ...unmined, nonce });
        }
      }
    },
    expired: () => sealed(anywhere(), now() - 60),
    future: () => sealed(anywhere(), now() + TTL + 60),
    // Half of them are nothing at all, the others have lost their end.
    malformed: async () =>
      randomInt(2) === 0 ? randomBytes(300) : (await sealed(anywhere(), now() + TTL)).slice(0, -20),
  };
  const turns = kinds.flatMap((kind) => Array.from({ length: GARBAGE[kind] }, () => kind));
  return async () => {
    const kind = oneOf(turns);
    const bytes = await make[kind]();
    if (kind === 'foreign') last = bytes;
    return bytes;
  };
}
