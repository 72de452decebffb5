import { carrierCases } from '@sotto/compliance/carrier';
import { encodeHex, type SottoError, type Topic } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { createPipeCarrier, type Pipe, type PipeEvents } from '../src/index.js';

const TOPIC = Uint8Array.of(1, 2, 3, 4);
const handler = { onEnvelope() {} };

/** A pipe that delivers everything to everybody, and earlier envelopes on request. */
function hub() {
  const ends = new Set<PipeEvents>();
  const sent: { topic: Topic; envelope: Uint8Array; at: number }[] = [];
  return createPipeCarrier(
    (events) => {
      ends.add(events);
      return {
        publish(topic, envelope) {
          sent.push({ topic, envelope, at: Date.now() });
          for (const { deliver } of ends) deliver(topic, envelope);
        },
        async history(topics, from, to) {
          const wanted = topics.map(encodeHex);
          for (const { topic, envelope, at } of sent) {
            if (wanted.includes(encodeHex(topic)) && at >= from && at <= to)
              events.deliver(topic, envelope, { fromHistory: true });
          }
        },
        close() {
          ends.delete(events);
        },
      };
    },
    { history: true },
  );
}

const open = (pipe: Partial<Pipe>) =>
  createPipeCarrier(() => ({ publish() {}, close() {}, ...pipe })).open(handler);

describe('a carrier of any pipe', () => {
  it.each(carrierCases({ history: true }))('$name', async ({ run }) => {
    const carrier = hub();
    await run({ carrier: () => carrier });
  });

  it('what a pipe throws of its own means: try again later, and its text goes nowhere', async () => {
    const fail = () => {
      throw new Error('refused nats://user:password@broker');
    };
    await expect(createPipeCarrier(fail).open(handler)).rejects.toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
    });
    const connection = await open({ publish: fail, subscribe: async () => fail() });
    for (const call of [() => connection.publish(TOPIC, TOPIC), () => connection.subscribe([TOPIC])]) {
      const error = await call().then(
        () => undefined,
        (cause: SottoError) => cause,
      );
      expect(error).toMatchObject({ code: 'TRANSPORT_UNAVAILABLE' });
      expect(JSON.stringify(error) + error?.message).not.toContain('password');
    }
  });

  it('a pipe that hangs does not block aborting or closing', async () => {
    const hang = () => new Promise<never>(() => {});
    const connection = await open({ publish: hang, subscribe: hang });
    const controller = new AbortController();
    const publishing = connection.publish(TOPIC, TOPIC, { signal: controller.signal });
    controller.abort();
    await expect(publishing).rejects.toMatchObject({ code: 'ABORTED' });
    const left = [connection.publish(TOPIC, TOPIC), connection.subscribe([TOPIC])];
    const outcomes = Promise.allSettled(left);
    await connection.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'CLOSED' } });
  });

  it('a pipe that opens when the caller has gone is closed again', async () => {
    const controller = new AbortController();
    let closed = 0;
    const opening = createPipeCarrier(async () => {
      controller.abort();
      return { publish() {}, close: () => void closed++ };
    }).open(handler, { signal: controller.signal });
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
    expect(closed).toBe(1);
  });

  it('a pipe that takes long to open, or for ever, keeps nobody who gives up, and is closed when it is there', async () => {
    const controller = new AbortController();
    let arrive: (pipe: Pipe) => void = () => {};
    const carrier = createPipeCarrier(
      () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    );
    const opening = carrier.open(handler, { signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
    let closed = 0;
    arrive({ publish() {}, close: () => void closed++ });
    await expect.poll(() => closed).toBe(1);
  });

  it('has no history unless it says so', async () => {
    const connection = await open({ async history() {} });
    expect('history' in connection).toBe(false);
  });
});
