import { concatBytes, systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createWhisperHost, parseEnode } from '@sotto/whisper-devp2p';
import {
  decodeMailCompletion,
  encodeBareMailRequest,
  encodeMailRequest,
  type MailCompletion,
  type MailRequest,
  sealMailRequest,
} from '@sotto/whisper-devp2p/mailserver';
import { createInlineMiner, powBits } from '@sotto/whisper-transport';
import {
  channelSymmetricKey,
  encodeEnvelope,
  encodePlain,
  encodeWithoutNonce,
  envelopeHash,
  sealData,
} from '@sotto/whisper-transport/whisper';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';

const crypto = defaultProvider();
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
  batch: false,
});
const sealing = () => ({ crypto, miner, now: now(), key, signer });

let node: NodeProcess;
let asker: Awaited<ReturnType<typeof startAsker>>;
const published: string[] = [];
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

beforeAll(async () => {
  node = await startNode([], { WHISPER_NODE_MAIL_PASSWORD: 'the-password' });
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
async function startAsker(of = node) {
  const { id } = parseEnode(crypto, of.enode);
  const messages: string[] = [];
  const completions: MailCompletion[] = [];
  const waiting = new Set<() => void>();
  let packets = 0;
  let ready = () => {};
  const there = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const host = await createWhisperHost({
    crypto,
    trustedPeers: [of.enode],
    onPeer: () => ready(),
    onP2pMessages: (_, received) => {
      packets++;
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
    /** Packets of envelopes that have come. */
    get packets() {
      return packets;
    },
    peers: () => host.peers.length,
    /** What comes up to the completion of that request. */
    answerTo: (requestId: Uint8Array) =>
      new Promise<{ messages: string[]; completion: MailCompletion }>((resolve) => {
        const hash = hexOf(requestId);
        const look = () => {
          const completion = completions.find(({ requestId }) => hexOf(requestId) === hash);
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
  return asker.answerTo(envelopeHash(crypto, sealed));
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

/** What is sent, of a request that is answered. */
async function askFor(request: MailRequest) {
  const { messages, completion } = await ask(request);
  if (completion.outcome === 'refused') throw new Error(completion.reason);
  return { messages, ...completion };
}

describe('the mailserver', () => {
  it('sends what it has, the oldest first, and says that this was all', async () => {
    const { messages, cursor } = await askFor(everything());
    expect([...messages].sort()).toEqual([...published].sort());
    expect(cursor.length).toBe(0);
  });

  it('sends it page by page, each once', async () => {
    const all: string[] = [];
    let cursor: Uint8Array = new Uint8Array(0);
    let pages = 0;
    do {
      const page = await askFor({ ...everything(), limit: 10, cursor });
      all.push(...page.messages);
      cursor = page.cursor;
      pages++;
    } while (cursor.length > 0);
    expect(pages).toBe(3);
    expect([...all].sort()).toEqual([...published].sort());
  });

  it('many a packet where that is asked for, and one a packet where it is not', async () => {
    const packetsOf = async (batch: boolean) => {
      const before = asker.packets;
      expect((await askFor({ ...everything(), batch })).messages.length).toBe(25);
      return asker.packets - before;
    };
    expect([await packetsOf(true), await packetsOf(false)]).toEqual([1, 25]);
  });

  it("accepts go-ethereum's raw bytes", async () => {
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setUint32(0, now() - 3_600);
    new DataView(payload.buffer).setUint32(4, now() + 60);
    const sealed = await sealPayload(payload);
    await asker.send(sealed);
    expect((await asker.answerTo(envelopeHash(crypto, sealed))).messages.length).toBe(25);
  });

  it('keeps to times and topics', async () => {
    const long = { lower: now() - 80_000, upper: now() - 3_600 };
    expect((await askFor({ ...everything(), ...long })).messages).toEqual([]);
    expect((await askFor({ ...everything(), bloom: new Uint8Array(64) })).messages).toEqual([]);
  });

  it.each([
    [
      'another password',
      async () => sealMailRequest(everything(), { ...sealing(), key: crypto.randomBytes(32) }),
      'failed to decrypt p2p request',
    ],
    [
      'unsigned',
      () => sealPayload(encodeMailRequest(everything()), { signed: false }),
      'request is invalid: it is not signed',
    ],
    ['nonsense inside', () => sealPayload(new Uint8Array(50)), 'request is invalid: 50 bytes'],
    [
      'sealed long ago',
      () => sealMailRequest(everything(), { ...sealing(), now: now() - 600 }),
      'request is invalid: it has expired',
    ],
    [
      'TTL above the ceiling',
      () => sealPayload(encodeMailRequest(everything()), { ttl: 1_000 }),
      'request is invalid: it would live more than 300 s',
    ],
    ['larger than any request', () => sealPayload(new Uint8Array(10_000)), 'the request is too large'],
    [
      'more than a day',
      () => sealMailRequest({ ...everything(), lower: now() - 90_000 }, sealing()),
      'request is invalid: query range must be smaller or equal to 24 hours',
    ],
  ])('%s: refused in words, and the next is answered', async (_, make, reason) => {
    const sealed = await make();
    await asker.send(sealed);
    const { messages, completion } = await asker.answerTo(envelopeHash(crypto, sealed));
    expect(messages).toEqual([]);
    expect(completion).toMatchObject({ outcome: 'refused', reason });
    expect((await askFor({ ...everything(), limit: 1 })).messages.length).toBe(1);
  });

  it('a bare request: refused in words where the password is a secret, and who asks stays', async () => {
    const id = crypto.randomBytes(32);
    const body = encodeBareMailRequest({ ...everything(), id });
    await asker.send(body);
    expect((await asker.answerTo(id)).completion).toMatchObject({
      outcome: 'refused',
      reason: 'a password is needed here',
    });
    // Of a form that nobody knows: passed over.
    await asker.send(concatBytes(Uint8Array.of(0xe3, 0xa0), id, Uint8Array.of(0xc0, 1)));
    expect((await askFor({ ...everything(), limit: 1 })).messages.length).toBe(1);
    expect(asker.peers()).toBe(1);
  });
});

describe('a mailserver with the password that everybody knows', () => {
  it('answers bare requests as sealed ones', async () => {
    const open = await startNode([], { WHISPER_NODE_MAIL_PASSWORD: 'status-offline-inbox' });
    const client = await startAsker(open);
    try {
      const envelope = await sealEnvelope({ topic: crypto.randomBytes(4) });
      await client.host.publish(envelope);
      await vi.waitUntil(async () => (await open.metric('whisper_node_archive_envelopes')) === 1);
      const id = crypto.randomBytes(32);
      await client.send(encodeBareMailRequest({ ...everything(), id }));
      const { messages, completion } = await client.answerTo(id);
      expect(messages).toEqual([hexOf(envelope)]);
      expect(completion).toMatchObject({ outcome: 'completed', lastHash: envelopeHash(crypto, envelope) });
      const long = crypto.randomBytes(32);
      await client.send(encodeBareMailRequest({ ...everything(), lower: now() - 90_000, id: long }));
      expect((await client.answerTo(long)).completion.outcome).toBe('refused');
    } finally {
      await client.host.close();
      await open.close();
    }
  });
});
