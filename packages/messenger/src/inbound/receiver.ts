import { compareBytes, encodeHex, evictOldest, isSottoError, SottoError } from '@sotto/core';
import { type DecryptOutcome, messageIdFor, type Transaction } from '@sotto/device';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { Contacts } from '../contacts/contacts.js';
import type { LoadGroupParts } from '../groups/load-group-parts.js';
import type { MessengerContext } from '../runtime/context.js';
import { decodePayload, type GroupPayload } from '../runtime/payload.js';
import { earlyTable, waitingKeys } from '../storage/tables.js';
import type { DecryptionFailures } from './decryption-failures.js';
import { type EarlyKey, EarlyMessages } from './early-messages.js';
import type { Content, Inbox } from './inbox.js';
import type { IdentifiedMessage } from './sealed-senders.js';

/** Where a message has waited in the store. */
interface Waited {
  /** Its number among those that wait for their chain. */
  readonly chain?: string;
  /** Its key among those that wait for their group. */
  readonly group?: EarlyKey;
}

/** Wait before messages whose chain is there are received again, when they could not be stored; in milliseconds. */
const RETRY_MS = 30_000;

const SESSION_BROKEN: ReadonlySet<string> = new Set([
  'AUTHENTICATION_FAILED',
  'RATCHET_KEY_MISSING',
  'RATCHET_MALFORMED',
  'RATCHET_TOO_MANY_SKIPPED',
]);

/**
 * Messages of which we remember that we have read them, since the start: a network may repeat one after so many turns of a quick conversation
 * that its session has forgotten the chain.
 */
const READ_MOST = 4096;

/** A decrypted message. */
type Opened = Extract<DecryptOutcome, { readonly kind: 'message' }>;

/** What is known of a decrypted message's origin. */
type Origin = Pick<Opened, 'messageId' | 'senderInstallation' | 'protection'>;

/** Where decrypted messages go. */
export interface Destinations {
  readonly contacts: Contacts;
  readonly loadGroupParts: LoadGroupParts;
  readonly inbox: Inbox;
}

/** Processes received messages: decrypts, routes and delivers each in one transaction. */
export class Receiver {
  readonly #context: MessengerContext;
  readonly #subscriptions: Subscriptions;
  readonly #failures: DecryptionFailures;
  readonly #to: Destinations;
  readonly #early: EarlyMessages;
  /** Their ids. */
  readonly #read = new Set<string>();

  constructor(
    context: MessengerContext,
    subscriptions: Subscriptions,
    failures: DecryptionFailures,
    destinations: Destinations,
  ) {
    this.#context = context;
    this.#subscriptions = subscriptions;
    this.#failures = failures;
    this.#to = destinations;
    this.#early = new EarlyMessages(context);
  }

