import { encodeHex, isSottoError } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { decodePlain, encodePlain, openData, sealData, topicOf } from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import {
  contentTopicOf,
  createWakuCarrier,
  decodeWakuMessage,
  encodeWakuMessage,
  pubsubTopicOf,
  STATUS_PUBSUB_TOPIC,
  topicOfContentTopic,
  wakuMessageHash,
} from '../src/index.js';
import { ScriptedWaku } from './scripted-waku.js';

const crypto = createPortableProvider();
const { cases } = loadVectors('rfc26-payload');
const named = <T extends { readonly name: string }>(list: readonly T[]) =>
  list.map((c) => [c.name, c] as const);
const hexOf = (bytes: Uint8Array | undefined) => encodeHex(bytes ?? new Uint8Array(0));
const long = (key: Uint8Array | undefined) => key && encodeHex(crypto.secp256k1.uncompressPublicKey(key));

/** A provider whose randomness is these bytes, in turn. */
const scripted = (...bytes: readonly string[]) => {
  const left = bytes.map(unhex);
  return createPortableProvider({ random: (length) => left.shift() ?? new Uint8Array(length) });
};

describe('rfc26-payload.json: payloads', () => {
  it.each(named(cases.payloads))('%s', (_, c) => {
    const signer =
      c.signerPrivate === undefined
        ? undefined
        : crypto.secp256k1.keyPairFromPrivateKey(unhex(c.signerPrivate));
    expect(long(signer?.publicKey)).toBe(c.signer65);
    expect(signer !== undefined).toBe(c.signed);
    const plain = encodePlain(crypto, unhex(c.data), signer, unhex(c.padding));
    expect(hexOf(plain)).toBe(c.plain);
    expect(plain.length).toBe(c.plainLength);
    expect(c.plain.endsWith(c.signature)).toBe(true);
    if (!c.paddingGiven) expect(encodePlain(crypto, unhex(c.data), signer).length).toBe(c.plainLength);

    if (c.kind === 'symmetric') {
      const key = { kind: 'symmetric', key: unhex(c.symKey as string) } as const;
      expect(hexOf(sealData(scripted(c.nonce as string), key, plain))).toBe(c.result);
      expect(hexOf(openData(crypto, key, unhex(c.result)))).toBe(c.plain);
    } else {
      const identity = crypto.secp256k1.keyPairFromPrivateKey(unhex(c.recipientPrivate as string));
      expect(long(identity.publicKey)).toBe(c.recipient65);
      const ephemeral = crypto.secp256k1.keyPairFromPrivateKey(unhex(c.ephemeralPrivate as string));
      expect(long(ephemeral.publicKey)).toBe(c.ephemeral65);
      expect(c.result.startsWith(`${c.ephemeral65}${c.iv}`)).toBe(true);
      expect(c.result.endsWith(c.mac as string)).toBe(true);
      const random = scripted(c.ephemeralPrivate as string, c.iv as string);
      const recipient = { kind: 'asymmetric', recipient: identity.publicKey } as const;
      expect(hexOf(sealData(random, recipient, plain))).toBe(c.result);
      expect(hexOf(openData(crypto, { kind: 'asymmetric', identity }, unhex(c.result)))).toBe(c.plain);
    }

    const read = decodePlain(crypto, plain);
    expect([hexOf(read.payload), long(read.signer)]).toEqual([c.data, c.signer65]);

    const { contentTopic, ephemeral, hash, protobuf, pubsubTopic, timestamp, version } = c.wakuMessage;
    const meta = new Uint8Array(0);
    const message = { payload: unhex(c.result), contentTopic, version, timestamp, meta, ephemeral };
    expect(hexOf(encodeWakuMessage(message))).toBe(protobuf);
    expect(decodeWakuMessage(unhex(protobuf))).toEqual(message);
    expect(hexOf(wakuMessageHash(pubsubTopic, message))).toBe(hash);
  });
});

describe('rfc26-payload.json: hashes', () => {
  it.each(named(cases.hashes))('%s', (_, c) => {
    const message = decodeWakuMessage(unhex(c.protobuf));
    expect(message.contentTopic).toBe(c.contentTopic);
    expect(hexOf(message.payload)).toBe(c.payload);
    expect(hexOf(message.meta)).toBe(c.meta);
    expect(message.timestamp ?? null).toBe(c.timestamp);
    expect(message.version).toBe(c.version);
    expect(hexOf(wakuMessageHash(c.pubsubTopic, message))).toBe(c.hash);
    expect(hexOf(encodeWakuMessage(message))).toBe(c.protobuf);
  });
});

describe('rfc26-payload.json: topics', () => {
  it.each(named(cases.topics))('%s', (name, c) => {
    expect(hexOf(topicOf(crypto, name))).toBe(c.topic);
    expect(contentTopicOf(unhex(c.topic))).toBe(c.contentTopic);
    expect(hexOf(topicOfContentTopic(c.contentTopic))).toBe(c.topic);
  });

  it.each(cases.contentTopicReads.map((c) => [c.contentTopic, c] as const))('reading "%s"', (_, c) => {
    const topic = topicOfContentTopic(c.contentTopic);
    expect(topic !== undefined).toBe(c.accepted);
    expect(topic && hexOf(topic)).toBe(c.topic);
  });

  it('pubsub topics', () => {
    expect(STATUS_PUBSUB_TOPIC).toBe(cases.pubsubTopics.default);
    expect(pubsubTopicOf(16, 32)).toBe(cases.pubsubTopics.default);
    expect(pubsubTopicOf(16, 64)).toBe(cases.pubsubTopics.nonProtected);
  });
});

describe('rfc26-payload.json: reading payloads', () => {
  const topic = Uint8Array.of(1, 2, 3, 4);

  it.each(named(cases.payloadReads))('%s', async (_, c) => {
    const waku = new ScriptedWaku();
    const arrived: Uint8Array[] = [];
    const connection = await createWakuCarrier(waku.lightNode()).open({
      onEnvelope: (_topic, envelope) => void arrived.push(envelope),
    });
    await connection.subscribe([topic]);
    await waku.accept(STATUS_PUBSUB_TOPIC, {
      payload: unhex(c.payload),
      contentTopic: contentTopicOf(topic),
      version: c.version,
      timestamp: 1n,
      meta: undefined,
      ephemeral: undefined,
    });
    await connection.close();

    // The carrier takes what is labelled 0 or 1, as it is.
    expect(arrived.map(hexOf)).toEqual((c.version ?? 0) <= 1 ? [c.payload] : []);
    const opened = arrived.flatMap((envelope) => open(envelope, c.symKey) ?? []);
    if (c.version === 1) {
      expect(opened.map(({ payload, signer }) => [hexOf(payload), long(signer) ?? ''])).toEqual(
        c.accepted ? [[c.data, c.signer65]] : [],
      );
    } else if (c.accepted) {
      // Other clients don't open label 0, and take it without a signer; the transport above opens it all the same.
      expect([c.data, c.signer65]).toEqual([arrived.map(hexOf).join(), '']);
    }
  });

  function open(envelope: Uint8Array, symKey: string) {
    try {
      return decodePlain(crypto, openData(crypto, { kind: 'symmetric', key: unhex(symKey) }, envelope));
    } catch (error) {
      if (isSottoError(error)) return undefined;
      throw error;
    }
  }
});
