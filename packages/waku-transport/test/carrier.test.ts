import { encodeUtf8, type Topic } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { refusedArgument } from '@sotto/testing/refused-argument';
import { describe, expect, it } from 'vitest';
import {
  contentTopicOf,
  createWakuCarrier,
  decodeWakuMessage,
  encodeWakuMessage,
  MAX_MESSAGE_BYTES,
  pubsubTopicOf,
  STATUS_PUBSUB_TOPIC,
  type WakuCarrierOptions,
  type WakuProtoMessage,
  type WakuStream,
} from '../src/index.js';
import { ScriptedWaku } from './scripted-waku.js';

const TOPIC = Uint8Array.of(1, 2, 3, 4);
const text = (envelope: Uint8Array) => new TextDecoder().decode(envelope);

/** A message as of another client. */
const foreign = (payload: string, more: Partial<WakuProtoMessage> = {}): WakuProtoMessage => ({
  payload: encodeUtf8(payload),
  contentTopic: contentTopicOf(TOPIC),
  version: 1,
  timestamp: 1_000_000_000n,
  meta: undefined,
  ephemeral: undefined,
  ...more,
});

async function open(
  waku: ScriptedWaku,
  options: WakuCarrierOptions = {},
  topics: readonly Topic[] = [TOPIC],
) {
  const node = waku.lightNode();
  const arrived: string[] = [];
  const times: (number | undefined)[] = [];
  const statuses: string[] = [];
  const connection = await createWakuCarrier(node, options).open({
    onEnvelope(_topic, envelope, _fromHistory, sentAt) {
      arrived.push(text(envelope));
      times.push(sentAt);
    },
    onStatus: (status) => void statuses.push(status),
  });
  await connection.subscribe(topics);
  return { node, connection, arrived, times, statuses };
}

describe('sending', () => {
  it('labels the message 1, dates it, and asks the node not to retry by itself', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock(1_700_000_000_000);
    const { connection, node } = await open(waku, { clock });
    const options: unknown[] = [];
    const { send } = node.lightPush;
    Object.assign(node.lightPush, {
      send: (...args: Parameters<typeof send>) => {
        options.push((args as unknown[])[2]);
        return send(...args);
      },
    });
    await connection.publish(TOPIC, encodeUtf8('one'));
    await connection.publish(TOPIC, encodeUtf8('one'), { sentAt: 1_600_000_000_000 });
    expect(options).toEqual([{ autoRetry: false }, { autoRetry: false }]);
    expect(waku.stored.map(({ pubsubTopic }) => pubsubTopic)).toEqual([
      STATUS_PUBSUB_TOPIC,
      STATUS_PUBSUB_TOPIC,
    ]);
    expect(waku.stored.map(({ message }) => message)).toMatchObject([
      { version: 1, timestamp: 1_700_000_000_000_000_000n, ephemeral: false },
      { version: 1, timestamp: 1_600_000_000_000_000_001n, ephemeral: false },
    ]);
    await connection.close();
  });

  it('sends the same content twice at the same time as two messages', async () => {
    const waku = new ScriptedWaku();
    const { connection, arrived } = await open(waku, { clock: manualClock() });
    await connection.publish(TOPIC, encodeUtf8('again'));
    await connection.publish(TOPIC, encodeUtf8('again'));
    expect(arrived).toEqual(['again', 'again']);
    await connection.close();
  });

  it.each([
    ['No peer available', 'TRANSPORT_UNAVAILABLE'],
    ['Remote peer rejected', 'TRANSPORT_UNAVAILABLE'],
    ['Stream aborted', 'TRANSPORT_UNAVAILABLE'],
    ['something new', 'TRANSPORT_UNAVAILABLE'],
    ['Topic not configured', 'TRANSPORT_REFUSED'],
    ['Size is too big', 'TRANSPORT_REFUSED'],
  ])('fails with the node: %s', async (refusal, code) => {
    const waku = new ScriptedWaku();
    const { connection } = await open(waku);
    waku.faults.refusal = refusal;
    await expect(connection.publish(TOPIC, encodeUtf8('x'))).rejects.toMatchObject({ code });
    delete waku.faults.refusal;
    await connection.publish(TOPIC, encodeUtf8('x'));
    await connection.close();
  });

  it('wants as many confirmations as asked for', async () => {
    const { connection } = await open(new ScriptedWaku(), { confirmations: 2 });
    await expect(connection.publish(TOPIC, encodeUtf8('x'))).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
      details: { reason: expect.stringContaining('1 of 2') },
    });
    await connection.close();
  });

  it('gives up on a node that never answers', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection } = await open(waku, { clock, callTimeout: 5_000 });
    waku.faults.silent = true;
    const publishing = connection.publish(TOPIC, encodeUtf8('x'));
    const refusal = expect(publishing).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await clock.advanceAndRest(5_000);
    await refusal;
    await connection.close();
  });

  it('has at most 16 messages on their way at once, and sends none for a connection that was closed', async () => {
    const waku = new ScriptedWaku();
    const { connection, node } = await open(waku);
    const answers: (() => void)[] = [];
    const sent: string[] = [];
    Object.assign(node.lightPush, {
      send: (_encoder: unknown, { payload }: { payload: Uint8Array }) => {
        sent.push(text(payload));
        return new Promise((resolve) => answers.push(() => resolve({ successes: ['peer'], failures: [] })));
      },
    });
    const names = Array.from({ length: 40 }, (_, i) => `${i}`);
    const publishing = names.map((name) => connection.publish(TOPIC, encodeUtf8(name)));
    const settled = Promise.allSettled(publishing);
    await expect.poll(() => sent).toEqual(names.slice(0, 16));
    for (const answer of answers.splice(0, 4)) answer();
    await expect.poll(() => sent).toEqual(names.slice(0, 20));
    await connection.close();
    for (const answer of answers) answer();
    const outcomes = (await settled).map(({ status }) => status);
    expect(outcomes.filter((status) => status === 'fulfilled')).toHaveLength(4);
    expect(sent).toEqual(names.slice(0, 20));
  });

  it('fills a message of 1 MiB exactly, whatever the time', async () => {
    const waku = new ScriptedWaku();
    const carrier = createWakuCarrier(waku.lightNode());
    const connection = await carrier.open({ onEnvelope() {} });
    await connection.publish(TOPIC, new Uint8Array(carrier.capabilities.maxEnvelopeBytes).fill(1), {
      sentAt: Date.parse('2200-01-01T00:00:00Z'),
    });
    const { message } = waku.stored[0] as { readonly message: WakuProtoMessage };
    const { payload, contentTopic, version, timestamp, meta, ephemeral } = message;
    const size = encodeWakuMessage({ payload, contentTopic, version, timestamp, meta, ephemeral }).length;
    expect(size).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    await connection.close();
  });
});

