import type { PublicKey } from '@sotto/core';
import { decodeContactCode } from '@sotto/protocol-codec';
import type { Contacts } from '../contacts/contacts.js';
import type { BundlePublication } from '../outbound/bundle-publication.js';
import type { MessengerContext } from '../runtime/context.js';
import type { AddContactOptions, CommitOptions } from '../runtime/options.js';
import type { Contact } from '../runtime/results.js';

/** Identities that the user added or verified, and contact codes, theirs and our own: `messenger.contacts`. */
export class MessengerContacts {
  readonly #context: MessengerContext;
  readonly #contacts: Contacts;
  readonly #publication: BundlePublication;

  /** @internal */
  constructor(context: MessengerContext, contacts: Contacts, publication: BundlePublication) {
    this.#context = context;
    this.#contacts = contacts;
    this.#publication = publication;
  }

  /**
   * Adds a contact, subscribes to its bundle and to the topic negotiated with it, and sends it our bundle once, so that it
   * writes to this device, too, if it knows other devices of ours.
   * @param who a contact code, or an identity of 33 or 65 bytes
   * @throws INVALID_TEXT, MALFORMED_MESSAGE, BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE, INVALID_PUBLIC_KEY, STORE codes,
   *   CLOSED
   */
  async add(who: string | Uint8Array, options: AddContactOptions = {}): Promise<Contact> {
    const bundle = typeof who === 'string' ? decodeContactCode(who) : undefined;
    const identity = this.#parse(bundle?.identity ?? (who as Uint8Array));
    return this.#context.runtime.transaction(async (tx) => {
      const contact = await this.#contacts.add(tx, identity, bundle);
      tx.alongside(options.alongside?.(contact) ?? []);
      return contact;
    });
  }

  /** Removes a contact: no longer subscribes to its bundle. Sessions with it stay. @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED */
  async remove(identity: Uint8Array, options: CommitOptions = {}): Promise<void> {
    const key = this.#parse(identity);
    await this.#context.runtime.transaction(async (tx) => {
      this.#contacts.remove(tx, key);
      tx.alongside(options.alongside ?? []);
    });
  }

  /** The contacts, in the order of their keys. @throws STORE codes, CLOSED */
  async list(): Promise<readonly Contact[]> {
    return this.#context.runtime.read((tx) => this.#contacts.list(tx));
  }

  /**
   * Notes whether the user has compared safety numbers with an identity; doing so accepts it. It need not be a contact.
   * @throws INVALID_PUBLIC_KEY, STORE codes, CLOSED
   */
  async setVerified(identity: Uint8Array, verified: boolean): Promise<void> {
    const key = this.#parse(identity);
    await this.#context.runtime.transaction((tx) => this.#contacts.setVerified(tx, key, verified));
  }

  /**
   * Looks up an identity's bundle on its contact-code topic: subscribes until `close`, and queries history where the
   * transport has it. Resolves after that query.
   * @returns whether a device of the identity is known now
   * @throws INVALID_PUBLIC_KEY, TRANSPORT_UNAVAILABLE, STORE codes, CLOSED
   */
  async lookUp(identity: Uint8Array): Promise<boolean> {
    return this.#contacts.lookUp(this.#parse(identity));
  }

  /** Our own contact code: our bundle as text, `base64(JSON(Bundle))`, to show or send to people. @throws STORE codes, CLOSED */
  async ownCode(): Promise<string> {
    return this.#context.runtime.read((tx) => this.#context.device.contactCode(tx));
  }

  /**
   * Publishes our bundle on our contact-code topic. Happens automatically on start, on rotation and every 6 hours
   * (`contactCodeIntervalMs`).
   * @throws LIMIT_EXCEEDED when the outbox is full; STORE codes, CLOSED
   */
  async publishOwnCode(): Promise<void> {
    await this.#publication.publish();
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#context.settings.crypto.secp256k1.parsePublicKey(key);
  }
}