  /**
   * Resolves when the message is done with: it is stored, or was reported as one that this device can't read.
   * @param waited where it is stored, when it is one that has waited for its chain or its group
   * @throws STORE codes, CLOSED: it was not stored, and the transport redelivers it
   */
  async receive(message: IdentifiedMessage, waited: Waited = {}): Promise<void> {
    if (this.#to.contacts.isBlocked(message.sender) || !this.#isExpected(message)) return;
    const { events, runtime } = this.#context;
    await this.#process(message, waited);
    try {
      await runtime.durable();
    } catch (error) {
      if (!isSottoError(error, 'CLOSED')) events.storageError(error);
      throw error;
    }
  }

  async #process(message: IdentifiedMessage, waited: Waited): Promise<void> {
    const { device, events, runtime, settings } = this.#context;
    const { sender, payload, channel, sentAt } = message;
    // The application may answer before the message is on the disk: the answer's commit then takes both there. If the power fails
    // before, the message comes again from the transport's history, or is lost.
    const durability = settings.transport.capabilities.history ? 'relaxed' : 'strict';
    try {
      await runtime.transaction(
        async (tx) => {
          forget(tx, waited);
          // It may have been blocked while the message waited for its turn.
          if (this.#to.contacts.isBlocked(sender)) return;
          const groupId = this.#subscriptions.groupOf(channel);
          if (groupId !== undefined) return this.#receiveByChain(tx, message, groupId);
          const outcome = await device.decrypt(tx, sender, payload, {
            channel: channel.kind === 'public' ? channel : { kind: 'private' },
            sentAt,
          });
          events.emitBundleNews(tx, sender, outcome.news, device.identity);
          await this.#route(tx, message, outcome);
        },
        { durability },
      );
      this.#subscriptions.noteProcessed(message);
    } catch (error) {
      if (!isSottoError(error) || isStorageError(error)) {
        events.storageError(error);
        throw error;
      }
      if (error.code === 'CLOSED') throw error;
      if (await this.#waitsForGroup(message, error)) return;
      if (waited.chain !== undefined || waited.group !== undefined)
        await runtime.transaction(async (tx) => forget(tx, waited));
      if (error.code === 'DUPLICATE_MESSAGE') this.#subscriptions.noteProcessed(message);
      if (error.code === 'DUPLICATE_MESSAGE' || error.code === 'MESSAGE_TOO_OLD') return;
      await this.#refused(message, error);
    }
  }

  /** Whether a public channel is that of a chat that we joined or of a group, or the contact-code channel of the sender. */
  #isExpected({ channel, sender }: IdentifiedMessage): boolean {
    const subscriptions = this.#subscriptions;
    return (
      channel.kind !== 'public' ||
      subscriptions.inChat(channel.name) ||
      subscriptions.groupOf(channel) !== undefined ||
      subscriptions.isContactCodeOf(channel.name, sender)
    );
  }

  /** Passes a decrypted message on by its content. */
  async #route(tx: Transaction, message: IdentifiedMessage, outcome: DecryptOutcome): Promise<void> {
    const { device, events } = this.#context;
    const { sender } = message;
    const { senderInstallation } = outcome;
    // The transport may deliver our own messages.
    if (this.#isOwn(message) && senderInstallation === device.installationId) return;
    if (outcome.kind === 'bundle') return;
    if (outcome.kind === 'unreadable') {
      const id = { messageId: encodeHex(outcome.messageId), sender, senderInstallation };
      return this.#failures.handle(tx, id, outcome.remedy, outcome.reason);
    }
    const from = { identity: sender, installationId: senderInstallation };
    let isRefused = false;
    if (outcome.protection === 'dr' || outcome.protection === 'pq') {
      tx.onCommit('state', () => {
        // What is refused for another reason than that it can't be read is reported once, too.
        if (!isRefused) this.#failures.readAgain(sender, senderInstallation);
        this.#read.add(encodeHex(outcome.messageId));
        evictOldest(this.#read, READ_MOST);
      });
    }
    if (outcome.sessionBegun) events.emitOnCommit(tx, 'sessionEstablished', from);
    if (outcome.protection === 'public') return this.#deliverPublic(tx, message, outcome);
    if (outcome.payload.length === 0 && outcome.protection === 'dh') {
      // An answer that only brings the sender's bundle.
      if (outcome.sessionsLost) events.emitOnCommit(tx, 'sessionReset', from);
      return;
    }
    const content = decodePayload(outcome.payload);
    if (content.kind === 'group') {
      isRefused = !(await this.#deliverToGroup(tx, message, outcome, content.group));
      return;
    }
    if (content.kind === 'application') return this.#deliverDirect(tx, message, outcome, content.payload);
    return this.#deliverOwnCopy(tx, message, outcome, content);
  }

  async #deliverPublic(tx: Transaction, message: IdentifiedMessage, outcome: Opened): Promise<void> {
    const { channel } = message;
    if (channel.kind !== 'public' || !this.#subscriptions.inChat(channel.name)) return;
    const content = decodePayload(outcome.payload);
    // Copies and changes of groups have no place in public.
    if (content.kind !== 'application') return;
    const conversation = { kind: 'public', name: channel.name } as const;
    await this.#deliver(tx, message, outcome, { conversation, payload: content.payload });
  }

  async #deliverDirect(
    tx: Transaction,
    message: IdentifiedMessage,
    outcome: Opened,
    payload: Uint8Array,
  ): Promise<void> {
    await this.#to.contacts.countMessage(tx, message.sender, payload.length);
    const conversation = { kind: 'direct', peer: message.sender } as const;
    await this.#deliver(tx, message, outcome, { conversation, payload });
  }

  async #deliverOwnCopy(
    tx: Transaction,
    message: IdentifiedMessage,
    outcome: Opened,
    copy: { readonly to: Uint8Array; readonly payload: Uint8Array },
  ): Promise<void> {
    // Only our own devices may send copies.
    if (!this.#isOwn(message)) {
      throw new SottoError('NOT_PERMITTED', 'Only our own devices may send copies of our messages.', {
        what: 'own copy',
      });
    }
    const to = this.#context.settings.crypto.secp256k1.parsePublicKey(copy.to);
    // The user has written to it on another device.
    await this.#to.contacts.letIn(tx, to);
    const conversation = { kind: 'direct', peer: to } as const;
    await this.#deliver(tx, message, outcome, { conversation, payload: copy.payload, ownCopy: true });
  }

  /** A message on the channel of a group, under a chain of its sender. */
  async #receiveByChain(tx: Transaction, message: IdentifiedMessage, groupId: string): Promise<void> {
    const { chainMessages } = await this.#to.loadGroupParts();
    const opened = await chainMessages.open(tx, groupId, message);
    if (opened === undefined) return;
    await this.#deliverToGroup(tx, message, opened, opened.group);
  }

