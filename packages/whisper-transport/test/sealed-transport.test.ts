import { runInNewContext } from 'node:vm';
import type { Channel, KeyPair, SharedKey, Topic, Transport, TransportMessage } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bloomOf } from '../src/channels/bloom.js';
import { discoveryName } from '../src/channels/topics.js';
import { createSealedTransport, type Pbkdf2, powBits } from '../src/index.js';
import { createInlineMiner } from '../src/mining/inline-miner.js';
import {
  bloomOfTopics,
  type ChannelCipher,
  channelSymmetricKey,
  checkEnvelope,
  decodeEnvelope,
  decodePlain,
  type Envelope,
  encodeEnvelope,
  encodePlain,
  matchesBloom,
  type OpeningKey,
  openData,
  proofOfWork,
  sealData,
  topicOf,
} from '../src/whisper.js';
import { bus } from './bus.js';

const crypto = defaultProvider();
const START = Date.parse('2026-11-23T12:00:00Z');
const NOW = START / 1000;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Stands still; what waits runs in the next turn. */
const clock = {
  now: () => START,
  after(_: number, run: () => void) {
    const timer = setImmediate(run);
    return () => clearImmediate(timer);
  },
};

const codeOf = (run: () => unknown) => {
  try {
    run();
    return 'no error';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

async function party(transport: Transport, identity: KeyPair = crypto.secp256k1.generateKeyPair()) {
  const messages: TransportMessage[] = [];
  const refusals = { left: 0 };
  const connection = await transport.connect({
    identity,
    async onMessage(message) {
      if (refusals.left > 0) {
        refusals.left--;
        throw new Error('not kept');
      }
      messages.push(message);
    },
  });
  return { identity, connection, messages, refusals };
}

const transportOver = ({ carrier }: ReturnType<typeof bus>, options = {}) =>
  createSealedTransport(carrier, { crypto, clock, policy: { minimumPow: 0 }, ...options });

const CHAT: Channel = { kind: 'public', name: 'status' };
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a sealed transport', () => {
  it('derives keys elsewhere if configured: once a channel, and the last list takes effect', async () => {
    const asked: { readonly name: string; readonly answer: () => void }[] = [];
    const pbkdf2: Pbkdf2 = (request) =>
      new Promise((resolve) => {
        const answer = () => resolve(crypto.pbkdf2Sha256(request));
        asked.push({ name: textOf(request.password), answer });
      });
    const { carrier } = bus();
    const native = createSealedTransport(carrier, { crypto, clock, pbkdf2 });
    const plain = createSealedTransport(carrier, { crypto, clock });
    const [alice, bob] = [await party(plain), await party(native)];
    const names = (...list: string[]) => list.map((name): Channel => ({ kind: 'public', name }));
    const first = bob.connection.subscribe(names('one'));
    const second = bob.connection.subscribe(names('two'));
    // The first list takes longest.
    await new Promise(setImmediate);
    for (const { answer } of asked.splice(0).reverse()) answer();
    await first;
    await new Promise(setImmediate);
    for (const { answer } of asked.splice(0)) answer();
    await second;
    for (const [channel] of [names('one'), names('two')]) {
      await alice.connection.send(channel as Channel, bytesOf(`to ${(channel as { name: string }).name}`));
    }
    expect(bob.messages.map(({ payload }) => textOf(payload))).toEqual(['to two']);
    await bob.connection.subscribe(names('one', 'two'));
    expect(asked).toEqual([]);
  });

  it('drops what arrives faster than it is taken, and has history bring it: a flood fills no memory, and costs no message', async () => {
    const pipe = bus();
    const alice = await party(transportOver(pipe));
    const texts = Array.from({ length: 30 }, (_, i) => String(i).padEnd(1_000));
    for (const text of texts) await alice.connection.send(CHAT, bytesOf(text));
    const taken: string[] = [];
    const waiting: (() => void)[] = [];
    const statuses: string[] = [];
    const connection = await transportOver(pipe, { maxWaitingBytes: 20_000 }).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      async onMessage({ payload }) {
        await new Promise<void>((resolve) => waiting.push(resolve));
        taken.push(textOf(payload));
      },
      onStatus: (status) => statuses.push(status),
    });
    await connection.subscribe([CHAT]);
    const take = async (most: number) => {
      for (const resolve of waiting.splice(0, most)) resolve();
      await turn();
    };
    for (const { topic, envelope } of pipe.carried) void pipe.deliver(topic, envelope);
    expect(waiting.length).toBeLessThan(10);
    expect(statuses).toEqual(['reconnecting']);
    await take(1);
    expect(statuses).toEqual(['reconnecting']);
    await take(10);
    expect(statuses).toEqual(['reconnecting', 'connected']);
    expect(taken.length).toBeLessThan(10);
    const history = connection.history?.({ channels: [CHAT], from: 0, to: START });
    while (taken.length < texts.length) await take(1);
    await history;
    expect(taken).toEqual(texts);
    expect(statuses).toEqual(['reconnecting', 'connected']);
    await connection.close();
  });

  it('counts what the receiver rejects until it is given up', async () => {
    const pipe = bus();
    const alice = await party(transportOver(pipe));
    for (let i = 0; i < 30; i++) await alice.connection.send(CHAT, bytesOf(String(i).padEnd(1_000)));
    const [timers, tried] = [new Set<() => void>(), new Set<string>()];
    const later = {
      now: () => START,
      after(_: number, run: () => void) {
        timers.add(run);
        return () => timers.delete(run);
      },
    };
    const connection = await transportOver(pipe, { maxWaitingBytes: 20_000, clock: later }).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      async onMessage({ payload }) {
        tried.add(textOf(payload).trim());
        throw new Error('no room');
      },
    });
    await connection.subscribe([CHAT]);
    const deliverAll = async () => {
      for (const { topic, envelope } of pipe.carried) await pipe.deliver(topic, envelope);
    };
    await deliverAll();
    const before = tried.size;
    expect(before).toBeLessThan(10);
    for (let attempt = 0; attempt < 4; attempt++) {
      for (const run of [...timers]) {
        timers.delete(run);
        run();
      }
      await turn();
    }
    expect(tried.size).toBe(before);
    tried.clear();
    await deliverAll();
    expect(tried.size).toBe(before);
    await connection.close();
  });

  it('works for its envelopes where that is asked for, by the carrier or by the policy, and nowhere else', async () => {
    let mined = 0;
    const miner = { ...createInlineMiner(clock), mine: async () => BigInt(++mined) };
    const send = async (pipe: ReturnType<typeof bus>, policy: { minimumPow: number }) => {
      const alice = await party(transportOver(pipe, { miner, policy }));
      await alice.connection.send(CHAT, bytesOf('x'));
      return decodeEnvelope(pipe.carried[0]?.envelope as Uint8Array).nonce;
    };
    expect(await send(bus(), { minimumPow: 0 })).toBe(0n);
    expect(await send(bus({ minimumPow: 0.001 }), { minimumPow: 0 })).toBe(1n);
    expect(await send(bus(), { minimumPow: 0.001 })).toBe(2n);
  });

  it('carries each kind of channel to those who listen, with the sender verified', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    const secret = crypto.secp256k1.ecdh(alice.identity.privateKey, bob.identity.publicKey) as SharedKey;
    const channels: Channel[] = [
      CHAT,
      { kind: 'partitioned', recipient: bob.identity.publicKey },
      { kind: 'discovery', recipient: bob.identity.publicKey },
      { kind: 'negotiated', secret },
    ];
    await bob.connection.subscribe(channels);
    for (const [index, channel] of channels.entries())
      await alice.connection.send(channel, bytesOf(`${index}`));
    expect(bob.messages.map(({ payload, channel }) => [textOf(payload), channel])).toEqual(
      channels.map((channel, index) => [`${index}`, channel]),
    );
    for (const message of bob.messages) {
      expect(message.sender).toEqual(alice.identity.publicKey);
      expect(message.sentAt).toBe(START);
    }
    // Who hears the topic and has not the key reads nothing.
    const eve: OpeningKey = { kind: 'asymmetric', identity: crypto.secp256k1.generateKeyPair() };
    for (const { envelope } of pipe.carried) {
      const { data } = decodeEnvelope(envelope);
      expect(['AUTHENTICATION_FAILED', 'INVALID_PUBLIC_KEY']).toContain(
        codeOf(() => openData(crypto, eve, data)),
      );
    }
  });

  it('wrong key for a known topic: skipped silently, and the right one is found', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    const recipient = bob.identity.publicKey;
    await bob.connection.subscribe([CHAT, { kind: 'partitioned', recipient }]);
    await alice.connection.send(CHAT, bytesOf('x'));
    const { envelope } = pipe.carried[0] as { envelope: Uint8Array };
    const sealed = decodeEnvelope(envelope);
    const data = sealData(
      crypto,
      { kind: 'symmetric', key: new Uint8Array(32) },
      encodePlain(crypto, bytesOf('y'), alice.identity),
    );
    await pipe.carry(sealed.topic, encodeEnvelope({ ...sealed, data }));
    expect(bob.messages.map(({ payload }) => textOf(payload))).toEqual(['x']);
  });

  it('duplicates across live delivery and history: once', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    await bob.connection.subscribe([CHAT]);
    await alice.connection.send(CHAT, bytesOf('once'));
    await bob.connection.history?.({ channels: [CHAT], from: 0, to: START });
    for (const { topic, envelope } of [...pipe.carried]) await pipe.carry(topic, envelope);
    expect(bob.messages).toHaveLength(1);
    const late = await party(transport);
    await late.connection.subscribe([CHAT]);
    await late.connection.history?.({ channels: [CHAT], from: 0, to: START });
    expect(late.messages.map(({ fromHistory }) => fromHistory)).toEqual([true]);
  });

  it('the same message in another envelope: once', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    await bob.connection.subscribe([CHAT]);
    await alice.connection.send(CHAT, bytesOf('tried twice'));
    await alice.connection.send(CHAT, bytesOf('tried twice'));
    expect(pipe.carried).toHaveLength(2);
    expect(bob.messages).toHaveLength(1);
  });

  it('a copy that someone sends on another channel first does not suppress the original, nor on a third', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    const discovery: Channel = { kind: 'discovery', recipient: bob.identity.publicKey };
    const dogs: Channel = { kind: 'public', name: 'dogs' };
    await alice.connection.send(CHAT, bytesOf('important'));
    await bob.connection.subscribe([CHAT, dogs, discovery]);
    const { topic, envelope } = pipe.carried[0] as (typeof pipe.carried)[number];
    const key = channelSymmetricKey(crypto, 'status');
    const plain = openData(crypto, { kind: 'symmetric', key }, decodeEnvelope(envelope).data);
    // With Alice's signature, sealed by whoever could read it.
    const copyTo = async (name: string, cipher: ChannelCipher) => {
      const other = topicOf(crypto, name);
      const data = sealData(crypto, cipher, plain);
      await pipe.carry(other, encodeEnvelope({ expiry: NOW + 15, ttl: 15, topic: other, data, nonce: 0n }));
    };
    const recipient = bob.identity.publicKey;
    await copyTo(discoveryName(crypto, recipient), { kind: 'asymmetric', recipient });
    await copyTo('dogs', { kind: 'symmetric', key: channelSymmetricKey(crypto, 'dogs') });
    await pipe.carry(topic, envelope);
    await pipe.carry(topic, envelope);
    expect(bob.messages.map(({ channel, payload }) => `${channel.kind} ${textOf(payload)}`)).toEqual([
      'discovery important',
      'public important',
      'public important',
    ]);
  });

  it('dates a message by its envelope, also from history, and marks what comes from there', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    await alice.connection.send(CHAT, bytesOf('earlier'));
    await bob.connection.subscribe([CHAT]);
    const topic = topicOf(crypto, 'status');
    const plain = encodePlain(crypto, bytesOf('long ago'), alice.identity);
    const data = sealData(crypto, { kind: 'symmetric', key: channelSymmetricKey(crypto, 'status') }, plain);
    const old = encodeEnvelope({ expiry: NOW - 86_400, ttl: 15, topic, data, nonce: 0n });
    await pipe.carry(topic, old);
    expect(bob.messages).toEqual([]);
    await pipe.carry(topic, old, true);
    await bob.connection.history?.({ channels: [CHAT], from: 0, to: START });
    expect(bob.messages.map(({ sentAt, fromHistory }) => [sentAt, fromHistory])).toEqual([
      [1000 * (NOW - 86_415), true],
      [1000 * NOW, true],
    ]);
  });

  it('a history that repeats a message in delivery waits for it', async () => {
    const network = bus();
    const alice = await party(transportOver(network));
    let keep = () => {};
    const kept = new Promise<void>((resolve) => {
      keep = resolve;
    });
    const bob = await transportOver(network).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage: () => kept,
    });
    await bob.subscribe([CHAT]);
    // The bus waits for its receivers.
    void alice.connection.send(CHAT, bytesOf('slowly'));
    await turn();
    await turn();
    const progress: string[] = [];
    const asked = bob
      .history?.({ channels: [CHAT], from: 0, to: START })
      .then(() => progress.push('history'));
    await turn();
    await turn();
    progress.push('kept');
    keep();
    await asked;
    expect(progress).toEqual(['kept', 'history']);
  });

  it('what the receiver could not store is redelivered', async () => {
    const pipe = bus();
    const transport = transportOver(pipe);
    const [alice, bob] = [await party(transport), await party(transport)];
    await bob.connection.subscribe([CHAT]);
    bob.refusals.left = 3;
    await alice.connection.send(CHAT, bytesOf('again'));
    for (let i = 0; i < 5; i++) await turn();
    expect(bob.messages.map(({ payload }) => textOf(payload))).toEqual(['again']);
    // Given up in the end, and then brought by history.
    bob.refusals.left = 5;
    await alice.connection.send(CHAT, bytesOf('later'));
    for (let i = 0; i < 8; i++) await turn();
    expect(bob.messages).toHaveLength(1);
    await bob.connection.history?.({ channels: [CHAT], from: 0, to: START });
    expect(bob.messages).toHaveLength(2);
  });

  it('does the work that the carrier asks for', async () => {
    const pipe = bus({ minimumPow: 0.05 });
    const transport = transportOver(pipe);
    const alice = await party(transport);
    await alice.connection.send(CHAT, bytesOf('x'));
    const { envelope } = pipe.carried[0] as { envelope: Uint8Array };
    expect(proofOfWork(crypto, decodeEnvelope(envelope))).toBeGreaterThanOrEqual(0.05);
    expect(() => createSealedTransport(pipe.carrier, { ttl: 9 })).toThrow(/10 seconds/);
  });

  function shared(bytes: Uint8Array): Uint8Array {
    const view = new Uint8Array(new SharedArrayBuffer(bytes.length));
    view.set(bytes);
    return view;
  }

  const realms: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
    ['another realm', (bytes) => runInNewContext('Uint8Array.from(bytes)', { bytes })],
    ['a Buffer', (bytes) => Buffer.from(bytes)],
    ['shared memory', shared],
  ];

  it.each(realms)(
    'takes envelopes and payloads of %s, and keeps nothing of their memory',
    async (_, make) => {
      const pipe = bus();
      const [alice, bob] = [await party(transportOver(pipe)), await party(transportOver(pipe))];
      const payload = make(bytesOf('hello'));
      await alice.connection.send(CHAT, payload);
      payload.fill(0);
      const { topic, envelope } = pipe.carried[0]!;
      await bob.connection.subscribe([CHAT]);
      const [lentTopic, lent] = [make(topic), make(envelope)];
      await pipe.deliver(lentTopic, lent);
      lent.fill(0);
      lentTopic.fill(0);
      expect(bob.messages.map(({ payload: got }) => textOf(got))).toEqual(['hello']);
      expect(Object.getPrototypeOf(bob.messages[0]?.payload)).toBe(Uint8Array.prototype);
    },
  );

  it('reports to a carrier that delivers something other than bytes, and to a caller who sends it, instead of dropping it', async () => {
    const pipe = bus();
    const alice = await party(transportOver(pipe));
    await alice.connection.subscribe([CHAT]);
    await alice.connection.send(CHAT, bytesOf('x'));
    const { topic } = pipe.carried[0]!;
    for (const other of [new Uint8ClampedArray(50), 'text', undefined] as unknown[] as Uint8Array[]) {
      await expect(alice.connection.send(CHAT, other)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { what: 'payload' },
      });
      await expect(pipe.deliver(topic, other)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        details: { what: 'envelope' },
      });
    }
  });

  it('stops on request', async () => {
    const pipe = bus({ minimumPow: 1e12 });
    const alice = await party(transportOver(pipe));
    const controller = new AbortController();
    const sending = alice.connection.send(CHAT, bytesOf('x'), { signal: controller.signal });
    controller.abort();
    await expect(sending).rejects.toMatchObject({ code: 'ABORTED' });
    const another = alice.connection.send(CHAT, bytesOf('x'));
    await alice.connection.close();
    await alice.connection.close();
    await expect(another).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(alice.connection.subscribe([])).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('an envelope as bytes', () => {
  const envelope = (): Envelope => ({
    expiry: NOW,
    ttl: 15,
    topic: Uint8Array.of(1, 2, 3, 4) as Topic,
    data: new Uint8Array(50).fill(7),
    nonce: 5n,
  });

  it('shares nothing with the bytes that it was read from', () => {
    const memory = Buffer.from(encodeEnvelope(envelope()));
    const read = decodeEnvelope(memory);
    memory.fill(0);
    expect(read).toEqual(envelope());
  });

  it('is written from fields of another realm, and read from it', () => {
    const { topic, data } = envelope();
    const foreign = runInNewContext('[Uint8Array.from(topic), Uint8Array.from(data)]', { topic, data });
    const encoded = encodeEnvelope({ ...envelope(), topic: foreign[0], data: foreign[1] });
    expect(encoded).toEqual(encodeEnvelope(envelope()));
    expect(decodeEnvelope(runInNewContext('Uint8Array.from(encoded)', { encoded }))).toEqual(envelope());
  });

  it.each<[string, unknown]>([
    ['topic', 'abcd'],
    ['data', new Uint8ClampedArray(5)],
    ['data', undefined],
    ['nonce', 5],
    ['nonce', -1n],
    ['nonce', 1n << 64n],
    ['expiry', -1],
    ['expiry', 2 ** 32],
    ['ttl', 1.5],
    ['ttl', Number.NaN],
  ])('with a %s of %s: refused by name', (what, value) => {
    const spoilt = { ...envelope(), [what]: value } as Envelope;
    expect(() => encodeEnvelope(spoilt)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', details: expect.objectContaining({ what }) }),
    );
    expect(codeOf(() => decodeEnvelope(value as Uint8Array))).toBe('INVALID_ARGUMENT');
  });
});

describe('hostile cases: envelopes and nodes', () => {
  const topic = topicOf(crypto, 'status');
  const good = (): Envelope => {
    const plain = encodePlain(crypto, bytesOf('x'), crypto.secp256k1.generateKeyPair());
    const data = sealData(crypto, { kind: 'symmetric', key: new Uint8Array(32) }, plain);
    return { expiry: NOW + 15, ttl: 15, topic, data, nonce: 0n };
  };
  const lenient = { minimumPow: 0, maxTtl: 300, maxAhead: 10 };
  const check = (change: Partial<Envelope>, policy = lenient) => {
    try {
      checkEnvelope(crypto, { ...good(), ...change }, NOW, policy);
      return 'fine';
    } catch (error) {
      return (error as { details: { reason: string } }).details.reason;
    }
  };

  it('a good one', () => expect(check({})).toBe('fine'));
  it('TTL 0 (infinite work)', () => expect(check({ ttl: 0 })).toMatch(/no time to live/));
  it('TTL above the ceiling', () => expect(check({ ttl: 301, expiry: NOW + 301 })).toMatch(/more than 300/));
  it('expiry before TTL', () => expect(check({ ttl: 15, expiry: 14 })).toMatch(/before it can have been/));
  it('more than 10 s in the future', () => {
    expect(check({ expiry: NOW + 25 })).toBe('fine');
    expect(check({ expiry: NOW + 26 })).toMatch(/future/);
  });
  it('expired', () => expect(check({ expiry: NOW - 1 })).toMatch(/expired/));
  it('too little work', () => expect(check({}, { ...lenient, minimumPow: 1e9 })).toMatch(/too little/));

  it('over 1 MiB refused before decrypting', () => {
    expect(codeOf(() => decodeEnvelope(new Uint8Array(1024 * 1024 + 1)))).toBe('LIMIT_EXCEEDED');
  });

  it('ciphertext shorter than nonce and tag', () => {
    for (const length of [0, 12, 27]) {
      expect(
        codeOf(() =>
          openData(crypto, { kind: 'symmetric', key: new Uint8Array(32) }, new Uint8Array(length)),
        ),
      ).toBe('MALFORMED_MESSAGE');
    }
  });

  it('signed flag and short body', () => {
    expect(codeOf(() => decodePlain(crypto, new Uint8Array(0)))).toBe('MALFORMED_MESSAGE');
    expect(codeOf(() => decodePlain(crypto, Uint8Array.of(4, 1, 2)))).toBe('MALFORMED_MESSAGE');
    expect(codeOf(() => decodePlain(crypto, Uint8Array.of(1, 200, 1)))).toBe('MALFORMED_MESSAGE');
    expect(codeOf(() => decodePlain(crypto, Uint8Array.of(4, ...new Uint8Array(65))))).toBe(
      'INVALID_SIGNATURE',
    );
  });

  it('unsigned one-to-one messages, garbage and damaged envelopes do no harm', async () => {
    const pipe = bus();
    const bob = await party(transportOver(pipe));
    const recipient = bob.identity.publicKey;
    const channel: Channel = { kind: 'partitioned', recipient };
    await bob.connection.subscribe([channel]);
    const { topic: heard } = decodeEnvelope(
      await party(transportOver(pipe)).then(async ({ connection }) => {
        await connection.send(channel, bytesOf('signed'));
        return (pipe.carried.at(-1) as { envelope: Uint8Array }).envelope;
      }),
    );
    const data = sealData(
      crypto,
      { kind: 'asymmetric', recipient },
      encodePlain(crypto, bytesOf('unsigned'), undefined),
    );
    await pipe.carry(heard, encodeEnvelope({ expiry: NOW + 15, ttl: 15, topic: heard, data, nonce: 1n }));
    await pipe.carry(heard, new Uint8Array(0));
    await pipe.carry(heard, new Uint8Array(2 * 1024 * 1024));
    await pipe.carry(
      heard,
      encodeEnvelope({ expiry: NOW + 15, ttl: 15, topic: heard, data: data.slice(3), nonce: 1n }),
    );
    expect(bob.messages.map(({ payload }) => textOf(payload))).toEqual(['signed']);
  });

  it('random bytes yield a typed error or an envelope', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(['no error', 'MALFORMED_MESSAGE']).toContain(codeOf(() => decodeEnvelope(bytes)));
        expect(['no error', 'MALFORMED_MESSAGE', 'INVALID_SIGNATURE']).toContain(
          codeOf(() => decodePlain(crypto, bytes)),
        );
      }),
    );
    expect(codeOf(() => decodeEnvelope(encodeEnvelope({ ...good(), topic: new Uint8Array(5) })))).toBe(
      'MALFORMED_MESSAGE',
    );
  });
});

