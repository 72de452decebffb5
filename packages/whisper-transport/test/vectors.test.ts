import { encodeHex, type PublicKey } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { loadVectors, unhex } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import { bloomOf } from '../src/channels/bloom.js';
import { contactCodeName, negotiatedName } from '../src/channels/topics.js';
import {
  channelSymmetricKey,
  decodeEnvelope,
  decodePlain,
  encodeEnvelope,
  encodePlain,
  envelopeHash,
  openData,
  partitionedName,
  proofOfWork,
  sealData,
  topicOf,
} from '../src/whisper.js';

const crypto = createPortableProvider();
const numbered = <T>(cases: readonly T[]) => cases.map((c, index) => [index, c] as const);

describe('topic.json', () => {
  const { cases } = loadVectors('topic');

  it.each(cases.channels.map((c) => [c.name, c] as const))(
    'channel %s',
    (name, c) => {
      expect(encodeHex(topicOf(crypto, name))).toBe(c.topic);
      expect(encodeHex(channelSymmetricKey(crypto, name))).toBe(c.symKey);
      expect(encodeHex(bloomOf(unhex(c.topic)))).toBe(c.bloom);
    },
    30_000,
  );

  it.each(numbered(cases.identities))('identity %i', (_, c) => {
    const pair = crypto.secp256k1.keyPairFromPrivateKey(unhex(c.private));
    expect(encodeHex(pair.publicKey)).toBe(c.compressed);
    expect(encodeHex(crypto.secp256k1.uncompressPublicKey(pair.publicKey))).toBe(c.public);
    expect(contactCodeName(crypto, pair.publicKey)).toBe(c.contactCodeName);
    expect(encodeHex(topicOf(crypto, c.contactCodeName))).toBe(c.contactCodeTopic);
    expect(partitionedName(pair.publicKey)).toBe(c.partitionName);
    expect(c.partitionName.endsWith(`-${c.partition}`)).toBe(true);
    expect(encodeHex(topicOf(crypto, c.partitionName))).toBe(c.partitionedTopic);
    const secret = crypto.secp256k1.ecdh(pair.privateKey, unhex(c.peer));
    expect(encodeHex(secret)).toBe(c.sharedSecret);
    expect(encodeHex(crypto.secp256k1.ecdh(unhex(c.peerPrivate), unhex(c.public)))).toBe(c.sharedSecret);
    expect(negotiatedName(secret)).toBe(c.negotiatedName);
    expect(encodeHex(topicOf(crypto, c.negotiatedName))).toBe(c.negotiatedTopic);
  });
});

describe('whisper-envelope.json', () => {
  const { cases } = loadVectors('whisper-envelope');

  it.each(numbered(cases))('envelope %i', (_, c) => {
    const envelope = decodeEnvelope(unhex(c.rlp));
    expect({ ...envelope, topic: encodeHex(envelope.topic), data: encodeHex(envelope.data) }).toEqual({
      expiry: c.expiry,
      ttl: c.ttl,
      topic: c.topic,
      data: c.data,
      nonce: c.nonce,
    });
    expect(encodeHex(encodeEnvelope(envelope))).toBe(c.rlp);
    expect(encodeHex(envelopeHash(crypto, unhex(c.rlp)))).toBe(c.hash);
    expect(proofOfWork(crypto, envelope)).toBe(c.pow);
    expect(proofOfWork(crypto, envelope)).toBeGreaterThanOrEqual(c.targetPow);
    expect(encodeHex(bloomOf(envelope.topic))).toBe(c.bloom);

    const key =
      c.symKey === undefined
        ? ({
            kind: 'asymmetric',
            identity: crypto.secp256k1.keyPairFromPrivateKey(unhex(c.recipientPrivate as string)),
          } as const)
        : ({ kind: 'symmetric', key: unhex(c.symKey) } as const);
    const plain = openData(crypto, key, envelope.data);
    expect(encodeHex(plain)).toBe(c.plain);
    const { payload, signer } = decodePlain(crypto, plain);
    expect(encodeHex(payload)).toBe(c.payload);
    expect(signer && encodeHex(crypto.secp256k1.uncompressPublicKey(signer))).toBe(c.signer);

    const signerPair =
      c.signerPrivate === undefined
        ? undefined
        : crypto.secp256k1.keyPairFromPrivateKey(unhex(c.signerPrivate));
    expect(encodeHex(encodePlain(crypto, unhex(c.payload), signerPair, unhex(c.padding)))).toBe(c.plain);
    expect(encodePlain(crypto, unhex(c.payload), signerPair).length).toBe(plain.length);
    const cipher =
      key.kind === 'symmetric'
        ? key
        : ({ kind: 'asymmetric', recipient: key.identity.publicKey as PublicKey } as const);
    expect(encodeHex(openData(crypto, key, sealData(crypto, cipher, plain)))).toBe(c.plain);
  });
});
