import { type Carrier, type CarrierHandler, encodeHex } from '@sotto/core';

/** A pipe that gives everybody everything on the topics asked for, at once; the simplest carrier there is. */
export function bus(options: { readonly minimumPow?: number } = {}) {
  const ends = new Set<{ handler: CarrierHandler; topics: ReadonlySet<string> }>();
  const carried: { topic: Uint8Array; envelope: Uint8Array }[] = [];
  const carry = async (topic: Uint8Array, envelope: Uint8Array, fromHistory = false) => {
    for (const end of ends) {
      if (end.topics.has(encodeHex(topic)))
        await end.handler.onEnvelope(topic, envelope.slice(), fromHistory);
    }
  };
  const carrier: Carrier = {
    capabilities: { maxEnvelopeBytes: 1024 * 1024, history: true, minimumPow: options.minimumPow ?? 0 },
    async open(handler) {
      const end = { handler, topics: new Set<string>() as ReadonlySet<string> };
      ends.add(end);
      return {
        async publish(topic, envelope) {
          carried.push({ topic, envelope });
          await carry(topic, envelope);
        },
        async subscribe(topics) {
          end.topics = new Set(topics.map(encodeHex));
        },
        async history(topics) {
          const wanted = new Set(topics.map(encodeHex));
          for (const { topic, envelope } of carried) {
            if (wanted.has(encodeHex(topic))) await handler.onEnvelope(topic, envelope.slice(), true);
          }
        },
        async close() {
          ends.delete(end);
        },
      };
    },
  };
  /** Gives everybody on the topic just these bytes, whatever they are. */
  const deliver = async (topic: Uint8Array, envelope: Uint8Array) => {
    const wanted = encodeHex(topic);
    for (const { handler, topics } of ends) {
      if (topics.has(wanted)) await handler.onEnvelope(topic, envelope, false);
    }
  };
  return { carrier, carried, carry, deliver };
}
