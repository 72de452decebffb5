import { systemClock } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import {
  channelSymmetricKey,
  createInlineMiner,
  encodeEnvelope,
  encodePlain,
  encodeWithoutNonce,
  envelopeHash,
  powBits,
  sealData,
} from '@sotto/whisper-transport';
import { createWhisperHost, parseEnode } from '@sotto/whisper-transport/devp2p';
import {
  decodeMailCompletion,
  encodeMailRequest,
  type MailCompletion,
  type MailRequest,
  sealMailRequest,
} from '@sotto/whisper-transport/mailserver';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sealEnvelope } from './envelopes.js';
import { NodeProcess } from './node-process.js';

const crypto = createPortableProvider();
const miner = createInlineMiner(systemClock);
const signer = crypto.secp256k1.generateKeyPair();
const key = channelSymmetricKey(crypto, 'the-password');
const now = () => Math.floor(Date.now() / 1000);
const everything = (): MailRequest => ({
  lower: now() - 3_600,
  upper: now() + 60,
  bloom: new Uint8Array(64).fill(0xff),
  limit: 0,
  cursor: new Uint8Array(0),
});
const sealing = () => ({ crypto, miner, now: now(), key, signer });

let node: NodeProcess;
let asker: Awaited<ReturnType<typeof startAsker>>;
const published: string[] = [];
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

beforeAll(async () => {
  node = await NodeProcess.start([], { WHISPER_NODE_MAIL_PASSWORD: 'the-password' });
  asker = await startAsker();
  for (let i = 0; i < 25; i++) {
    const envelope = await sealEnvelope({ topic: crypto.randomBytes(4) });
    published.push(hexOf(envelope));
    await asker.host.publish(envelope);
  }
  await vi.waitUntil(async () => (await node.metric('whisper_node_archive_envelopes')) === 25, {
    timeout: 10_000,
  });
});
afterAll(async () => {
  await asker?.host.close();
  await node?.close();
});

/** A peer that asks, and keeps what it is sent. */
async function startAsker() {
  const { id } = parseEnode(crypto, node.enode);
  const messages: string[] = [];
  const completions: MailCompletion[] = [];
  const waiting = new Set<() => void>();
  let ready = () => {};
  const there = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const host = await createWhisperHost({
    crypto,
    trustedPeers: [node.enode],
    onPeer: () => ready(),
    onP2pMessages: (_, received) => {
      messages.push(...received.map(({ bytes }) => hexOf(bytes)));
    },
    onRequestComplete: (_, payload) => {
      completions.push(decodeMailCompletion(payload));
      for (const look of waiting) look();
    },
  });
  await there;
  return {
    host,
    send: (envelope: Uint8Array) => host.sendP2pRequest(id, envelope),
    /** What comes up to the completion of that request. */
    answerTo: (envelope: Uint8Array) =>
      new Promise<{ messages: string[]; completion: MailCompletion }>((resolve) => {
        const hash = hexOf(envelopeHash(crypto, envelope));
        const look = () => {
          const completion = completions.find(({ requestHash }) => hexOf(requestHash) === hash);
          if (completion === undefined) return;
          waiting.delete(look);
          resolve({ messages: messages.splice(0), completion });
        };
        waiting.add(look);
        look();
      }),
  };
}

async function ask(request: MailRequest) {
  const sealed = await sealMailRequest(request, sealing());
  await asker.send(sealed);
  return asker.answerTo(sealed);
}

/** An envelope with a payload of one's own. */
async function sealPayload(payload: Uint8Array, { signed = true, minimumPow = 0.002, ttl = 15 } = {}) {
  const plain = encodePlain(crypto, payload, signed ? signer : undefined);
  const data = sealData(crypto, { kind: 'symmetric', key }, plain);
  const unmined = { expiry: now() + ttl, ttl, topic: new Uint8Array(4), data };
  const prefix = encodeWithoutNonce(unmined);
  return encodeEnvelope({
    ...unmined,
    nonce: await miner.mine(prefix, powBits(minimumPow, prefix.length, ttl)),
  });
}

describe('the mailserver', () => {
  it('sends what it has, and says that this was all', async () => {
    const { messages, completion } = await ask(everything());
    expect([...messages].sort()).toEqual([...published].sort());
    expect(completion.cursor.length).toBe(0);
  });

  it('sends it page by page, the newest first, each once', async () => {
    const all: string[] = [];
    let cursor: Uint8Array = new Uint8Array(0);
    let pages = 0;
    do {
      const { messages, completion } = await ask({ ...everything(), limit: 10, cursor });
      all.push(...messages);
      cursor = completion.cursor;
      pages++;
    } while (cursor.length > 0);
    expect(pages).toBe(3);
    expect([...all].sort()).toEqual([...published].sort());
  });

  it("takes go-ethereum's raw bytes", async () => {
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setUint32(0, now() - 3_600);
    new DataView(payload.buffer).setUint32(4, now() + 60);
    const sealed = await sealPayload(payload);
    await asker.send(sealed);
    expect((await asker.answerTo(sealed)).messages.length).toBe(25);
  });

  it('keeps to times and topics', async () => {
    expect((await ask({ ...everything(), lower: 0, upper: now() - 3_600 })).messages).toEqual([]);
    expect((await ask({ ...everything(), bloom: new Uint8Array(64) })).messages).toEqual([]);
  });

  it.each([
    [
      'another password',
      async () => sealMailRequest(everything(), { ...sealing(), key: crypto.randomBytes(32) }),
    ],
    ['unsigned', () => sealPayload(encodeMailRequest(everything()), { signed: false })],
    ['nonsense inside', () => sealPayload(new Uint8Array(50))],
    ['sealed long ago', () => sealMailRequest(everything(), { ...sealing(), now: now() - 600 })],
    ['TTL above the ceiling', () => sealPayload(encodeMailRequest(everything()), { ttl: 1_000 })],
    ['larger than any request', () => sealPayload(new Uint8Array(10_000))],
  ])('%s: not answered, and the next is', async (_, make) => {
    const refused = () => node.metric('whisper_node_mail_requests_total{outcome="refused"}');
    const before = await refused().catch(() => 0);
    await asker.send(await make());
    await expect.poll(refused).toBe(before + 1);
    const { messages } = await ask({ ...everything(), limit: 1 });
    expect(messages.length).toBe(1);
  });
});
