// What foreign envelopes cost a client, by the number of its chats:
//   node scripts/foreign-envelopes.mjs [envelopes, a million by default]
// Both clients get the same envelopes on topics that they don't listen to, by turns, so that what else the machine does
// hits both alike. Needs the package built.
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport, encodeEnvelope } from '../dist/index.js';

const CHATS = [10, 1_000];
/** Distinct envelopes, given again and again: none of them gets as far as to be remembered. */
const DISTINCT = 10_000;
const TURNS = 20;

const total = Number(process.argv[2] ?? 1_000_000);
const crypto = defaultProvider();

/** A client of a pipe that says nothing by itself; gives what to hand it envelopes with. */
async function client(chats) {
  let hand;
  const carrier = {
    capabilities: { maxEnvelopeBytes: 2 ** 20, history: false, minimumPow: 0 },
    async open({ onEnvelope }) {
      hand = onEnvelope;
      return { async publish() {}, async subscribe() {}, async close() {} };
    },
  };
  const transport = createSealedTransport(carrier, { crypto, policy: { minimumPow: 0 } });
  const identity = crypto.secp256k1.generateKeyPair();
  const connection = await transport.connect({ identity, onMessage: async () => {} });
  await connection.subscribe(
    Array.from({ length: chats }, (_, i) => ({ kind: 'public', name: `chat-${i}` })),
  );
  return { hand, close: () => connection.close(), nanoseconds: [] };
}

const expiry = Math.floor(Date.now() / 1000) + 300;
const envelopes = Array.from({ length: DISTINCT }, () => {
  const topic = crypto.randomBytes(4);
  return {
    topic,
    bytes: encodeEnvelope({ expiry, ttl: 300, topic, data: crypto.randomBytes(284), nonce: 0n }),
  };
});

async function turn({ hand, nanoseconds }, count) {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < count; i++) {
    const { topic, bytes } = envelopes[i % DISTINCT];
    await hand(topic, bytes, false);
  }
  nanoseconds.push(Number(process.hrtime.bigint() - begun) / count);
}

const clients = [];
for (const chats of CHATS) clients.push(await client(chats));
for (const each of clients) await turn(each, 2 * DISTINCT); // warms up
for (const each of clients) each.nanoseconds.length = 0;
for (let i = 0; i < TURNS; i++) for (const each of clients) await turn(each, total / TURNS);

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const [few, many] = clients.map(({ nanoseconds }) => median(nanoseconds));
for (const [i, value] of [few, many].entries()) {
  console.log(
    `${CHATS[i]} chats: ${(value / 1000).toFixed(2)} µs an envelope, ${((value * total) / 1e9).toFixed(2)} s in all`,
  );
}
console.log(
  `ratio ${(many / few).toFixed(3)} (at most 1.2 is aimed at), ${total} envelopes each, ${crypto.name}`,
);
for (const each of clients) await each.close();