describe('receiving', () => {
  it('takes labels 0, 1 and none, reports the time, and ignores everything else', async () => {
    const waku = new ScriptedWaku();
    const { connection, arrived, times } = await open(waku);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('label 1'));
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('label 0', { version: 0 }));
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('no label', { version: undefined, timestamp: undefined }));
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('label 2', { version: 2 }));
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('other form', { contentTopic: '/app/1/x/proto' }));
    await waku.accept(pubsubTopicOf(16, 64), foreign('other shard'));
    expect(arrived).toEqual(['label 1', 'label 0', 'no label']);
    expect(times).toEqual([1_000, 1_000, undefined]);
    await connection.close();
  });

  it('ignores what is larger than messages may be, also from a store', async () => {
    const waku = new ScriptedWaku();
    const { connection, arrived } = await open(waku, { maxMessageBytes: 4096 });
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('x'.repeat(4097)));
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('heard'));
    await connection.history?.([TOPIC], 0, 10_000);
    expect(arrived).toEqual(['heard', 'heard']);
    await connection.close();
  });

  it('delivers once what several peers send', async () => {
    const waku = new ScriptedWaku();
    const { connection, arrived } = await open(waku);
    waku.faults.copies = 3;
    await connection.publish(TOPIC, encodeUtf8('once'));
    expect(arrived).toEqual(['once']);
    await connection.close();
  });

  it('spreads topics over shards', async () => {
    const waku = new ScriptedWaku();
    const pubsubTopic = (topic: Topic) => pubsubTopicOf(16, (topic[0] as number) % 8);
    const other = Uint8Array.of(2, 2, 3, 4);
    const { connection, arrived } = await open(waku, { pubsubTopic }, [TOPIC, other]);
    await connection.publish(TOPIC, encodeUtf8('a'));
    await connection.publish(other, encodeUtf8('b'));
    expect(waku.stored.map((one) => one.pubsubTopic)).toEqual(['/waku/2/rs/16/1', '/waku/2/rs/16/2']);
    expect(arrived).toEqual(['a', 'b']);
    await connection.history?.([TOPIC, other], 0, Date.now() + 1000);
    expect(arrived).toEqual(['a', 'b', 'a', 'b']);
    await connection.close();
  });
});

