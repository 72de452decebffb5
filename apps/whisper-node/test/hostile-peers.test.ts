import { systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createWhisperHost } from '@sotto/whisper-devp2p';
import { EnvelopePool } from '@sotto/whisper-transport/whisper';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { COLLECTS, collectedMegabytes } from './collected-memory.js';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';
import { relayClient } from './relay-client.js';

const crypto = defaultProvider();
/** Refused envelopes a minute that a peer is forgiven, and how many each sends. */
const FORGIVEN = 20;
const EACH = 150;
const MINUTE = 60_000;

let node: NodeProcess;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  node = await startNode([], COLLECTS);
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => node?.close());

const count = (name: string) => node.metric(`whisper_node_peers_${name}`);

/** For a pool: to it, each envelope has all the work of the world. */
const credulous = {
  ...crypto,
  keccak256: (...parts: Uint8Array[]) => crypto.keccak256(...parts).fill(0, 0, 8),
};

/** A neighbour of the node, who finds nothing wrong with envelopes without work, nor with those of his own time. */
async function neighbour(ahead = 0, nodeKey = crypto.randomBytes(32)) {
  const clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const pool = new EnvelopePool({ crypto: credulous, clock });
  let came = () => {};
  let left = () => {};
  const there = new Promise<void>((resolve) => {
    came = resolve;
  });
  const gone = new Promise<void>((resolve) => {
    left = resolve;
  });
  const options = { crypto, clock, pool, nodeKey, onPeer: () => came(), onPeerGone: () => left() };
  const host = await createWhisperHost({ ...options, peers: [node.enode] });
  const close = async () => {
    await host.close();
    pool.close();
  };
  closers.push(close);
  return { pool, host, there, gone, close };
}

const topic = () => crypto.randomBytes(4);
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
type Kind = readonly [name: string, ahead: number, make: () => Promise<Uint8Array>];
const kinds: Kind[] = [
  ['too little work', 0, () => sealEnvelope({ topic: topic(), idle: true })],
  ['from the future', MINUTE, () => sealEnvelope({ topic: topic(), expiry: inSeconds(75) })],
  ['long expired', -MINUTE, () => sealEnvelope({ topic: topic(), expiry: inSeconds(-50) })],
];

describe('garbage by devp2p', () => {
  /** Sends it until the node has had enough. */
  async function misbehave([, ahead, make]: Kind) {
    const bans = await count('bans');
    const nodeKey = crypto.randomBytes(32);
    const { pool, there, gone, close } = await neighbour(ahead, nodeKey);
    await there;
    for (let i = 0; i < EACH; i++) pool.add(await make());
    await gone;
    await close();
    expect(await count('bans')).toBe(bans + 1);
    return { ahead, nodeKey };
  }

  it.each(kinds)('%s: costs the peer its place, and it is not let in again', async (...kind) => {
    const refused = await count('refused');
    const { ahead, nodeKey } = await misbehave(kind);
    expect((await count('refused')) - refused).toBe(FORGIVEN + 1);
    const before = node.log.length;
    const { close } = await neighbour(ahead, nodeKey);
    const turnedAway = () =>
      node.log.slice(before).filter(({ event }) => event === 'whisper.peer-not-connected').length;
    await expect.poll(turnedAway).toBeGreaterThan(0);
    expect(await count('refused')).toBe(refused + FORGIVEN + 1);
    await close();
  });

  it('thousands of it, of many peers: pool and memory are as before, and a good one still goes through', async () => {
    const rounds = async (many: number) => {
      for (let i = 0; i < many; i++) await misbehave(kinds[i % kinds.length] as Kind);
    };
    await rounds(6);
    const before = await collectedMegabytes(node);
    await rounds(24);
    expect((await collectedMegabytes(node)) - before).toBeLessThan(5);
    expect(await node.metric('whisper_node_pool_envelopes')).toBe(0);
    expect(await node.metric('whisper_node_archive_envelopes')).toBe(0);

    const listener = await relayClient(node.relay);
    closers.push(() => listener.socket.terminate());
    const own = topic();
    listener.say({ kind: 'subscribe', id: 1, topics: [own] });
    await listener.next('done', 1);
    const { host, there } = await neighbour();
    await there;
    const good = await sealEnvelope({ topic: own });
    await host.publish(good);
    expect((await listener.next('envelope')).envelope).toEqual(good);
  });
});
