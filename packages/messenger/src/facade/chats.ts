import type { Subscriptions } from '../connection/subscriptions.js';
import type { MessengerContext } from '../runtime/context.js';
import { parseChatName } from '../runtime/topics.js';

/** Public chats, which anyone can read and write: `messenger.chats`. */
export class MessengerChats {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;

  /** @internal */
  constructor(context: MessengerContext, subscriptions: Subscriptions) {
    this.#context = context;
    this.#subscriptions = subscriptions;
  }

  /**
   * Joins a public chat: subscribes to it now and after each start.
   * @param name 1 to 128 of `a` to `z`, `0` to `9` and `-`
   * @throws INVALID_TEXT, TRANSPORT_UNAVAILABLE, STORE codes, CLOSED
   */
  async join(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#context.runtime.transaction(async (tx) => this.#subscriptions.subscribeChat(tx, chat));
    await this.#subscriptions.update();
  }

  /** Leaves a public chat: ends the subscription. @throws INVALID_TEXT, STORE codes, CLOSED */
  async leave(name: string): Promise<void> {
    const chat = parseChatName(name);
    await this.#context.runtime.transaction(async (tx) => this.#subscriptions.unsubscribeChat(tx, chat));
  }

  /** The names of the joined public chats, sorted. */
  list(): readonly string[] {
    return this.#subscriptions.chats();
  }
}