describe('the streams on which service nodes push messages', () => {
  const stream = (over: Partial<WakuStream>) => {
    const one = {
      protocol: '/vac/waku/filter-push/2.0.0-beta1',
      direction: 'inbound' as const,
      readStatus: 'closed',
      writeStatus: 'ready',
      closeWrite: async () => {
        one.writeStatus = 'closed';
      },
      ...over,
    };
    return one;
  };

  it('are closed when the service node has ended them, and no others', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node } = await open(waku, { clock });
    const others = [
      stream({ readStatus: 'ready' }),
      stream({ direction: 'outbound' }),
      stream({ protocol: '/vac/waku/metadata/1.0.0' }),
      stream({ protocol: undefined }),
    ];
    node.streams.push(stream({}), ...others);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('one'));
    expect(node.streams.map(({ writeStatus }) => writeStatus)).toEqual([
      'closed',
      ...others.map(() => 'ready'),
    ]);
    // The end of a stream comes after its message.
    const last = stream({ closeWrite: () => Promise.reject(new Error('gone')) });
    node.streams.push(last);
    Object.assign(others[0] as object, { readStatus: 'closed' });
    await clock.advanceAndRest(10);
    expect(others[0]?.writeStatus).toBe('closed');
    await connection.close();
    expect(clock.next()).toBeUndefined();
  });
});

describe('lost peers', () => {
  it('hears a topic that was left and returns, though the request that ended it was overtaken', async () => {
    const waku = new ScriptedWaku();
    const { connection, node, arrived } = await open(waku);
    waku.faults.overtaken = true;
    await connection.subscribe([]);
    await connection.subscribe([TOPIC]);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('heard'));
    expect(arrived).toEqual(['heard']);
    expect(node.calls).toEqual(['subscribe 1', 'subscribe 1']);
    await connection.close();
  });

  it('subscribes again with other peers when the service node has forgotten us', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node, arrived, statuses } = await open(waku, { clock, checkInterval: 10_000 });
    node.forget();
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('missed'));
    await clock.advanceAndRest(10_000);
    expect(node.calls).toEqual(['subscribe 1', 'unsubscribe all', 'subscribe 1']);
    expect(statuses).toEqual(['reconnecting', 'connected']);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('heard'));
    expect(arrived).toEqual(['heard']);
    await connection.close();
  });

  it('leaves a healthy subscription alone', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node, statuses } = await open(waku, { clock, checkInterval: 10_000 });
    await clock.advanceAndRest(60_000);
    expect([node.calls, statuses]).toEqual([['subscribe 1'], []]);
    await connection.close();
  });

  it('looks twice at most, however often peers come and go meanwhile', async () => {
    const { connection, node, statuses } = await open(new ScriptedWaku(), { clock: manualClock() });
    for (let i = 0; i < 1_000; i++) node.connect();
    await expect.poll(() => node.pings).toBeGreaterThan(0);
    await connection.subscribe([TOPIC]);
    expect(node.pings).toBeLessThanOrEqual(2);
    expect(statuses).toEqual([]);
    await connection.close();
  });

  it('keeps trying, less and less often, until a peer accepts', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node, arrived, statuses } = await open(waku, { clock });
    waku.faults.deaf = true;
    node.forget();
    await clock.advanceAndRest(120_000);
    const attempts = node.calls.filter((call) => call.startsWith('subscribe')).length;
    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(20);
    expect(statuses).toEqual(['reconnecting']);
    waku.faults.deaf = false;
    await clock.advanceAndRest(60_000);
    expect(statuses).toEqual(['reconnecting', 'connected']);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('heard'));
    expect(arrived).toEqual(['heard']);
    await connection.close();
  });

  it('reports a subscription that is refused, and makes it later', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, arrived } = await open(waku, { clock }, []);
    waku.faults.deaf = true;
    await expect(connection.subscribe([TOPIC])).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    waku.faults.deaf = false;
    await clock.advanceAndRest(60_000);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('heard'));
    expect(arrived).toEqual(['heard']);
    await connection.close();
  });

  it('is unavailable while the node has no peers', async () => {
    const waku = new ScriptedWaku();
    const node = waku.lightNode();
    node.disconnect();
    const opening = createWakuCarrier(node).open({ onEnvelope() {} });
    await expect(opening).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    expect(node.listeners).toBe(0);
  });

  it('leaves no timers, listeners or subscriptions behind', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node, arrived } = await open(waku, { clock });
    await connection.close();
    expect([clock.next(), node.listeners]).toEqual([undefined, 0]);
    await waku.accept(STATUS_PUBSUB_TOPIC, foreign('too late'));
    expect(arrived).toEqual([]);
  });

  it('asks for many topics in requests that service nodes accept', async () => {
    const many = Array.from({ length: 250 }, (_, i) => Uint8Array.of(0, 0, i >> 8, i & 0xff));
    const { connection, node } = await open(new ScriptedWaku(), {}, many);
    expect(node.calls).toEqual(['subscribe 100', 'subscribe 100', 'subscribe 50']);
    await connection.close();
  });
});

