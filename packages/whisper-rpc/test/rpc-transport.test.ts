import { createInbox } from '@sotto/compliance/inbox';
import { type Channel, type ChannelKeyCache, encodeHex, type KeyPair } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { manualClock, rest } from '@sotto/testing/clock';
import { createRpcTransport, type RpcTransportOptions } from '@sotto/whisper-rpc';
import { topicOf } from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import { pretendNode } from './pretend-node.js';

const crypto = defaultProvider();
const { secp256k1 } = crypto;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const chat: Channel = { kind: 'public', name: 'chat' };
const topic = `0x${encodeHex(topicOf(crypto, 'chat'))}`;
const stranger = secp256k1.generateKeyPair();

/** A message as a node reports it. */
function told(fields: Readonly<Record<string, unknown>> = {}) {
  const sig = `0x${encodeHex(secp256k1.uncompressPublicKey(stranger.publicKey))}`;
  const hash = `0x${encodeHex(crypto.randomBytes(32))}`;
  return { sig, ttl: 15, timestamp: 1_795_403_367, topic, payload: '0xaabb', pow: 1, hash, ...fields };
}

describe.each(['ws', 'http'] as const)('a Whisper node by %s', (scheme) => {
  function world() {
    const clock = manualClock();
    const { node, server } = pretendNode();
    const logged: string[] = [];
    const log = (event: string) => logged.push(event);
    const logger = { debug: log, info: log, warn: log, error: log };
    const options: RpcTransportOptions = {
      url: `${scheme}://127.0.0.1:1`,
      crypto,
      clock,
      logger,
      webSocket: server.webSocket,
      fetch: server.fetch,
    };
    const join = async (identity: KeyPair = secp256k1.generateKeyPair()) => {
      const box = createInbox(identity);
      const connection = await createRpcTransport(options).connect(box.party);
      return { ...box, identity, connection };
    };
    /** The node goes away, and everybody notices. */
    const leave = async () => {
      server.down = true;
      server.cut();
      await clock.advanceAndRest(1_000);
    };
    const comeBack = async () => {
      server.down = false;
      await clock.advanceAndRest(60_000);
    };
    return { clock, node, server, logged, options, join, leave, comeBack };
  }

  it('reads channel keys from the cache in ConnectOptions, and stores there what it had to derive', async () => {
    const { options } = world();
    const kept = new Map<string, Uint8Array>();
    let retained: ReadonlySet<string> | undefined;
    const channelKeys: ChannelKeyCache = {
      get: async (ids) =>
        new Map(ids.flatMap((id) => (kept.has(id) ? [[id, kept.get(id) as Uint8Array]] : []))),
      put: async (id, key) => void kept.set(id, key),
      retain: async (ids) => {
        retained = ids;
      },
    };
    const derivedBy = async () => {
      let derived = 0;
      const counting = {
        ...crypto,
        pbkdf2Sha256: (request: Parameters<typeof crypto.pbkdf2Sha256>[0]) => {
          derived++;
          return crypto.sha256(request.password);
        },
      };
      const box = createInbox(secp256k1.generateKeyPair());
      const connection = await createRpcTransport({ ...options, crypto: counting }).connect({
        ...box.party,
        channelKeys,
      });
      await connection.subscribe([chat]);
      await connection.close();
      return derived;
    };
    expect([await derivedBy(), await derivedBy()]).toEqual([1, 0]);
    expect([...(retained ?? [])]).toEqual([...kept.keys()]);
  });

  it('says what it can', () => {
    expect(createRpcTransport(world().options).capabilities).toEqual({
      maxPayloadBytes: 1024 * 1024 - 1024,
      history: false,
      confirmsSend: true,
      pseudonyms: 'received',
    });
  });

  it('refuses to sign with another key than the node holds', async () => {
    const { join } = world();
    const alice = await join();
    const signer = secp256k1.generateKeyPair();
    await expect(alice.connection.send(chat, bytesOf('hello'), { signer })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'signer' },
    });
  });

  it('drops what is unsigned, malformed, or of another topic, and only logs it', async () => {
    const { node, clock, join, logged } = world();
    const alice = await join();
    await alice.connection.subscribe([chat]);
    for (const bad of [
      told({ sig: undefined }),
      told({ sig: '0x' }),
      told({ sig: '0x04' }),
      told({ sig: `0x04${'00'.repeat(64)}` }),
      told({ payload: 'hello' }),
      told({ payload: 7 }),
      told({ payload: `0x${'00'.repeat(1024 * 1024 + 1)}` }),
      told({ timestamp: 'now' }),
      told({ timestamp: Number.MAX_VALUE }),
      told({ hash: undefined }),
      told({ topic: 7 }),
    ]) {
      node.deliver(bad, topic);
    }
    node.deliver(told({ topic: '0x01020304' }), topic);
    node.deliver(told());
    await clock.advanceAndRest(1_000);
    expect(alice.messages).toEqual([
      {
        sender: stranger.publicKey,
        payload: Uint8Array.of(0xaa, 0xbb),
        channel: chat,
        sentAt: 1_795_403_367_000,
        fromHistory: false,
      },
    ]);
    expect(logged).toHaveLength(12);
    await alice.connection.close();
  });

  it('duplicates by hash and by message: once', async () => {
    const { node, clock, join } = world();
    const alice = await join();
    await alice.connection.subscribe([chat]);
    const message = told();
    node.deliver(message);
    node.deliver(message);
    node.deliver(told());
    node.deliver(told({ payload: '0xcc' }));
    await clock.advanceAndRest(1_000);
    expect(alice.messages.map(({ payload }) => encodeHex(payload))).toEqual(['aabb', 'cc']);
    await alice.connection.close();
  });

  it('does not bring back what it sent, and brings what another device of the same identity sent', async () => {
    const { clock, join } = world();
    const first = await join();
    const second = await join(first.identity);
    for (const { connection } of [first, second]) await connection.subscribe([chat]);
    await first.connection.send(chat, bytesOf('from the first'));
    await clock.advanceAndRest(1_000);
    expect([first.texts(), second.texts()]).toEqual([[], ['from the first']]);
    for (const { connection } of [first, second]) await connection.close();
  });

  it('holds no more messages than may wait, however many the node gives', async () => {
    const { node, clock, options } = world();
    const waiting: (() => void)[] = [];
    const connection = await createRpcTransport({ ...options, maxWaitingBytes: 20_000 }).connect({
      identity: secp256k1.generateKeyPair(),
      onMessage: () => new Promise<void>((resolve) => waiting.push(resolve)),
    });
    await connection.subscribe([chat]);
    const message = (i: number) => told({ payload: `0x${String(i).padStart(2_000, '0')}` });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) node.deliver(message(10 * round + i));
      await clock.advanceAndRest(1_000);
      expect(waiting.length).toBeLessThanOrEqual(10);
    }
    node.deliver(message(30));
    let later = 0;
    while (waiting.length > 0) {
      for (const resolve of waiting.splice(0)) resolve();
      await clock.advanceAndRest(1_000);
      later += waiting.length;
    }
    // A filter still has them, a subscription doesn't.
    expect(later).toBe(scheme === 'http' ? 21 : 0);
    node.deliver(message(99));
    await clock.advanceAndRest(1_000);
    expect(waiting).toHaveLength(1);
    await connection.close();
  });

  it('redelivers a message that was not stored', async () => {
    const { node, clock, options } = world();
    let tries = 0;
    const connection = await createRpcTransport(options).connect({
      identity: stranger,
      async onMessage() {
        if (++tries < 3) throw new Error('the disk is full');
      },
    });
    await connection.subscribe([chat]);
    node.deliver(told());
    await clock.advanceAndRest(10_000);
    expect(tries).toBe(3);
    await connection.close();
  });

  it('a node that disconnects during a send: the send is retried with the same message', async () => {
    const { node, clock, join, leave, comeBack } = world();
    const alice = await join();
    node.silent.add('shh_post');
    const { signal } = new AbortController();
    const sent = alice.connection.send(chat, bytesOf('hello'), { signal });
    await rest();
    await leave();
    await clock.advanceAndRest(120_000);
    expect(alice.statuses).toEqual(['reconnecting']);
    node.silent.clear();
    await comeBack();
    await sent;
    expect(alice.statuses).toEqual(['reconnecting', 'connected']);
    const payloads = node.calls.flatMap(({ method, params }) =>
      method === 'shh_post' ? [(params[0] as { payload: string }).payload] : [],
    );
    const hello = `0x${encodeHex(bytesOf('hello'))}`;
    expect(payloads).toEqual([hello, hello]);
    await alice.connection.close();
    expect(alice.statuses.at(-1)).toBe('closed');
  });

  it('a send without a signal does not wait for ever', async () => {
    const { clock, join, leave } = world();
    const alice = await join();
    await leave();
    const sent = expect(alice.connection.send(chat, bytesOf('hello'))).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await clock.advanceAndRest(5_000);
    await sent;
    const closing = alice.connection.close();
    await clock.advanceAndRest(60_000);
    await closing;
  });

  it('a node that restarts and forgets keys and filters: they are installed again', async () => {
    const { node, clock, join, leave, comeBack } = world();
    const alice = await join();
    await alice.connection.subscribe([chat, { kind: 'discovery', recipient: alice.identity.publicKey }]);
    await leave();
    node.forget();
    await comeBack();
    expect(node.filters).toBe(2);
    node.deliver(told());
    await clock.advanceAndRest(1_000);
    expect(alice.messages).toHaveLength(1);
    await alice.connection.send(chat, bytesOf('hello'));
    await alice.connection.close();
    expect([node.keys, node.filters]).toEqual([0, 0]);
  });

  it('forgets keys silently: they are installed again', async () => {
    const { node, join } = world();
    const alice = await join();
    await alice.connection.send(chat, bytesOf('before'));
    node.forget();
    await alice.connection.send(chat, bytesOf('after'));
    node.forget();
    await alice.connection.subscribe([chat]);
    // That of the channel; the one that signs when something is sent.
    expect([node.keys, node.filters]).toEqual([1, 1]);
    await alice.connection.close();
    expect(node.keys).toBe(0);
  });

  it('keeps forgetting: TRANSPORT_UNAVAILABLE, so that the message is kept', async () => {
    const { node, join } = world();
    const alice = await join();
    node.refusals.set('shh_post', Array(10).fill('invalid id'));
    await expect(alice.connection.send(chat, bytesOf('hello'))).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    await alice.connection.close();
  });

  it('what is listened to while the node is away is installed when it is back', async () => {
    const { node, clock, join, leave, comeBack } = world();
    const alice = await join();
    await leave();
    await alice.connection.subscribe([chat]);
    await comeBack();
    node.deliver(told());
    await clock.advanceAndRest(1_000);
    expect(alice.messages).toHaveLength(1);
    await alice.connection.close();
  });

  it('listening to less removes filters, and to the same again changes nothing', async () => {
    const { node, join } = world();
    const alice = await join();
    const other: Channel = { kind: 'public', name: 'other' };
    await alice.connection.subscribe([chat, other]);
    const before = node.calls.length;
    await alice.connection.subscribe([chat, other]);
    expect(node.calls.length).toBe(before);
    await alice.connection.subscribe([other]);
    expect(node.filters).toBe(1);
    await expect(
      alice.connection.subscribe([{ kind: 'partitioned', recipient: stranger.publicKey }]),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await alice.connection.close();
  });

  it('asks the node anew when it wants more work than before, and has offlineTimeout when it is slow', async () => {
    const { node, clock, join } = world();
    const alice = await join();
    node.minPow = 0.2;
    node.refusals.set('shh_post', [
      'message rejected, PoW too low',
      'failed to reach the PoW target, specified pow time (5 seconds) was insufficient',
    ]);
    const sent = alice.connection.send(chat, bytesOf('hello'));
    await clock.advanceAndRest(1_000);
    await sent;
    const targets = node.calls.flatMap(({ method, params }) =>
      method === 'shh_post' ? [(params[0] as { powTarget: number }).powTarget] : [],
    );
    expect(targets).toEqual([0.002, 0.2, 0.2]);
    await alice.connection.close();
  });

  it('a refusal that does not pass: TRANSPORT_REFUSED', async () => {
    const { node, join } = world();
    const alice = await join();
    node.refusals.set('shh_post', ['message size exceeded: too large']);
    await expect(alice.connection.send(chat, bytesOf('hello'))).rejects.toMatchObject({
      code: 'TRANSPORT_REFUSED',
      message: expect.stringContaining('Send smaller messages'),
    });
    await expect(alice.connection.send(chat, new Uint8Array(1024 * 1024))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    await alice.connection.close();
  });

  it('does not connect to a node without Whisper, to an unreachable one, or when the caller has aborted', async () => {
    const { node, server, clock, join, options } = world();
    node.refusals.set('shh_info', ['the method shh_info does not exist/is not available']);
    await expect(join()).rejects.toMatchObject({ code: 'TRANSPORT_REFUSED' });
    server.down = true;
    await expect(join()).rejects.toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
    server.down = false;
    node.silent.add('shh_info');
    const controller = new AbortController();
    const given = createRpcTransport(options).connect({
      ...createInbox(stranger).party,
      signal: controller.signal,
    });
    const refused = expect(given).rejects.toMatchObject({ code: 'ABORTED' });
    await rest();
    controller.abort();
    await refused;
    await expect(
      createRpcTransport(options).connect({ ...createInbox(stranger).party, signal: controller.signal }),
    ).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(clock.next()).toBeUndefined();
    expect(node.keys).toBe(0);
  });

  it('leaves no key and no timer after close, closes twice, and then refuses', async () => {
    const { node, clock, join } = world();
    const alice = await join();
    await alice.connection.subscribe([chat]);
    await alice.connection.send({ kind: 'partitioned', recipient: stranger.publicKey }, bytesOf('hello'));
    await Promise.all([alice.connection.close(), alice.connection.close()]);
    expect([node.keys, node.filters, clock.next()]).toEqual([0, 0, undefined]);
    await expect(alice.connection.send(chat, bytesOf('hello'))).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(alice.connection.subscribe([chat])).rejects.toMatchObject({ code: 'CLOSED' });
    expect(alice.statuses).toEqual(['closed']);
  });

  it('removes its keys also when the connection is lost at the time, and says when it cannot', async () => {
    const { node, server, clock, join, leave, logged } = world();
    const [alice, bob] = [await join(), await join()];
    await leave();
    server.down = false;
    await alice.connection.close();
    expect(node.keys).toBe(1);
    server.down = true;
    server.cut();
    const closing = bob.connection.close();
    await clock.advanceAndRest(60_000);
    await closing;
    expect(logged.at(-1)).toBe('whisper-rpc.keys-left-on-node');
    expect(clock.next()).toBeUndefined();
  });
});

