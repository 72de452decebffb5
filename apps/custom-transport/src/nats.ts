import { connect, type Subscription } from '@nats-io/transport-node';
import { type Carrier, decodeHex, encodeHex, type Topic } from '@sotto/core';
import { createPipeCarrier } from '@sotto/whisper-transport';

const PREFIX = 'sotto.';
/** Lost again already, which is told on its own. */
const ignore = () => {};
const subjectOf = (topic: Topic) => PREFIX + encodeHex(topic);

/**
 * Messages through a NATS broker: a subject for each topic. The broker sees topics, sizes and times; never keys, senders or
 * contents. The client reconnects, and subscribes again, by itself.
 *
 * @param servers `nats://127.0.0.1:4222`, for one
 */
export function nats(servers: string): Carrier {
  return createPipeCarrier(async ({ deliver, status }) => {
    const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 250 });
    const subscriptions = new Map<string, Subscription>();
    void (async () => {
      for await (const { type } of connection.status()) {
        if (type === 'disconnect') status('reconnecting');
        // The client has subscribed again; flushed, the broker has it.
        if (type === 'reconnect') connection.flush().then(() => status('connected'), ignore);
      }
    })();
    return {
      async publish(topic, envelope) {
        connection.publish(subjectOf(topic), envelope);
        await connection.flush(); // the broker has it
      },
      async subscribe(topics) {
        const wanted = new Set(topics.map(subjectOf));
        for (const [subject, subscription] of subscriptions) {
          if (wanted.has(subject)) continue;
          subscription.unsubscribe();
          subscriptions.delete(subject);
        }
        for (const subject of wanted) {
          if (subscriptions.has(subject)) continue;
          const topic = decodeHex(subject.slice(PREFIX.length));
          const callback = (_: unknown, { data }: { readonly data: Uint8Array }) => deliver(topic, data);
          subscriptions.set(subject, connection.subscribe(subject, { callback }));
        }
        await connection.flush(); // and so has it these
      },
      close: () => connection.close(),
    };
  });
}