describe('history', () => {
  const fill = async (waku: ScriptedWaku, count: number) => {
    for (let i = 0; i < count; i++)
      await waku.accept(STATUS_PUBSUB_TOPIC, foreign(`m${i}`, { timestamp: 1_000_000_000n + BigInt(i) }));
  };
  const named = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);

  it('comes by pages, exact to the nanosecond', async () => {
    const waku = new ScriptedWaku();
    await fill(waku, 350);
    const { connection, arrived, node } = await open(waku);
    await connection.history?.([TOPIC], 0, 2_000);
    expect(arrived).toEqual(named(350));
    expect(node.calls.filter((call) => call.startsWith('page'))).toHaveLength(5);
    await connection.close();
  });

  it('resumes at the cursor after pages that failed', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock(5_000);
    await fill(waku, 150);
    const { connection, arrived } = await open(waku, { clock });
    waku.faults.failingPages = 2;
    const reading = connection.history?.([TOPIC], 0, 2_000);
    await clock.advanceAndRest(3_000);
    await reading;
    expect(arrived).toEqual(named(150));
    waku.faults.failingPages = 3;
    const failing = expect(connection.history?.([TOPIC], 0, 2_000)).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await clock.advanceAndRest(3_000);
    await failing;
    await connection.close();
  });

  it('asks for few topics at once', async () => {
    const topics = Array.from({ length: 25 }, (_, i) => Uint8Array.of(0, 0, 0, i));
    const { connection, node } = await open(new ScriptedWaku(), {}, topics);
    await connection.history?.(topics, 0, 2_000);
    const pages = node.calls.filter((call) => call.startsWith('page'));
    expect(pages).toEqual(['page of 10', 'page of 10', 'page of 5']);
    await connection.close();
  });

  it('drops what a store adds: other topics, and other times', async () => {
    const waku = new ScriptedWaku();
    await fill(waku, 1);
    const { connection, arrived } = await open(waku);
    waku.faults.page = (page, cursor) =>
      cursor === undefined
        ? [
            foreign('other topic', { contentTopic: contentTopicOf(Uint8Array.of(9, 9, 9, 9)) }),
            foreign('too late', { timestamp: 9_000_000_000n }),
            foreign('undated', { timestamp: undefined }),
            foreign('label 2', { version: 2 }),
            ...page,
          ]
        : [];
    await connection.history?.([TOPIC], 500, 2_000);
    expect(arrived).toEqual(['m0']);
    await connection.close();
  });

  it('ends with a store that gives the same page for ever', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock(5_000);
    const { connection } = await open(waku, { clock });
    waku.faults.page = () => [foreign('again')];
    const failing = expect(connection.history?.([TOPIC], 0, 2_000)).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await clock.advanceAndRest(5_000);
    await failing;
    await connection.close();
  });

  it('ends with a store that always has more', async () => {
    const waku = new ScriptedWaku();
    const { connection } = await open(waku, { maxHistoryMessages: 1_000 });
    let n = 0;
    waku.faults.page = () => Array.from({ length: 100 }, () => foreign(`n${n++}`));
    await expect(connection.history?.([TOPIC], 0, 2_000)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 1_000 },
    });
    expect(n).toBe(1_100);
    await connection.close();
  });

  it('ends when the connection is closed, though the store always has more', async () => {
    const waku = new ScriptedWaku();
    const { connection } = await open(waku);
    let [n, pages] = [0, 0];
    waku.faults.page = () => {
      if (++pages === 3) void connection.close();
      return Array.from({ length: 100 }, () => foreign(`n${n++}`));
    };
    await expect(connection.history?.([TOPIC], 0, 2_000)).rejects.toMatchObject({ code: 'CLOSED' });
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    expect(pages).toBe(3);
  });

  it('ends with a store that is slow for ever', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock(1_000_000);
    const { connection } = await open(waku, { clock });
    let pages = 0;
    waku.faults.page = () => {
      clock.advance(10_000);
      return [foreign(`page ${pages}`, { timestamp: BigInt(++pages) * 1_000_000n })];
    };
    await expect(connection.history?.([TOPIC], 0, 1_000_000)).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    expect(pages).toBe(61);
    await connection.close();
  });

  it('believes no empty answer of peers of which one, at least, has no store', async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node } = await open(waku, { clock });
    const protocols = new Map<unknown, readonly string[]>();
    Object.assign(node.libp2p, {
      getConnections: () => [...protocols.keys()].map((remotePeer) => ({ remotePeer, streams: [] })),
      peerStore: {
        get: async (peer: unknown) => {
          if (peer === 'unknown') throw new Error('Not found');
          return { protocols: protocols.get(peer) ?? [] };
        },
      },
    });
    const pages = async () => {
      node.calls.length = 0;
      await connection.history?.([TOPIC], 0, 1);
      return node.calls.filter((call) => call.startsWith('page')).length;
    };
    protocols.set('with', ['/vac/waku/store-query/3.0.0']);
    expect(await pages()).toBe(1);
    protocols.set('without', ['/vac/waku/metadata/1.0.0']);
    expect(await pages()).toBe(8);
    protocols.delete('with');
    protocols.set('unknown', []);
    const failing = expect(pages()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    await clock.advanceAndRest(10_000);
    await failing;
    await connection.close();
  });

  it("isn't taken for empty while the node has no peers", async () => {
    const waku = new ScriptedWaku();
    const clock = manualClock();
    const { connection, node } = await open(waku, { clock });
    node.disconnect();
    const failing = expect(connection.history?.([TOPIC], 0, 2_000)).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await clock.advanceAndRest(5_000);
    await failing;
    await connection.close();
  });

  it('is there when the node has a store, or as the application says', () => {
    const node = new ScriptedWaku().lightNode();
    const { store: _, ...without } = { ...node, store: undefined };
    expect(createWakuCarrier(node).capabilities.history).toBe(true);
    expect(createWakuCarrier(without).capabilities.history).toBe(false);
    expect(createWakuCarrier(node, { history: false }).capabilities.history).toBe(false);
  });
});

