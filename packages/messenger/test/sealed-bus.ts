import { encodeHex, type KeyPair } from '@sotto/core';
import { createPipeCarrier, createSealedTransport } from '@sotto/whisper-transport';
import {
  channelSymmetricKey,
  decodeEnvelope,
  encodeEnvelope,
  encodePlain,
  type OpeningKey,
  openData,
  partitionedName,
  sealData,
  topicOf,
} from '@sotto/whisper-transport/whisper';
import type { manualClock } from './support.js';
import { crypto } from './world.js';

/** A topic with the key that opens and seals what is on it. */
export interface Topic {
  readonly bytes: Uint8Array;
  readonly opens: OpeningKey;
  readonly seals: Parameters<typeof sealData>[1];
}

/** The topic of an identity's partition, as its owner or anyone else sees it. */
export function partitioned(identity: KeyPair): Topic {
  return {
    bytes: topicOf(crypto, partitionedName(identity.publicKey)),
    opens: { kind: 'asymmetric', identity },
    seals: { kind: 'asymmetric', recipient: identity.publicKey },
  };
}

/** The topic that two identities have negotiated, as they see it. */
export function negotiated(one: KeyPair, other: KeyPair): Topic {
  return publicTopic(encodeHex(crypto.secp256k1.ecdh(one.privateKey, other.publicKey)));
}

/** The topic of a public name. */
export function publicTopic(name: string): Topic {
  const key = { kind: 'symmetric', key: channelSymmetricKey(crypto, name) } as const;
  return { bytes: topicOf(crypto, name), opens: key, seals: key };
}

/** A network of sealed transports on which an attacker reads every envelope and puts in others. */
export function sealedBus(clock: ReturnType<typeof manualClock>) {
  const lines = new Set<(topic: Uint8Array, envelope: Uint8Array) => void>();
  const log: Uint8Array[] = [];
  let isCut = false;
  const seal = (topic: Topic, plain: Uint8Array) =>
    encodeEnvelope({
      expiry: Math.floor(clock.now() / 1000) + 15,
      ttl: 15,
      topic: topic.bytes,
      data: sealData(crypto, topic.seals, plain),
      nonce: 1n,
    });
  const inject = (envelope: Uint8Array) => {
    for (const deliver of lines) deliver(decodeEnvelope(envelope).topic, envelope);
  };
  return {
    log,
    /** While it is cut, envelopes are logged and reach no one. */
    cut: (cut: boolean) => {
      isCut = cut;
    },
    transport: () =>
      createSealedTransport(
        createPipeCarrier(({ deliver }) => {
          lines.add(deliver);
          return {
            publish(topic, envelope) {
              log.push(envelope.slice());
              if (!isCut) for (const line of lines) line(topic, envelope);
            },
            close: () => void lines.delete(deliver),
          };
        }),
        { policy: { minimumPow: 0 }, clock },
      ),
    /** The signed plain texts in the log that a key opens. */
    opened: (topic: Topic): Uint8Array[] =>
      log.flatMap((envelope) => {
        try {
          return [openData(crypto, topic.opens, decodeEnvelope(envelope).data)];
        } catch {
          return [];
        }
      }),
    /** Seals a signed plain text for a topic, whoever signed it, and delivers it. */
    reseal: (topic: Topic, plain: Uint8Array) => inject(seal(topic, plain)),
    /** Delivers an envelope again, with a new time. */
    replay: (envelope: Uint8Array, nonce: bigint) =>
      inject(
        encodeEnvelope({
          ...decodeEnvelope(envelope),
          expiry: Math.floor(clock.now() / 1000) + 15,
          nonce,
        }),
      ),
    /** Signs a message as someone and delivers it. */
    post: (topic: Topic, signer: KeyPair, message: Uint8Array) =>
      inject(seal(topic, encodePlain(crypto, message, signer))),
  };
}
