import { join } from 'node:path';
import { type Clock, decodeHex, encodeHex, silentLogger } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { temporaryDirectory } from '@sotto/testing/files';
import { loadVectors, type MailRequestCase } from '@sotto/testing/vectors';
import { decodeBareMailRequest, decodeMailCompletion } from '@sotto/whisper-devp2p/mailserver';
import { DEFAULT_ENVELOPE_POLICY, decodeEnvelope } from '@sotto/whisper-transport/whisper';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EnvelopeArchive } from '../src/archive/envelope-archive.js';
import { type MailHost, Mailserver } from '../src/mail/mailserver.js';

const crypto = defaultProvider();
const { cases } = loadVectors('status-mailserver');
/** When the requests were sealed. */
const NOW = Math.max(...cases.requests.flatMap(({ envelope }) => envelope?.expiry ?? [])) - 100_000;
const clock: Clock = {
  now: () => 1000 * NOW,
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
/** Whose requests these are. */
const peer = { id: 'ab'.repeat(64), address: '192.0.2.1:30303' };

const folder = temporaryDirectory(afterAll);
let archive: EnvelopeArchive;
let mailserver: Mailserver;
beforeAll(async () => {
  const limits = { maxAge: 100 * 86_400, maxBytes: 1e6, maxWaiting: 100, maxWaitingBytes: 1e6 };
  archive = await EnvelopeArchive.open({
    path: join(folder, 'archive'),
    limits,
    clock,
    logger: silentLogger,
  });
  const bytes = cases.archive.map(({ rlp }) => decodeHex(rlp));
  await Promise.all(
    cases.archive.map(({ hash }, i) => {
      const one = bytes[i] as Uint8Array;
      return archive.add({ hash, bytes: one, envelope: decodeEnvelope(one), pow: 1 });
    }),
  );
  mailserver = new Mailserver({
    crypto,
    clock,
    logger: silentLogger,
    archive,
    password: cases.password,
    withoutPassword: false,
    policy: () => DEFAULT_ENVELOPE_POLICY,
    onRequest: () => {},
  });
});
afterAll(async () => {
  await archive?.close();
});

/** What our mailserver answers, as packets. */
async function answersTo({ envelope, payload }: MailRequestCase) {
  const packets: string[] = [];
  const host: MailHost = {
    async sendP2pMessages(_, envelopes, { batch = false } = {}) {
      const all = [...envelopes].map(encodeHex);
      packets.push(...(batch && all.length > 0 ? [all.join()] : all));
    },
    async sendRequestComplete(_, completion) {
      packets.push(encodeHex(completion));
    },
  };
  if (envelope === undefined)
    await mailserver.answerBare(host, peer, decodeBareMailRequest(decodeHex(payload)));
  else {
    const bytes = decodeHex(envelope.rlp);
    await mailserver.answer(host, peer, { bytes, envelope: decodeEnvelope(bytes) });
  }
  return packets;
}

it.each(cases.requests.map((one) => [one.name, one] as const))(
  'as the deployed mailserver: %s',
  async (name, one) => {
    const packets = await answersTo(one);
    const completion = decodeMailCompletion(decodeHex(packets.at(-1) as string));
    if (name.startsWith('five items')) {
      // What it can't read, and we can.
      expect(completion.outcome).toBe('completed');
      expect(packets.slice(0, -1)).toEqual(cases.archive.map(({ rlp }) => rlp));
      return;
    }
    expect(completion.outcome).toBe(one.outcome);
    if (one.request.lower !== undefined && one.request.lower > (one.request.upper as number)) {
      // It gives the numbers of another layout.
      expect(completion).toMatchObject({
        reason: expect.stringMatching(/^query range is invalid: from > to/),
      });
      return;
    }
    expect(packets.at(-1)).toBe(one.completion.payload);
    const sent = packets.slice(0, -1);
    const theirs = one.answers.slice(0, -1).map(({ data }) => data);
    const inTheirs = cases.archive.filter(({ rlp }) => theirs.some((data) => data.includes(rlp)));
    expect(sent.flatMap((packet) => packet.split(','))).toEqual(inTheirs.map(({ rlp }) => rlp));
    // Theirs sends the last of a page that is full by itself.
    const isFull = inTheirs.length === one.request.limit;
    if (!isFull) expect(sent.length).toBe(theirs.length);
  },
);
