// A process that sends: started by load.mjs, which says how by a message, and asks how much by another.
import { once } from 'node:events';
import { createWhisperHost } from '@sotto/whisper-devp2p';
import { decodeRelayFrame, encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { WebSocket } from 'ws';
import { createGarbage, createLight, GARBAGE, REFUSED } from '../envelopes.mjs';

/** Envelopes a second of one who publishes by the relay, below what the node allows by default. */
const RATE_OF_A_PUBLISHER = 80;
/** What is late is made up for by so much, so that no publisher exceeds his rate by what this machine has kept it from. */
const CATCH_UP = 1.2;
const TICK_MS = 10;

const [{ feed, garbage, total, rate, peers, relay, enode, topics: encodedTopics }] = await once(
  process,
  'message',
);
const topics = encodedTopics.map((topic) => Buffer.from(topic, 'hex'));
const counts = { sent: 0, refused: {} };

async function feedByRelay() {
  const sockets = await Promise.all(
    Array.from({ length: Math.ceil(rate / RATE_OF_A_PUBLISHER) }, async () => {
      const socket = new WebSocket(relay, { perMessageDeflate: false, skipUTF8Validation: true });
      socket.on('message', (data) => {
        const frame = decodeRelayFrame(new Uint8Array(data));
        if (frame?.kind !== 'refused') return;
        const why = `${frame.code}: ${frame.reason}`;
        counts.refused[why] = (counts.refused[why] ?? 0) + 1;
      });
      await once(socket, 'open');
      return socket;
    }),
  );
  let turn = 0;
  return (envelope) =>
    sockets[turn++ % sockets.length].send(encodeClientFrame({ kind: 'publish', id: 7, envelope }));
}

async function feedByDevp2p() {
  const pools = await Promise.all(Array.from({ length: peers }, openPeer));
  let turn = 0;
  return (envelope) => pools[turn++ % pools.length].bring(envelope);
}

/** A peer that says nothing but what it is given, and does not look at that. */
async function openPeer() {
  let onPeer;
  const there = new Promise((resolve) => {
    onPeer = resolve;
  });
  const listeners = new Set();
  /** In the place of a pool, which would hash and keep all that is sent. */
  const pool = {
    policy: { minimumPow: 0 },
    *[Symbol.iterator]() {},
    subscribe: (listener) => listeners.add(listener),
    offer: () => ({ isNew: false }),
    bring(bytes) {
      const expiry = Number.POSITIVE_INFINITY;
      const pooled = { bytes, pow: Number.POSITIVE_INFINITY, envelope: { topic: new Uint8Array(4), expiry } };
      for (const listener of listeners) listener(pooled);
    },
  };
  // Wants no topic, so that the node need not send it what the others bring.
  const bloom = new Uint8Array(64);
  const onPeerGone = (_, reason) => process.stderr.write(`A peer has gone: ${reason}.\n`);
  await createWhisperHost({ peers: [enode], bloom, onPeer, onPeerGone, pool });
  await there;
  return pool;
}

const kinds = Object.keys(GARBAGE).filter((kind) => feed === 'relay' || !REFUSED.includes(kind));
const next = garbage ? createGarbage(topics, kinds) : createLight(topics);
const send = await (feed === 'relay' ? feedByRelay() : feedByDevp2p());
process.send('ready');

// On the word, so that all begin together.
await once(process, 'message');
process.on('message', () => process.send(counts));
const begin = performance.now();
let before = begin;
while (counts.sent < total) {
  const now = performance.now();
  const due = Math.floor(((now - begin) / 1000) * rate) - counts.sent;
  const most = Math.ceil((CATCH_UP * rate * (now - before)) / 1000);
  before = now;
  for (let i = Math.min(due, most, total - counts.sent); i > 0; i--) {
    send(await next());
    counts.sent++;
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
