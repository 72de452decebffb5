import type { Store } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type ManualClock, manualClock, rest } from '@sotto/testing/clock';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { onTestFinished } from 'vitest';
import { type Agent, type AgentOptions, createAgent } from '../src/index.js';

export const crypto = createPortableProvider();
export const bytes = (text: string) => new TextEncoder().encode(text);

/** A network with an agent that is told the time by a manual clock, and people who write to it. */
export interface Scene {
  readonly network: MemoryNetwork;
  readonly clock: ManualClock;
  readonly agent: Agent;
  /** A messenger that has not started yet; closed with the test. */
  messenger(options?: MessengerOptions): Promise<Messenger>;
  /** Adds someone who knows the messenger of an agent. */
  person(bot: Messenger): Promise<Person>;
  /** Waits until nothing is on its way. */
  quiet(): Promise<void>;
}

interface MessengerOptions {
  readonly identity?: ReturnType<typeof crypto.secp256k1.generateKeyPair>;
  readonly store?: Store;
}

export interface Person {
  readonly messenger: Messenger;
  /** What was written to this person, in order. */
  readonly heard: string[];
  say(content: string | Uint8Array): Promise<void>;
}

export function newScene(options: AgentOptions = {}): Scene {
  const network = createMemoryNetwork();
  const clock = manualClock();
  const agent = createAgent({ clock, ...options });
  const opened: Messenger[] = [];
  onTestFinished(async () => {
    await agent.stop({ graceMs: 0 });
    await Promise.all(opened.map((messenger) => messenger.close()));
  });
  const scene: Scene = {
    network,
    clock,
    agent,
    async messenger({
      identity = crypto.secp256k1.generateKeyPair(),
      store = createMemoryStore(),
    }: MessengerOptions = {}) {
      const messenger = await createMessenger({ identity, store, transport: network.transport(), crypto });
      opened.push(messenger);
      return messenger;
    },
    async person(bot) {
      const messenger = await scene.messenger();
      const heard: string[] = [];
      messenger.on('message', async (message) => {
        heard.push(new TextDecoder().decode(message.payload));
        await message.acknowledge();
      });
      await messenger.start();
      await messenger.contacts.add(await bot.contacts.ownCode());
      return {
        messenger,
        heard,
        async say(content) {
          await messenger.send(bot.identity, typeof content === 'string' ? bytes(content) : content);
          await scene.quiet();
        },
      };
    },
    async quiet() {
      for (let round = 0; round < 6; round++) {
        await Promise.all(opened.map((messenger) => messenger.flushed().catch(() => {})));
        await network.idle();
        await rest();
      }
    },
  };
  return scene;
}
