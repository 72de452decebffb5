import { encodeHex, isSottoError } from '@sotto/core';
import { channelSymmetricKey, envelopeHash } from '@sotto/whisper-transport/whisper';
import { expect, it } from 'vitest';
import { createDevp2pCarrier } from '../src/index.js';
import { encodeMailCompletion, type MailRequest, mailRefusal, openMailRequest } from '../src/mailserver.js';
import { crypto, envelope, TOPIC } from './envelopes.js';
import { testHost, urlOf } from './hosts.js';

const PASSWORD = 'a-password';
const key = channelSymmetricKey(crypto, PASSWORD);
const DAY = 86_400;

/** A mailserver that is as strict as the deployed one, with envelopes of these seconds, two a page. */
async function strictMailserver(times: readonly number[]) {
  const archived = times.map((time) => ({ time, bytes: envelope({ expiry: time + 15, ttl: 15 }) }));
  const asked: MailRequest[] = [];
  const host = await testHost({
    onP2pRequest: async (peer, request) => {
      const requestId = envelopeHash(crypto, request.bytes);
      const refuse = (reason: string) =>
        host.sendRequestComplete(peer.id, encodeMailCompletion({ outcome: 'refused', requestId, reason }));
      let what: MailRequest;
      try {
        what = openMailRequest(crypto, key, request.envelope);
      } catch {
        return refuse('failed to decrypt p2p request');
      }
      asked.push(what);
      const reason = what.batch ? mailRefusal(what) : 'five items';
      if (reason !== undefined) return refuse(reason);
      const from = what.cursor.length === 0 ? 0 : 1 + (what.cursor[35] as number);
      const found = archived.filter(({ time }, i) => i >= from && time >= what.lower && time <= what.upper);
      const page = found.slice(0, 2);
      await host.sendP2pMessages(
        peer.id,
        page.map(({ bytes }) => bytes),
        { batch: true },
      );
      const cursor = new Uint8Array(page.length < 2 ? 0 : 36);
      if (cursor.length > 0) cursor[35] = archived.indexOf(page[1] as (typeof archived)[number]);
      const completion = { outcome: 'completed', requestId, lastHash: new Uint8Array(32), cursor } as const;
      await host.sendRequestComplete(peer.id, encodeMailCompletion(completion));
    },
  });
  return { host, asked, archived: archived.map(({ bytes }) => encodeHex(bytes)) };
}

/** Asks it as a carrier does. */
async function ask(url: string, from: number, to: number, password = PASSWORD) {
  const came: string[] = [];
  const carrier = createDevp2pCarrier({ crypto, mailserver: { enode: url, password } });
  const connection = await carrier.open({ onEnvelope: (_, bytes) => void came.push(encodeHex(bytes)) });
  try {
    await connection.subscribe([TOPIC]);
    await connection.history?.([TOPIC], from * 1000, to * 1000);
    return { came, error: undefined };
  } catch (error) {
    if (!isSottoError(error)) throw error;
    return { came, error };
  } finally {
    await connection.close();
  }
}

it('asks day by day, the oldest first, each page after the other, with six items', async () => {
  const now = Math.floor(Date.now() / 1000);
  const times = [2.5, 2.2, 2.1, 1.5, 0.5, 0].map((days) => now - Math.round(days * DAY));
  const { host, asked, archived } = await strictMailserver(times);
  const { came, error } = await ask(urlOf(host), now - 3 * DAY, now);
  expect(error).toBeUndefined();
  expect(came).toEqual(archived);
  const spans = asked.map(({ lower, upper }) => upper - lower);
  expect(Math.max(...spans)).toBeLessThanOrEqual(DAY);
  // The whole of it, without a gap, and nothing twice.
  const days = [...new Map(asked.map(({ lower, upper }) => [lower, upper]))];
  expect([days[0]?.[0], days.at(-1)?.[1]]).toEqual([now - 3 * DAY, now]);
  for (const [i, [lower]] of days.entries()) if (i > 0) expect(lower).toBe((days[i - 1]?.[1] as number) + 1);
});

it('a refusal is reported immediately, in the words of the mailserver', async () => {
  const { host } = await strictMailserver([]);
  const now = Math.floor(Date.now() / 1000);
  const { error } = await ask(urlOf(host), now - 100, now, 'another password');
  expect(error).toMatchObject({
    code: 'TRANSPORT_REFUSED',
    details: { reason: 'failed to decrypt p2p request' },
  });
});

it('for all of time it asks for a year', async () => {
  const { host, asked } = await strictMailserver([]);
  const now = Math.floor(Date.now() / 1000);
  const { error } = await ask(urlOf(host), 0, 2 ** 40);
  expect(error).toBeUndefined();
  expect(asked.length).toBeLessThanOrEqual(367);
  expect(asked[0]?.lower).toBeGreaterThan(now - 367 * DAY);
}, 60_000);

it('a mailserver that sends more than a page may have is not listened to', async () => {
  const host = await testHost({
    onP2pRequest: async (peer) => {
      const bytes = envelope();
      for (let i = 0; i < 30; i++)
        await host.sendP2pMessages(peer.id, Array<Uint8Array>(100).fill(bytes), { batch: true });
    },
  });
  const now = Math.floor(Date.now() / 1000);
  const { came, error } = await ask(urlOf(host), now - 100, now);
  expect(error).toMatchObject({
    code: 'TRANSPORT_REFUSED',
    details: { reason: 'it sends more than a page' },
  });
  expect(came.length).toBe(1_000);
});
