import { connect, type Subscription } from '@nats-io/transport-node';
import { type Carrier, decodeHex, encodeHex, type Topic } from '@sotto/core';
import { createPipeCarrier } from '@sotto/whisper-transport';

const PREFIX = 'sotto.';
/** The connection is lost again, which is reported separately. */
const ignore = () => {};
const subjectOf = (topic: Topic) => PREFIX + encodeHex(topic);

/**
 * Messages through a NATS broker, with a subject for each topic. The broker sees topics, sizes and times; never keys, senders or
 * contents. The client reconnects, and subscribes again, by itself.
 *
 * @param servers such as `nats://127.0.0.1:4222`
 */
export function createNatsCarrier(servers: string): Carrier {
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
        await connection.flush(); // the broker has the subscriptions
      },
      close: () => connection.close(),
    };
  });
}