describe('sealing', () => {
  it('pads to a multiple of 256, and round-trips', () => {
    const signer = crypto.secp256k1.generateKeyPair();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (payload, signed) => {
        const plain = encodePlain(crypto, payload, signed ? signer : undefined);
        expect(plain.length % 256).toBe(0);
        expect(decodePlain(crypto, plain)).toEqual({
          payload,
          signer: signed ? signer.publicKey : undefined,
        });
      }),
      { numRuns: 50 },
    );
  });

  it('filters let their own topics through, in whichever way a node computes them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        (topics) => {
          const filter = bloomOfTopics(topics);
          for (const topic of topics) {
            expect(matchesBloom(filter, topic)).toBe(true);
            expect(matchesBloom(bloomOf(topic), topic)).toBe(true);
          }
        },
      ),
    );
    expect(matchesBloom(new Uint8Array(64), Uint8Array.of(1, 2, 3, 4))).toBe(false);
  });
});

describe('who probably signed an envelope', () => {
  const [alice, bob, carol] = [0, 1, 2].map(() => crypto.secp256k1.generateKeyPair()) as [
    KeyPair,
    KeyPair,
    KeyPair,
  ];

  /** Whom Bob expected to have signed each of the envelopes that are sent on a channel. */
  async function expectedOn(channel: Channel, signers: readonly KeyPair[]): Promise<readonly string[]> {
    const expected: string[] = [];
    const names = new Map([
      [String(alice.publicKey), 'alice'],
      [String(carol.publicKey), 'carol'],
    ]);
    const listening = {
      ...crypto,
      secp256k1: {
        ...crypto.secp256k1,
        recoverPublicKey(
          ...[digest, signature, signer]: Parameters<typeof crypto.secp256k1.recoverPublicKey>
        ) {
          expected.push(names.get(String(signer)) ?? '-');
          return crypto.secp256k1.recoverPublicKey(digest, signature, signer);
        },
      },
    };
    const pipe = bus();
    const to = await party(transportOver(pipe, { crypto: listening }), bob);
    await to.connection.subscribe([channel]);
    const from = await party(transportOver(pipe), alice);
    for (const [i, signer] of signers.entries()) {
      await from.connection.send(channel, bytesOf(String(i)), { signer });
    }
    expect(to.messages.map(({ sender }) => sender)).toEqual(signers.map(({ publicKey }) => publicKey));
    return expected;
  }

  const negotiated: Channel = {
    kind: 'negotiated',
    secret: crypto.secp256k1.ecdh(alice.privateKey, bob.publicKey) as SharedKey,
  };

  it('is who signed the last two on a negotiated channel', async () => {
    expect(await expectedOn(negotiated, [alice, alice, alice, carol, carol, carol])).toEqual([
      '-',
      '-',
      'alice',
      'alice',
      '-',
      'carol',
    ]);
  });

  it('is nobody where two take turns, or where strangers write', async () => {
    expect(await expectedOn(negotiated, [alice, carol, alice, carol])).toEqual(['-', '-', '-', '-']);
    for (const channel of [CHAT, { kind: 'partitioned', recipient: bob.publicKey }] as const) {
      expect(await expectedOn(channel, [alice, alice, alice])).toEqual(['-', '-', '-']);
    }
  });
});

describe('proof of work', () => {
  it('needs as many bits as reach the target', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 100, noNaN: true }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 300 }),
        (target, size, ttl) => {
          const bits = powBits(target, size, ttl);
          expect(2 ** bits / size / ttl).toBeGreaterThanOrEqual(target);
          if (bits > 0) expect(2 ** (bits - 1) / size / ttl).toBeLessThan(target);
        },
      ),
    );
    expect(powBits(0, 1, 1)).toBe(0);
  });
});
