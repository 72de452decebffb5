import { compareBytes, type PublicKey, SottoError } from '@sotto/core';
import type { MessageRequest } from '@sotto/device';
import type { Contacts } from '../contacts/contacts.js';
import type { MessengerContext } from '../runtime/context.js';
import type { CommitOptions } from '../runtime/options.js';

/** Strangers who wrote to us, and identities that the user blocked: `messenger.requests`. */
export class MessengerRequests {
  readonly #context: MessengerContext;
  readonly #contacts: Contacts;

  /** @internal */
  constructor(context: MessengerContext, contacts: Contacts) {
    this.#context = context;
    this.#contacts = contacts;
  }

  /**
   * Those who wrote to us and whom the user hasn't let in yet, oldest first. Until then we subscribe to no topic of theirs
   * beyond what an answer of ours moved them to, and only so much is kept of them (docs/limits.md).
   * @throws STORE codes, CLOSED
   */
  async list(): Promise<readonly MessageRequest[]> {
    return this.#context.runtime.read((tx) => this.#context.device.requests(tx));
  }

  /**
   * Lets an identity in: its messages are no longer a request, and we subscribe to its topics. What history has of the time
   * since its request is fetched. Writing to somebody, on another device of ours as well, or adding a contact, does the same.
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async accept(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#context.runtime.transaction((tx) => this.#contacts.letIn(tx, key));
  }

  /**
   * Drops whatever an identity sends, groups and public chats included, before anything is done with it. It is no contact
   * any more. What else is known of it stays, unless it was a request; its history is the application's.
   * @throws INVALID_PUBLIC_KEY; INVALID_ARGUMENT for our own identity; STORE codes, CLOSED
   */
  async block(identity: Uint8Array, options: CommitOptions = {}): Promise<void> {
    const key = this.#parse(identity);
    if (compareBytes(key, this.#context.device.identity) === 0) {
      throw new SottoError('INVALID_ARGUMENT', 'You cannot block your own identity.', {
        what: 'identity',
        reason: 'our own',
      });
    }
    await this.#contacts.block(key, options.alongside ?? []);
  }

  /**
   * Takes again what an identity sends. What it sent meanwhile was dropped, and comes only if history is asked for that time
   * again and still has it. Somebody who was let in before still is.
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async unblock(identity: Uint8Array): Promise<void> {
    const key = this.#parse(identity);
    await this.#context.runtime.transaction((tx) => this.#contacts.unblock(tx, key));
  }

  /** The identities that the user blocked, 33 bytes each, in order of their bytes. */
  blocked(): readonly PublicKey[] {
    return this.#contacts.blocked();
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#context.settings.crypto.secp256k1.parsePublicKey(key);
  }
}