describe('arguments and bytes', () => {
  const node = new ScriptedWaku().lightNode();

  it.each([
    ['confirmations', { confirmations: 0 }],
    ['maxMessageBytes', { maxMessageBytes: 2 * MAX_MESSAGE_BYTES }],
    ['maxMessageBytes', { maxMessageBytes: 100 }],
  ] as const)('refuses %s', async (what, options) => {
    expect(await refusedArgument(() => createWakuCarrier(node, options))).toBe(what);
  });

  it.each([
    ['cluster', -1, 0],
    ['shard', 16, 65_536],
    ['shard', 16, 0.5],
  ] as const)('refuses %s of a pubsub topic', async (what, cluster, shard) => {
    expect(await refusedArgument(() => pubsubTopicOf(cluster, shard))).toBe(what);
  });

  it.each([
    ['cut off', Uint8Array.of(0x0a, 0x05, 1)],
    ['a payload that is a number', Uint8Array.of(0x08, 0x05)],
    ['a time that is bytes', Uint8Array.of(0x52, 0x01, 0x00)],
    ['a tag of field 0', Uint8Array.of(0x00, 0x00)],
    ['a length beyond all bounds', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
  ])('refuses a message: %s', (_, bytes) => {
    expect(() => decodeWakuMessage(bytes)).toThrow(expect.objectContaining({ code: 'MALFORMED_MESSAGE' }));
  });

  it('refuses a message above 1 MiB before reading it', () => {
    const bytes = new Uint8Array(MAX_MESSAGE_BYTES + 1);
    expect(() => decodeWakuMessage(bytes)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
  });

  it('skips fields that it does not know', () => {
    const known = encodeWakuMessage({ payload: Uint8Array.of(1), contentTopic: 'x' });
    const bytes = new Uint8Array([...known, 0xaa, 0x01, 0x01, 0x07]);
    expect(decodeWakuMessage(bytes)).toEqual({ payload: Uint8Array.of(1), contentTopic: 'x' });
  });
});
