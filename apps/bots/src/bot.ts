import { openAccount } from '@sotto/agent';
import { errorName, type Store, type Topic } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { createMessenger, type Messenger, type ReceivedMessage } from '@sotto/messenger';
import type { PostgresStore } from '@sotto/store-adapters/postgres';
import { createSealedTransport } from '@sotto/whisper-transport';
import type { Subscriber, TopicSwitch } from './topic-switch.js';

/** Where a bot keeps its topics, 4 bytes each, to know what to listen to while its messenger is closed. */
const TOPICS_KEY = 'app/topics';
const TOPIC_LENGTH = 4;

/** What the bots of a process share. */
export interface BotSurroundings {
  readonly topics: TopicSwitch;
  readonly crypto: CryptoProvider;
  /** Runs when one of few places is free; a bot that is awake has one. */
  enter(): Promise<() => void>;
  /** Milliseconds without a message until a bot goes to sleep. */
  readonly idleMs: number;
  /** What the bot does with a message; it is acknowledged afterwards. */
  answer(messenger: Messenger, message: ReceivedMessage): Promise<void>;
  report(event: string, fields: Readonly<Record<string, unknown>>): void;
}

/**
 * One identity. It listens to its topics, which its store keeps; its messenger, which takes memory and connects, is opened when
 * something arrives and closed when nothing has for a while.
 */
export class Bot implements Subscriber {
  readonly name: string;
  readonly #store: PostgresStore;
  readonly #surroundings: BotSurroundings;
  /** As they were when it was loaded; none if it was never awake. */
  #topics: Topic[] | undefined;
  #awake: Promise<Messenger> | undefined;
  #used = false;
  #stopped = false;

  constructor(name: string, store: PostgresStore, surroundings: BotSurroundings) {
    this.name = name;
    this.#store = store;
    this.#surroundings = surroundings;
  }

  /** Reads what it listens to. @returns whether it ever listened to anything */
  async load(): Promise<boolean> {
    const stored = await this.#store.get(TOPICS_KEY);
    this.#topics = stored && decodeTopics(stored.value);
    return stored !== undefined;
  }

  /** Begins to listen. A bot that was never awake is woken once, so that it has an account and can be found. */
  async listen(): Promise<void> {
    await this.#surroundings.topics.add(this, this.#topics ?? []);
    if (this.#topics === undefined) await this.#wake();
  }

  /** Its contact code. */
  async code(): Promise<string> {
    this.#used = true;
    return (await this.#wake()).contacts.ownCode();
  }

  wake(): void {
    this.#used = true;
    if (this.#awake !== undefined || this.#stopped) return;
    this.#wake().catch((error: unknown) => {
      this.#surroundings.report('failed', { bot: this.name, error: errorName(error) });
    });
  }

  async onTopics(topics: readonly Topic[]): Promise<void> {
    const value = new Uint8Array(topics.length * TOPIC_LENGTH);
    for (const [i, topic] of topics.entries()) value.set(topic, i * TOPIC_LENGTH);
    await this.#store.commit([{ type: 'put', key: TOPICS_KEY, value }]);
  }

  /** Stops listening, and closes the store. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#surroundings.topics.remove(this);
    const messenger = await this.#awake?.catch(() => undefined);
    await messenger?.close();
    await this.#store.close();
  }

  #wake(): Promise<Messenger> {
    this.#awake ??= this.#open();
    return this.#awake;
  }

  async #open(): Promise<Messenger> {
    const { enter, crypto, topics, answer, idleMs, report } = this.#surroundings;
    const leave = await enter();
    try {
      const store = staysOpen(this.#store);
      const identity = await openAccount(store, crypto);
      const transport = createSealedTransport(topics.carrierFor(this));
      const messenger = await createMessenger({ identity, store, transport, crypto });
      messenger.on('message', async (message) => {
        this.#used = true;
        if (!message.ownCopy) await answer(messenger, message);
        await message.acknowledge();
        report('answered', { bot: this.name });
      });
      await messenger.start({ retry: true });
      // Who was woken only to have an account sleeps at once.
      this.#sleepWhenIdle(messenger, this.#used ? idleMs : 0, leave);
      return messenger;
    } catch (error) {
      this.#awake = undefined;
      leave();
      throw error;
    }
  }

  #sleepWhenIdle(messenger: Messenger, waitMs: number, leave: () => void): void {
    this.#used = false;
    const look = async () => {
      if (this.#used && !this.#stopped) {
        this.#sleepWhenIdle(messenger, this.#surroundings.idleMs, leave);
        return;
      }
      // What arrives from here on waits until it is closed, and wakes it again.
      await messenger.flushed().catch(() => {});
      await messenger.close();
      this.#awake = undefined;
      leave();
      if (this.#used) this.wake();
    };
    setTimeout(() => void look(), waitMs).unref();
  }
}

/** The store of a bot outlives its messengers. */
function staysOpen(store: Store): Store {
  return {
    continuity: store.continuity,
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => store.commit(writes, options),
    close: async () => {},
  };
}

function decodeTopics(bytes: Uint8Array): Topic[] {
  const topics: Topic[] = [];
  for (let at = 0; at < bytes.length; at += TOPIC_LENGTH) topics.push(bytes.slice(at, at + TOPIC_LENGTH));
  return topics;
}