describe('a node that is there and does not answer', () => {
  it('by WebSocket: is noticed and left', async () => {
    const clock = manualClock();
    const { node, server } = pretendNode();
    const alice = createInbox(stranger);
    const connection = await createRpcTransport({
      url: 'ws://localhost:1',
      crypto,
      clock,
      webSocket: server.webSocket,
    }).connect(alice.party);
    await connection.subscribe([chat]);
    node.silent.add('shh_version');
    await clock.advanceAndRest(41_000);
    expect(alice.statuses).toEqual(['reconnecting', 'connected']);
    node.deliver(told());
    expect(alice.messages).toHaveLength(1);
    await connection.close();
  });
});

describe('a filter not found', () => {
  it('is installed again with the next poll', async () => {
    const clock = manualClock();
    const { node, server } = pretendNode();
    const alice = createInbox(stranger);
    const url = 'http://[::1]:1';
    const connection = await createRpcTransport({ url, crypto, clock, fetch: server.fetch }).connect(
      alice.party,
    );
    await connection.subscribe([chat]);
    node.forgetFilters();
    await clock.advanceAndRest(1_000);
    node.deliver(told({ sig: told().sig, payload: '0x01' }));
    await clock.advanceAndRest(1_000);
    expect(alice.messages).toHaveLength(1);
    expect(alice.statuses).toEqual([]);
    await connection.close();
  });
});

describe('options', () => {
  it.each([
    ['no URL', { url: 'geth' }],
    ['another scheme', { url: 'ftp://127.0.0.1' }],
    ['the key in the clear to another machine', { url: 'ws://node.example.org:8546' }],
    ['a host that looks like this machine', { url: 'http://127.0.0.1.example.org' }],
    ['a short life', { url: 'ws://127.0.0.1', ttl: 9 }],
    ['half a second of work', { url: 'ws://127.0.0.1', powTime: 0.5 }],
  ])('%s: INVALID_ARGUMENT', (_, options) => {
    expect(() => createRpcTransport({ crypto, ...options })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  it.each([
    { url: 'wss://node.example.org' },
    { url: 'https://node.example.org' },
    { url: 'ws://node.example.org', unsafePlaintext: true },
    { url: 'http://localhost:8545' },
  ])('%o is fine', (options) => {
    expect(createRpcTransport({ crypto, ...options }).capabilities.history).toBe(false);
  });
});
