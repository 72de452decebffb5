// Writes the vectors of sealed messages, always the same:
//   node scripts/sealed-vectors.mjs
// None of this package is used: keys and encryption are those of test/sealed/second-implementation.mjs, messages are put together here.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { deriveKeys, publicKeyOf, recompute, seal } from '../test/sealed/second-implementation.mjs';

const DAY_MS = 86_400_000;
const NOON = Date.parse('2026-11-23T12:00:00Z');
const MIDNIGHT = Date.parse('2026-11-24T00:00:00Z');

/** Bytes that follow from a name, in hex. */
function bytesOf(name, length) {
  let drawn = '';
  for (let block = 0; drawn.length < 2 * length; block++) {
    drawn += createHash('sha256').update(`sotto sealed vectors ${name} ${block}`).digest('hex');
  }
  return drawn.slice(0, 2 * length);
}

const hex = (text) => Buffer.from(text).toString('hex');

/** A base-128 number. */
function varint(value) {
  const digits = [];
  for (let left = BigInt(value); digits.length === 0 || left > 0n; left >>= 7n) {
    digits.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
  }
  return Buffer.from(digits).toString('hex');
}
const number = (field, value) => varint(field << 3) + varint(value);
const bytes = (field, value) => varint((field << 3) | 2) + varint(value.length / 2) + value;
const entry = (field, key, value) => bytes(field, bytes(1, hex(key)) + bytes(2, value));

/** A Bundle with an offer of both suites. Its signatures are placeholders: who seals or opens a message doesn't verify them. */
function bundleOf(identity, name) {
  const offer =
    bytes(1, '0282') + bytes(2, bytesOf(`${name} curve25519`, 32)) + bytes(3, bytesOf(`${name} kem`, 32));
  const preKey =
    bytes(1, publicKeyOf(bytesOf(`${name} prekey`, 32))) + number(2, 3) + number(3, 1) + bytes(1500, offer);
  return (
    bytes(1, identity) +
    entry(2, name, preKey) +
    bytes(4, bytesOf(`${name} signature`, 65)) +
    number(5, BigInt(NOON) * 1_000_000n) +
    bytes(1500, bytesOf(`${name} strict signature`, 65))
  );
}

/** A ProtocolMessage from one device to others, each entry in a session of the hybrid suite. */
const messageOf = (from, ...to) =>
  bytes(2, hex(from)) +
  to
    .map((name) =>
      entry(101, name, bytes(3, bytesOf(`to ${name}`, 300)) + bytes(1500, number(2, name.length))),
    )
    .join('');

const privateOf = (name) => bytesOf(`identity ${name}`, 32);

async function vector(name, { from, to, time, message, payload }) {
  const senderPrivate = privateOf(from);
  const bundle = bundleOf(publicKeyOf(senderPrivate), `${from}-1`);
  const nonce = bytesOf(`nonce of ${name}`, 12);
  const inputs = { senderPrivate, recipientPrivate: privateOf(to), time, nonce, message, bundle, payload };
  return { name, inputs, outputs: await recompute(inputs) };
}

const toBob = messageOf('alice-1', 'bob-1', 'bob-2');
const usual = { from: 'alice', to: 'bob', time: NOON, message: toBob, payload: hex('hello') };
const cases = [
  await vector('to two devices', usual),
  await vector('the answer', { ...usual, from: 'bob', to: 'alice', message: messageOf('bob-1', 'alice-1') }),
  await vector('a copy to own devices', { ...usual, to: 'alice', message: messageOf('alice-1', 'alice-2') }),
  await vector('the last millisecond of a day', { ...usual, time: MIDNIGHT - 1 }),
  await vector('the first millisecond of a day', { ...usual, time: MIDNIGHT }),
  await vector('a clock at its beginning', { ...usual, time: 0 }),
  await vector('the latest time that JavaScript can tell', { ...usual, time: Number.MAX_SAFE_INTEGER }),
  await vector('an empty payload', { ...usual, payload: '' }),
];

/** Seals as anyone does who has a private key of the two. */
async function sealed({ from = 'alice', to = 'bob', day = Math.floor(NOON / DAY_MS), time = NOON } = {}) {
  const [sender, recipient] = [from, to].map((who) => publicKeyOf(privateOf(who)));
  const { key } = await deriveKeys(privateOf(from), recipient, { sender, recipient, day });
  return seal(key, { day, time, nonce: bytesOf('nonce of what is refused', 12), message: toBob });
}

const good = await sealed();
const day = (text) => `${good.slice(0, 4)}${text}${good.slice(12)}`;
/** From alice to bob, so it seems. */
const refused = [
  { name: 'it was sealed in the other direction', sealed: await sealed({ from: 'bob', to: 'alice' }) },
  { name: 'it was sealed by someone else', sealed: await sealed({ from: 'carol' }) },
  { name: 'it was sealed for someone else', sealed: await sealed({ to: 'carol' }) },
  { name: 'its time is of the day before', sealed: await sealed({ time: NOON - DAY_MS }) },
  { name: 'its time is of the next day', sealed: await sealed({ time: NOON + DAY_MS }) },
  { name: 'its time does not fit into 53 bits', sealed: await sealed({ time: 2n ** 64n - 1n }) },
  { name: 'another day stands before it', sealed: day('0000512d') },
  { name: 'a bit of the nonce is flipped', sealed: `${good.slice(0, 34)}${flipped(34)}${good.slice(36)}` },
  { name: 'a bit of the tag is flipped', sealed: `${good.slice(0, -2)}${flipped(good.length - 2)}` },
  { name: 'its last byte is missing', sealed: good.slice(0, -2) },
  { name: 'it has a byte too many', sealed: `${good}00` },
  { name: 'it has no room for a time', sealed: good.slice(0, 2 * 41) },
  { name: 'it ends after the day', sealed: good.slice(0, 2 * 6) },
];

function flipped(at) {
  return (Number.parseInt(good.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, '0');
}

const about =
  'Sealed messages, section 11 of the wire profile. `cases`: keys, the payload of the envelope, what the session encrypts; times in ' +
  'milliseconds since the epoch. `refused`: from the sender of the first case to its recipient, so it seems.';
const file = new URL('../test/sealed/vectors.json', import.meta.url);
writeFileSync(file, `${JSON.stringify({ about, cases, refused }, undefined, 2)}\n`);
