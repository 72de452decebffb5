// A client with many chats, and one who writes to it now and then: what it must get in the middle of garbage.
import { randomInt } from 'node:crypto';
import { defaultProvider } from '@sotto/crypto';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { topicOf } from '@sotto/whisper-transport/whisper';

const crypto = defaultProvider();
const nameOf = (chat) => `chat-${chat}`;

/** Topics of the chats. */
export const topicsOfChats = (chats) =>
  Array.from({ length: chats }, (_, chat) => topicOf(crypto, nameOf(chat)));

/** @param every milliseconds from one message to the next */
export async function startChats(url, chats, every) {
  const arrivals = new Map();
  const connect = (onMessage) =>
    createSealedTransport(createRelayCarrier({ url }), { crypto }).connect({
      identity: crypto.secp256k1.generateKeyPair(),
      onMessage,
    });
  const client = await connect(async ({ payload }) => {
    const text = new TextDecoder().decode(payload);
    arrivals.set(text, (arrivals.get(text) ?? 0) + 1);
  });
  await client.subscribe(
    Array.from({ length: chats }, (_, chat) => ({ kind: 'public', name: nameOf(chat) })),
  );
  const friend = await connect(async () => {});
  let count = 0;
  const sent = new Set();
  let refused = 0;
  const sending = new Set();
  const timer = setInterval(() => {
    const text = `message ${count++}`;
    const channel = { kind: 'public', name: nameOf(randomInt(chats)) };
    // What its sender gave up waiting for may come all the same.
    const send = friend.send(channel, new TextEncoder().encode(text)).then(
      () => sent.add(text),
      () => refused++,
    );
    sending.add(send);
    void send.finally(() => sending.delete(send));
  }, every);
  return {
    /** Writes no more. Resolves, when all that was sent has had time to come, with what came. */
    async close() {
      clearInterval(timer);
      await Promise.all(sending);
      const lost = () => [...sent].filter((text) => !arrivals.has(text)).length;
      for (let wait = 0; lost() > 0 && wait < 100; wait++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await Promise.all([client.close(), friend.close()]);
      const repeated = [...arrivals.values()].filter((times) => times > 1).length;
      return { sent: sent.size, refused, lost: lost(), repeated };
    },
  };
}
