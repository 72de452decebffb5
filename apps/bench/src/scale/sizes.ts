import { encodeUtf8 } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createPipeCarrier, createSealedTransport, type PipeEvents } from '@sotto/whisper-transport';

/** Bytes of sealed envelopes, as messengers send them. */
export interface EnvelopeSizes {
  /** A text of 100 bytes in a conversation that is under way. */
  readonly text: number;
  /** The first message to a stranger, on the partitioned topic. */
  readonly first: number;
  /** A contact code. */
  readonly contactCode: number;
}

/** Lets two messengers talk, and looks at what they put on the wire. */
export async function measureSizes(): Promise<EnvelopeSizes> {
  const pipes = new Set<PipeEvents>();
  let lengths: number[] = [];
  const carrier = createPipeCarrier((events) => {
    pipes.add(events);
    return {
      publish(topic, envelope) {
        lengths.push(envelope.length);
        for (const pipe of pipes) pipe.deliver(topic, envelope);
      },
      close: () => void pipes.delete(events),
    };
  });
  const open = () =>
    createMessenger({
      identity: defaultProvider().secp256k1.generateKeyPair(),
      store: createMemoryStore(),
      transport: createSealedTransport(carrier),
    });
  const [alice, bob] = [await open(), await open()];
  let read = () => {};
  for (const messenger of [alice, bob]) {
    messenger.on('message', async ({ acknowledge }) => {
      await acknowledge();
      read();
    });
    await messenger.start();
  }
  /** Bytes of the largest envelope that a text causes. */
  const send = async (from: typeof alice, to: typeof alice) => {
    lengths = [];
    const arrival = new Promise<void>((resolve) => {
      read = resolve;
    });
    await from.send(to.identity, encodeUtf8('x'.repeat(100)));
    await arrival;
    await from.flushed();
    return Math.max(...lengths);
  };
  await alice.flushed();
  const contactCode = Math.max(...lengths);
  const first = await send(alice, bob);
  for (let i = 0; i < 3; i++) {
    await send(bob, alice);
    await send(alice, bob);
  }
  const text = await send(alice, bob);
  await Promise.all([alice.close(), bob.close()]);
  return { text, first, contactCode };
}
