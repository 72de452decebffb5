import type { PublicKey } from '@sotto/core';
import { decodeContactCode } from '@sotto/protocol-codec';
import type { Contacts } from '../contacts/contacts.js';
import type { Discovery } from '../discovery/discovery.js';
import type { BundlePublication } from '../outbound/bundle-publication.js';
import type { MessengerContext } from '../runtime/context.js';
import type { AddContactOptions, CommitOptions, LookUpOptions, LookUpTarget } from '../runtime/options.js';
import type { Contact, DirectoryState, LookUpResult, PinnedName } from '../runtime/results.js';

/** Identities that the user added or verified, and contact codes, theirs and our own: `messenger.contacts`. */
export class MessengerContacts {
  readonly #context: MessengerContext;
  readonly #contacts: Contacts;
  readonly #publication: BundlePublication;
  readonly #discovery: { load(): Promise<Discovery>; publish(): void };

  /** @internal */
  constructor(
    context: MessengerContext,
    contacts: Contacts,
    publication: BundlePublication,
    discovery: { load(): Promise<Discovery>; publish(): void },
  ) {
    this.#discovery = discovery;
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
   * Looks somebody up, so that the first message to them has forward secrecy: by a key, a name such as `alice.eth`, or anything
   * else that `parseRecipient` of `@sotto/identity` reads. Asks their contact-code topic (subscribed to until `close`), what the
   * transport has kept of it, and all directories, at the same time; each bundle found is verified and merged as soon as
   * it is there, and a message may be sent before all have answered. Resolves when they have, or their time is over
   * (`directoryLookUpMs`). What fails is in the answers.
   *
   * A name is pinned to the identity that it points to at first. When it points to another one later, event `nameChanged` says
   * so, and it stands for the pinned one until the user decides: {@link pinName}.
   * @throws INVALID_PUBLIC_KEY; INVALID_ARGUMENT for a name without the option `names`; the errors of `NameResolver` for
   *   a name that isn't pinned; BUNDLE_SIGNATURE_INVALID and BUNDLE_IMPLAUSIBLE for a bundle passed in; ABORTED, STORE
   *   codes, CLOSED
   */
  async lookUp(who: LookUpTarget, options: LookUpOptions = {}): Promise<LookUpResult> {
    return (await this.#load()).lookUp(who, options);
  }

  /** The names that were looked up, in order, with the identities that they stand for. @throws STORE codes, CLOSED */
  async names(): Promise<readonly PinnedName[]> {
    return (await this.#load()).names();
  }

  /**
   * Answers the question of event `nameChanged`: from now on a name stands for this identity. With the one that it was pinned
   * to, it stays as it was, and that change isn't asked about again; with the other one, it is pinned to that.
   * @param name as in {@link PinnedName}
   * @param identity the `identity` or `changedTo` that the user has chosen, 33 or 65 bytes
   * @throws NOT_FOUND when the name is not pinned, or was not seen to point to this identity; INVALID_PUBLIC_KEY, STORE codes,
   *   CLOSED
   */
  async pinName(name: string, identity: Uint8Array): Promise<PinnedName> {
    const key = this.#parse(identity);
    return (await this.#load()).pinName(name, key);
  }

  /** Forgets a name: the next look-up pins it anew. @throws STORE codes, CLOSED */
  async forgetName(name: string): Promise<void> {
    await (await this.#load()).forgetName(name);
  }

  /** The directories that this messenger was given, and when our bundle was published there. @throws STORE codes, CLOSED */
  async directories(): Promise<readonly DirectoryState[]> {
    return (await this.#load()).directories();
  }

  /** Our own contact code: our bundle as text, `base64(JSON(Bundle))`, to show or send to people. @throws STORE codes, CLOSED */
  async ownCode(): Promise<string> {
    return this.#context.runtime.read((tx) => this.#context.device.contactCode(tx));
  }

  /**
   * Publishes our bundle on our contact-code topic. Happens automatically on start, on rotation and every 6 hours
   * (`contactCodeIntervalMs`). Directories that our bundle could not be published in are tried again at once, in the background.
   * @throws LIMIT_EXCEEDED when the outbox is full; STORE codes, CLOSED
   */
  async publishOwnCode(): Promise<void> {
    this.#discovery.publish();
    await this.#publication.publish();
  }

  async #load(): Promise<Discovery> {
    this.#context.runtime.checkOpen();
    return this.#discovery.load();
  }

  #parse(key: Uint8Array): PublicKey {
    return this.#context.settings.crypto.secp256k1.parsePublicKey(key);
  }
}
