import { encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { type ArchivedEnvelopeCase, loadVectors, type MailRequestCase, unhex } from '@sotto/testing/vectors';
import {
  bloomOfTopics,
  channelSymmetricKey,
  decodeEnvelope,
  decodePlain,
  encodeEnvelope,
  encodePlain,
  envelopeHash,
  openData,
  proofOfWork,
} from '@sotto/whisper-transport/whisper';
import { describe, expect, it } from 'vitest';
import {
  decodeBareMailRequest,
  decodeMailCompletion,
  decodeMailRequest,
  encodeBareMailRequest,
  encodeMailCompletion,
  encodeMailRequest,
  mailRefusal,
  openMailRequest,
} from '../src/mailserver.js';
import { decodePacket, encodePacket } from '../src/packets/packet.js';

const crypto = defaultProvider();
const { cases } = loadVectors('status-mailserver');
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const named = <T extends { readonly name: string }>(all: readonly T[]) =>
  all.map((one) => [one.name, one] as const);
/** Older forms than ours. */
const isOlder = ({ request }: MailRequestCase) => request.batch === undefined;

describe('status-mailserver.json', () => {
  it('the key is derived from the password', () => {
    expect(encodeHex(channelSymmetricKey(crypto, cases.password))).toBe(cases.symKey);
  });

  it.each(cases.archive.map((one) => [one.hash.slice(0, 8), one] as const))(
    'archived envelope %s',
    (_, one) => {
      const envelope = decodeEnvelope(unhex(one.rlp));
      const read: ArchivedEnvelopeCase = {
        rlp: encodeHex(encodeEnvelope(envelope)),
        hash: encodeHex(envelopeHash(crypto, unhex(one.rlp))),
        topic: encodeHex(envelope.topic),
        expiry: envelope.expiry,
        ttl: envelope.ttl,
        sent: envelope.expiry - envelope.ttl,
      };
      expect(read).toEqual(one);
    },
  );

  it.each(named(cases.clientReads))('a client reads: %s', (_, one) => {
    if (!one.accepted) {
      expect(() => decodeMailCompletion(unhex(one.payload))).toThrow(
        expect.objectContaining({ code: 'MALFORMED_MESSAGE' }),
      );
      return;
    }
    const read = decodeMailCompletion(unhex(one.payload));
    expect(read.outcome).toBe(one.failed ? 'refused' : 'completed');
    expect(encodeHex(read.requestId)).toBe(one.requestId);
    expect(read.outcome === 'completed' ? encodeHex(read.cursor) : one.cursor).toBe(one.cursor);
  });

  it.each(named(cases.completions))('completion: %s', (_, one) => {
    const packet = decodePacket({ code: 125, body: unhex(one.packet) });
    const payload = unhex(one.payload);
    expect(packet).toEqual({ kind: 'requestComplete', payload });
    expect(encodePacket({ kind: 'requestComplete', payload })).toEqual({
      code: 125,
      body: unhex(one.packet),
    });
    const read = decodeMailCompletion(payload);
    expect(encodeMailCompletion(read)).toEqual(payload);
    expect(encodeHex(read.requestId)).toBe(one.requestId);
    if (read.outcome === 'refused') expect(read.reason).toBe(one.errorText);
    else {
      expect(encodeHex(read.lastHash)).toBe(one.lastEnvelopeHash);
      expect(encodeHex(read.cursor)).toBe(one.cursor);
    }
  });

  it.each(named(cases.requests.filter(({ envelope }) => envelope !== undefined)))(
    'sealed request: %s',
    (_, one) => {
      const sealed = one.envelope as NonNullable<typeof one.envelope>;
      const bytes = unhex(sealed.rlp);
      expect(decodePacket({ code: 126, body: bytes })).toEqual({ kind: 'p2pRequest', envelope: bytes });
      const envelope = decodeEnvelope(bytes);
      expect({ ...envelope, topic: encodeHex(envelope.topic), data: encodeHex(envelope.data) }).toEqual({
        expiry: sealed.expiry,
        ttl: sealed.ttl,
        topic: sealed.topic,
        data: sealed.data,
        nonce: BigInt(sealed.nonce),
      });
      expect(encodeHex(envelope.data.subarray(-12))).toBe(sealed.iv);
      expect(encodeHex(envelopeHash(crypto, bytes))).toBe(sealed.hash);
      expect(sealed.hash).toBe(one.completion.requestId);
      expect(proofOfWork(crypto, envelope)).toBe(sealed.pow);
      const plain = openData(crypto, { kind: 'symmetric', key: unhex(sealed.symKey) }, envelope.data);
      const { payload, signer } = decodePlain(crypto, plain);
      expect(encodeHex(payload)).toBe(one.payload);
      const pair = crypto.secp256k1.keyPairFromPrivateKey(unhex(sealed.signerPrivate));
      expect(signer).toEqual(pair.publicKey);
      expect(encodePlain(crypto, payload, pair).length).toBe(plain.length);
      const request = decodeMailRequest(payload);
      expect(request).toEqual({
        lower: one.request.lower,
        upper: one.request.upper,
        bloom: unhex(one.request.bloom),
        limit: one.request.limit,
        cursor: unhex(one.request.cursor ?? ''),
        batch: one.request.batch ?? false,
      });
      if (!isOlder(one)) expect(encodeHex(encodeMailRequest(request))).toBe(one.payload);
      if (sealed.symKey === cases.symKey) {
        expect(openMailRequest(crypto, unhex(cases.symKey), envelope)).toEqual(request);
      } else {
        expect(() => openMailRequest(crypto, unhex(cases.symKey), envelope)).toThrow(
          expect.objectContaining({ code: 'AUTHENTICATION_FAILED' }),
        );
      }
    },
  );

  it.each(named(cases.requests.filter(({ envelope }) => envelope === undefined)))(
    'bare request: %s',
    (_, one) => {
      const body = unhex(one.payload);
      expect(decodePacket({ code: 126, body })).toEqual({ kind: 'bareRequest', body });
      expect(encodePacket({ kind: 'bareRequest', body })).toEqual({ code: 126, body });
      const read = decodeBareMailRequest(body);
      expect(read).toEqual({
        id: unhex(one.request.id as string),
        lower: one.request.from,
        upper: one.request.to,
        limit: one.request.limit,
        cursor: unhex(one.request.cursor ?? ''),
        bloom: unhex(one.request.bloom),
        batch: true,
      });
      expect(encodeBareMailRequest(read)).toEqual(body);
      const { topics } = one.request;
      if (topics !== undefined) expect(bloomOfTopics(topics.map(unhex))).toEqual(read.bloom);
    },
  );

  it.each(named(cases.requests))('answers to: %s', (_, one) => {
    const packets = one.answers.map(({ code, data }) => {
      const packet = decodePacket({ code, body: unhex(data) });
      expect(packet && encodePacket(packet)).toEqual({ code, body: unhex(data) });
      return packet;
    });
    const last = packets.at(-1);
    const { completion } = one;
    expect(last).toEqual({ kind: 'requestComplete', payload: unhex(completion.payload) });
    const read = decodeMailCompletion(unhex(completion.payload));
    expect(encodeHex(read.requestId)).toBe(completion.requestId);
    expect(read.outcome).toBe(one.outcome);
    const got = packets.flatMap((packet) => (packet?.kind === 'p2pMessages' ? packet.envelopes : []));
    if (read.outcome === 'refused') {
      expect(read.reason).toBe(text(unhex(completion.errorText as string)));
      expect(got).toEqual([]);
      return;
    }
    expect(encodeHex(read.cursor)).toBe(completion.cursor);
    expect(encodeHex(read.lastHash)).toBe(completion.lastEnvelopeHash);
    const hashes = got.map((bytes) => encodeHex(envelopeHash(crypto, bytes)));
    expect(cases.archive.map(({ hash }) => hash)).toEqual(expect.arrayContaining(hashes));
    expect(hashes.at(-1) ?? '00'.repeat(32)).toBe(completion.lastEnvelopeHash);
  });

  it.each(named(cases.requests))(
    'what a mailserver refuses by its contents, in the same words: %s',
    (_, one) => {
      const request =
        one.envelope === undefined
          ? decodeBareMailRequest(unhex(one.payload))
          : decodeMailRequest(unhex(one.payload));
      const { errorText } = one.completion;
      const said = errorText === undefined ? undefined : text(unhex(errorText));
      // The numbers in it are those of the oldest layout, as which it reads what it can't read.
      const words = (reason: string | undefined) => reason?.replace(/\(.*\)/, '');
      const byContents =
        /range must|bloom filter is empty|limit exceeds/.test(said ?? '') || request.lower > request.upper;
      expect(words(mailRefusal(request))).toBe(byContents ? words(said) : undefined);
    },
  );
});
