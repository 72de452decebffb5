import { compareBytes, decodeHex, encodeHex, type PublicKey, type Write } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import type { Bundle } from '@sotto/protocol-codec';
import type { CatchUp } from '../connection/catch-up.js';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import type { Contact } from '../runtime/results.js';
import { contactTable } from '../storage/tables.js';
import { Blocklist } from './blocklist.js';

/** Contacts to which our bundle is sent in one transaction. */
const ANNOUNCED_AT_ONCE = 16;

/** Identities that the user added, accepted or blocked, and what follows for subscriptions and history. */
export class Contacts {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;
  readonly #sender: Sender;
  readonly #catchUp: CatchUp;
  readonly #blocklist = new Blocklist();

  constructor(context: MessengerContext, subscriptions: Subscriptions, sender: Sender, catchUp: CatchUp) {
    this.#context = context;
    this.#subscriptions = subscriptions;
    this.#sender = sender;
    this.#catchUp = catchUp;
  }

  async load(tx: ReadTransaction): Promise<void> {
    await this.#blocklist.load(tx);
  }

  // Contacts

  /**
   * Adds a contact, with the bundle of its contact code if there is one.
   * @throws BUNDLE_SIGNATURE_INVALID, BUNDLE_IMPLAUSIBLE
   */
  async add(tx: Transaction, identity: PublicKey, bundle: Bundle | undefined): Promise<Contact> {
    const { device, events } = this.#context;
    if (bundle !== undefined) {
      const news = await device.processBundle(tx, bundle);
      events.emitBundleNews(tx, identity, news, device.identity);
    }
    await this.accept(tx, identity);
    await this.#announceTo(tx, identity);
    this.#subscriptions.subscribeContact(tx, identity);
    const contact = await this.#describe(tx, identity);
    events.emitOnCommit(tx, 'contactChanged', { identity, contact });
    return contact;
  }

  remove(tx: Transaction, identity: PublicKey): void {
    tx.delete(contactTable, encodeHex(identity));
    this.#subscriptions.unsubscribeContact(tx, identity);
    this.#context.events.emitOnCommit(tx, 'contactChanged', { identity, contact: undefined });
  }

  async list(tx: ReadTransaction): Promise<readonly Contact[]> {
    const found: Contact[] = [];
    for await (const { segments } of tx.list(contactTable, [], () => {})) {
      found.push(await this.#describe(tx, decodeHex(segments[0] as string) as PublicKey));
    }
    return found;
  }

  async #describe(tx: ReadTransaction, identity: PublicKey): Promise<Contact> {
    return { identity, verified: await this.#context.device.isVerified(tx, identity) };
  }

  /** Notes whether the user has compared safety numbers with an identity; doing so accepts it. */
  async setVerified(tx: Transaction, identity: PublicKey, verified: boolean): Promise<void> {
    if (verified) await this.accept(tx, identity);
    await this.#context.device.setVerified(tx, identity, verified);
    if ((await tx.get(contactTable, encodeHex(identity))) === undefined) return;
    const contact = { identity, verified };
    this.#context.events.emitOnCommit(tx, 'contactChanged', { identity, contact });
  }

  /**
   * Stores a contact, and sends it our bundle if this device has not done so yet: a peer that already talks to other devices
   * of ours on a negotiated topic writes to this one only once it knows it.
   */
  async #announceTo(tx: Transaction, identity: PublicKey): Promise<void> {
    const known = await tx.get(contactTable, encodeHex(identity));
    const isUs = compareBytes(identity, this.#context.device.identity) === 0;
    if (!known?.announced && !isUs) await this.#sender.sendBundle(tx, identity);
    tx.put(contactTable, { announced: true }, encodeHex(identity));
  }

  /** Sends our bundle to the contacts restored from another device, some in each transaction. */
  async announceToAll(): Promise<void> {
    const { runtime } = this.#context;
    for (let after = ''; !runtime.closed; ) {
      const next = await runtime.transaction(async (tx) => {
        const page = await tx.page(contactTable, after, ANNOUNCED_AT_ONCE);
        for (const { segments, value } of page.records) {
          if (value.announced) continue;
          await this.#announceTo(tx, decodeHex(segments[0] as string) as PublicKey);
        }
        return page.next;
      });
      if (next === undefined) return;
      after = next;
    }
  }

  // Requests

  /** Whether the user has accepted an identity; our own always counts as accepted. */
  isAccepted(tx: ReadTransaction, identity: PublicKey): Promise<boolean> {
    return this.#context.device.isAccepted(tx, identity);
  }

  /** Accepts an identity, and fetches from history what it sent since its request. */
  async accept(tx: Transaction, identity: PublicKey): Promise<void> {
    const { device, events, settings } = this.#context;
    if (await device.isAccepted(tx, identity)) return;
    const request = await device.request(tx, identity);
    await device.accept(tx, identity);
    events.emitOnCommit(tx, 'accepted', { identity });
    await this.#subscriptions.subscribeAnswered(tx);
    if (request === undefined) return;
    // Our answer may have moved it to the negotiated topic, to which we may not have been subscribed all the time.
    const channels = [
      this.#subscriptions.negotiatedChannel(identity),
      { kind: 'partitioned', recipient: device.identity } as const,
    ];
    const from = request.requestedAt - settings.limits.maxClockAheadMs;
    tx.onCommit('send', () => this.#catchUp.fetch(channels, from));
  }

  /** Accepts an identity, and subscribes to the topic negotiated with it. */
  async letIn(tx: Transaction, identity: PublicKey): Promise<void> {
    await this.accept(tx, identity);
    this.#subscriptions.subscribeNegotiated(tx, identity);
  }

  /**
   * Counts a 1:1 message of an identity that the user may not have accepted, and reports a new request.
   * @param bytes of its payload
   * @throws LIMIT_EXCEEDED when the sender has reached the limits of a request
   */
  async countMessage(tx: Transaction, sender: PublicKey, bytes: number): Promise<void> {
    const { isNew } = await this.#context.device.countRequest(tx, sender, bytes);
    if (isNew) this.#context.events.emitOnCommit(tx, 'request', { identity: sender });
  }

  // Blocking

  isBlocked(identity: PublicKey): boolean {
    return this.#blocklist.has(identity);
  }

  blocked(): readonly PublicKey[] {
    return this.#blocklist.list();
  }

  /** @param alongside writes of the application for the same commit */
  async block(identity: PublicKey, alongside: readonly Write[]): Promise<void> {
    const { device, events, runtime } = this.#context;
    await this.#blocklist.while(identity, () =>
      runtime.transaction(async (tx) => {
        this.#blocklist.block(tx, identity);
        if (await device.isVerified(tx, identity)) await device.setVerified(tx, identity, false);
        await device.forgetStranger(tx, identity);
        this.remove(tx, identity);
        this.#subscriptions.unsubscribeNegotiated(tx, identity);
        events.emitOnCommit(tx, 'blocked', { identity, blocked: true });
        tx.alongside(alongside);
      }),
    );
  }

  async unblock(tx: Transaction, identity: PublicKey): Promise<void> {
    const { device, events } = this.#context;
    this.#blocklist.unblock(tx, identity);
    if (await device.isKnown(tx, identity)) this.#subscriptions.subscribeNegotiated(tx, identity);
    events.emitOnCommit(tx, 'blocked', { identity, blocked: false });
  }
}