  /** @returns whether its payload, if it has one, is not refused */
  async #deliverToGroup(
    tx: Transaction,
    message: IdentifiedMessage,
    outcome: Origin,
    value: GroupPayload,
  ): Promise<boolean> {
    const { sender } = message;
    const { senderInstallation, protection } = outcome;
    const from = { sender, senderInstallation, protection, sentAt: message.sentAt };
    const { groups } = await this.#to.loadGroupParts();
    const { groupId, changed, refused, late, broughtChain, uninvited } = await groups.receive(
      tx,
      from,
      value,
    );
    if (broughtChain) tx.onCommit('send', () => this.#receiveReadable());
    if (changed) tx.onCommit('send', () => this.#receiveEarly(groupId));
    if (refused !== undefined) {
      const { code, message: reason } = refused;
      const messageId = encodeHex(outcome.messageId);
      const event = { messageId, sender, senderInstallation, code, reason, answered: false };
      this.#failures.reportOnCommit(tx, event);
      return false;
    }
    if (value.payload === undefined) return true;
    await this.#deliver(tx, message, outcome, {
      conversation: { kind: 'group', groupId },
      payload: value.payload,
      membershipHash: value.membershipHash.length > 0 ? encodeHex(value.membershipHash) : undefined,
      late,
      uninvited,
    });
    return true;
  }

  async #deliver(
    tx: Transaction,
    message: IdentifiedMessage,
    outcome: Origin,
    content: Omit<Content, 'ownCopy'> & Partial<Pick<Content, 'ownCopy'>>,
  ): Promise<void> {
    await this.#to.inbox.deliver(tx, message, outcome, { ownCopy: this.#isOwn(message), ...content });
  }

  /** A message of an accepted sender may arrive before the changes that create its group. */
  async #waitsForGroup(message: IdentifiedMessage, error: SottoError): Promise<boolean> {
    if (!isSottoError(error, 'NOT_FOUND') || error.details.what !== 'group') return false;
    const { id } = error.details;
    return this.#context.runtime.transaction(async (tx) => {
      if (!(await this.#to.contacts.isAccepted(tx, message.sender))) return false;
      return this.#early.add(tx, id, message);
    });
  }

  /** Receives what came before its group, of one or of all, in the background; again later when it can't be stored. */
  #receiveEarly(groupId?: string): void {
    const { runtime } = this.#context;
    const run = async () => {
      const early = await runtime.read((tx) => this.#early.list(tx, groupId));
      for (const [group, message] of early) await this.receive(message, { group });
    };
    // One timer serves all groups.
    this.#inBackground('early-messages', run, () => this.#receiveEarly());
  }

  /** Receives in the background what has waited in the store for its chain or its group, after a start. */
  resume(): void {
    this.#receiveEarly();
    this.#receiveReadable();
  }

  /** Receives messages to whole groups whose chain came after them, in the background; again later when they can't be stored. */
  #receiveReadable(): void {
    const { runtime } = this.#context;
    const run = async () => {
      const [first] = await runtime.read((tx) => tx.keys(waitingKeys, [], 1));
      if (first === undefined) return;
      const { chainMessages } = await this.#to.loadGroupParts();
      await chainMessages.receiveReadable((message, chain) => this.receive(message, { chain }));
    };
    this.#inBackground('waiting-messages', run, () => this.#receiveReadable());
  }

  #inBackground(
    name: 'early-messages' | 'waiting-messages',
    run: () => Promise<void>,
    again: () => void,
  ): void {
    const { runtime } = this.#context;
    runtime.inBackground(
      run().catch((error) => {
        runtime.schedule(name, RETRY_MS, again);
        throw error;
      }),
    );
  }

  /** Handles a message that could not be decrypted, or is refused: answers the sender and tells the user where that helps. */
  async #refused({ sender, payload, channel }: IdentifiedMessage, error: SottoError): Promise<void> {
    const { device, runtime, settings } = this.#context;
    const messageId = encodeHex(messageIdFor(settings.crypto, sender, payload));
    if (this.#read.has(messageId)) return;
    const id = { messageId, sender, senderInstallation: '' };
    const { code, message: reason } = error;
    if (!SESSION_BROKEN.has(code) || this.#subscriptions.groupOf(channel) !== undefined) {
      this.#failures.report({ ...id, code, reason, answered: false });
      return;
    }
    if (channel.kind === 'public') return;
    await runtime.transaction(async (tx) => {
      const remedy = await device.remedyFor(tx, sender, payload);
      await this.#failures.handle(tx, id, remedy, 'SESSION_BROKEN', code);
    });
  }

  #isOwn({ sender }: IdentifiedMessage): boolean {
    return compareBytes(sender, this.#context.device.identity) === 0;
  }
}

function forget(tx: Transaction, { chain, group }: Waited): void {
  if (chain !== undefined) tx.delete(waitingKeys, chain);
  if (group !== undefined) tx.delete(earlyTable, ...group);
}

function isStorageError(error: SottoError): boolean {
  return error.code.startsWith('STORE_') || error.code === 'ABORTED';
}
