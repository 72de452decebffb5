import { silentLogger } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { manualClock, rest } from '@sotto/testing/clock';
import { decodeMailCompletion } from '@sotto/whisper-devp2p/mailserver';
import { DEFAULT_ENVELOPE_POLICY } from '@sotto/whisper-transport/whisper';
import { expect, it } from 'vitest';
import { type MailHost, Mailserver } from '../src/mail/mailserver.js';

const request = {
  ...{ id: new Uint8Array(32), lower: 0, upper: 1, limit: 0, batch: true },
  ...{ bloom: new Uint8Array(64).fill(1), cursor: new Uint8Array(0) },
};

/** A mailserver of which each request reads as much as one may. */
function mailserver() {
  const clock = manualClock();
  let read = 0;
  const answers: string[] = [];
  const server = new Mailserver({
    crypto: defaultProvider(),
    clock,
    logger: silentLogger,
    archive: {
      async byBloom() {
        read++;
        return { envelopes: [], cursor: new Uint8Array(0), lookedAt: 50_000 };
      },
    },
    password: 'a password',
    withoutPassword: true,
    policy: () => DEFAULT_ENVELOPE_POLICY,
    onRequest: (outcome) => answers.push(outcome),
  });
  const host: MailHost = {
    sendP2pMessages: async () => {},
    sendRequestComplete: async (_, completion) => void decodeMailCompletion(completion),
  };
  let peers = 0;
  return {
    clock,
    answers,
    readSoFar: () => read,
    ask: (address: string) => server.answerBare(host, { id: `peer ${peers++}`, address }, request),
  };
}

it('an address whose requests read the whole archive waits, and is refused in a flood; others are answered at once', async () => {
  const { clock, answers, readSoFar, ask } = mailserver();
  const flood = Array.from({ length: 200 }, (_, i) => ask(`192.0.2.1:${i}`));
  await rest();
  // What was begun at once is over; those after it see what it has cost.
  const atOnce = readSoFar();
  for (let i = 0; i < 20; i++) void ask('192.0.2.1:1');
  await rest();
  expect(readSoFar()).toBe(atOnce);
  expect(answers.filter((outcome) => outcome === 'busy').length).toBeGreaterThan(0);
  await ask('192.0.2.2:1');
  await ask('[2001:db8::1]:1');
  expect(readSoFar()).toBe(atOnce + 2);
  await Promise.all(flood);
  await clock.advanceAndRest(24 * 60 * 60_000);
  await ask('192.0.2.1:1');
  expect(answers.at(-1)).toBe('answered');
});

it('one that asks for page after page is answered as fast as they may be read', async () => {
  const { clock, readSoFar, ask } = mailserver();
  let isOver = false;
  const asking = (async () => {
    for (let page = 0; page < 20; page++) await ask('192.0.2.1:1');
    isOver = true;
  })();
  await rest();
  expect(readSoFar()).toBeLessThan(6);
  let seconds = 0;
  for (; !isOver; seconds++) await clock.advanceAndRest(1_000);
  await asking;
  expect(readSoFar()).toBe(20);
  expect(seconds).toBeGreaterThan(25);
  expect(seconds).toBeLessThan(40);
});
