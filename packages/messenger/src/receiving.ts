import {
  compareBytes,
  encodeHex,
  forgetOldest,
  isSottoError,
  type PublicKey,
  SottoError,
  type TransportMessage,
} from '@sotto/core';
import type { Answers } from './answers.js';
import type { Blocklist } from './blocklist.js';
import type { Content, Delivery } from './delivery.js';
import type { DecryptOutcome } from './device/decryption.js';
import type { Device } from './device/device.js';
import { messageIdFor } from './device/messages.js';
import type { Effects } from './effects.js';
import type { Events, MessengerEvents } from './events.js';
import { EarlyMessages } from './groups/early-messages.js';
import type { FanOut } from './groups/fan-out.js';
import type { Groups } from './groups/groups.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import { decodePayload } from './payload.js';
import type { Steps } from './steps.js';
import type { UnitOfWork } from './storage/ledger.js';

const SESSION_BROKEN: ReadonlySet<string> = new Set([
  'AUTHENTICATION_FAILED',
  'RATCHET_KEY_MISSING',
  'RATCHET_MALFORMED',
  'RATCHET_TOO_MANY_SKIPPED',
]);

const REASONS = {
  DEVICE_NOT_ADDRESSED: {
    answered: 'The sender does not know this device yet. Its next message will be readable.',
    unanswered:
      'The sender writes to other devices of yours, the three that were active last. Write to it from this device, or end the pairing with one that you no longer use.',
  },
  SESSION_NOT_FOUND: {
    answered: 'The sender used a session that this device does not have. Its next message will be readable.',
    unanswered:
      'The sender used a session that this device does not have. It was told, and its next message will be readable.',
  },
  SESSION_BROKEN: {
    answered: 'The message does not fit the session with its sender. Its next message will be readable.',
    unanswered:
      'The message does not fit the session with its sender, or was meant for somebody else. If the sender went back to an old copy of its data, that passes within a day; reset the session to write to it at once.',
  },
} as const;

/** Senders of whom it is remembered that the user was told of their unreadable messages. */
const MOST_TOLD = 1024;
/** Causes of one sender of which the user is told: devices times codes, as many as an honest one can have. */
const MOST_CAUSES = 16;

/** What becomes of a message that the transport brings. */
export class Receiving {
  readonly #device: Device;
  readonly #groups: Groups;
  readonly #events: Events;
  readonly #listening: Listening;
  readonly #answers: Answers;
  readonly #blocklist: Blocklist;
  readonly #steps: Steps;
  readonly #fanOut: FanOut;
  readonly #delivery: Delivery;
  readonly #settings: Pick<Settings, 'crypto' | 'clock' | 'limits' | 'logger'>;
  readonly #early = new EarlyMessages();
  readonly #letIn: (work: UnitOfWork, effects: Effects, identity: PublicKey) => Promise<void>;
  /**
   * What the user was told of messages that can't be read, by sender: once for each device and cause, until one of that
   * device can be read.
   */
  readonly #told = new Map<string, Set<string>>();

  /** @param letIn what is done when the user lets an identity in */
  constructor(
    device: Device,
    groups: Groups,
    events: Events,
    listening: Listening,
    answers: Answers,
    blocklist: Blocklist,
    steps: Steps,
    fanOut: FanOut,
    delivery: Delivery,
    settings: Pick<Settings, 'crypto' | 'clock' | 'limits' | 'logger'>,
    letIn: (work: UnitOfWork, effects: Effects, identity: PublicKey) => Promise<void>,
  ) {
    this.#device = device;
    this.#groups = groups;
    this.#events = events;
    this.#listening = listening;
    this.#answers = answers;
    this.#blocklist = blocklist;
    this.#steps = steps;
    this.#fanOut = fanOut;
    this.#delivery = delivery;
    this.#settings = settings;
    this.#letIn = letIn;
  }

  /**
   * Resolves when the message needs no more: it is stored, or was told of as one that this device can't read.
   * @throws STORE codes, CLOSED: it was not kept, and the transport gives it again
   */
  async receive(message: TransportMessage): Promise<void> {
    const { sender, payload, channel, sentAt } = message;
    if (this.#blocklist.has(sender) || !this.#isExpected(message)) return;
    try {
      await this.#steps.run(async (work, effects) => {
        // It may have been blocked while the message waited for its turn.
        if (this.#blocklist.has(sender)) return;
        const outcome = await this.#device.decrypt(work, sender, payload, {
          channel: channel.kind === 'public' ? channel : { kind: 'private' },
          sentAt,
        });
        this.tellNews(effects, sender, outcome.news);
        await this.#take(work, effects, message, outcome);
      });
    } catch (error) {
      if (!isSottoError(error) || isStorage(error)) {
        this.#events.storageTrouble(error);
        throw error;
      }
      if (error.code === 'CLOSED') throw error;
      if (error.code === 'DUPLICATE_MESSAGE' || error.code === 'MESSAGE_TOO_OLD') return;
      if (await this.#waitsForGroup(message, error)) return;
      await this.#refused(message, error);
    }
  }

  /** A message of somebody whom the user has let in may come before what makes its group. */
  async #waitsForGroup(message: TransportMessage, error: SottoError): Promise<boolean> {
    if (!isSottoError(error, 'NOT_FOUND') || error.details.what !== 'group') return false;
    if (!(await this.#steps.run((work) => this.#device.isAccepted(work, message.sender)))) return false;
    return this.#early.add(error.details.id, message);
  }

  /** What is on a public channel is of a chat that we are in, or of the one whose bundle it is for. */
  #isExpected({ channel, sender }: TransportMessage): boolean {
    if (channel.kind !== 'public' || this.#listening.inChat(channel.name)) return true;
    return this.#listening.isContactCodeOf(channel.name, sender);
  }

  /** A message did not open, or may not be taken: the sender and the user are told where that helps. */
  async #refused({ sender, payload, channel }: TransportMessage, error: SottoError): Promise<void> {
    let answered = false;
    const isBroken = SESSION_BROKEN.has(error.code);
    if (isBroken) {
      if (channel.kind === 'public') return;
      const tell = await this.#steps.run(async (work, effects) => {
        const remedy = await this.#device.remedyFor(work, sender, payload);
        answered = await this.#answers.answer(work, effects, sender, remedy);
        return remedy.tell;
      });
      if (!tell) return;
    }
    this.#undecryptable({
      messageId: encodeHex(messageIdFor(this.#settings.crypto, sender, payload)),
      sender,
      senderInstallation: '',
      code: error.code,
      reason: isBroken ? REASONS.SESSION_BROKEN[answered ? 'answered' : 'unanswered'] : error.message,
      answered,
    });
  }

  /** Tells what a bundle has told of an identity's devices. */
  tellNews(effects: Effects, identity: PublicKey, news: DecryptOutcome['news']): void {
    const { firstContact } = news;
    const own = compareBytes(identity, this.#device.identity) === 0;
    for (const installationId of news.added) {
      effects.tell('deviceSeen', { identity, installationId, own, firstContact });
    }
    for (const installationId of news.rotated) {
      effects.tell('bundleRotated', { identity, installationId });
    }
    for (const installationId of news.restarted) {
      effects.tell('sessionReset', { identity, installationId });
    }
  }

  async #take(
    work: UnitOfWork,
    effects: Effects,
    message: TransportMessage,
    outcome: DecryptOutcome,
  ): Promise<void> {
    const { sender } = message;
    const own = compareBytes(sender, this.#device.identity) === 0;
    const { senderInstallation } = outcome;
    const from = { identity: sender, installationId: senderInstallation };
    // The transport may bring us what we sent ourselves.
    if (own && senderInstallation === this.#device.installationId) return;
    if (outcome.kind === 'bundle') return;
    if (outcome.kind === 'unreadable') {
      const { reason: code, remedy } = outcome;
      const answered = await this.#answers.answer(work, effects, sender, remedy);
      if (!remedy.tell) return;
      const messageId = encodeHex(outcome.messageId);
      const reason = REASONS[code][answered ? 'answered' : 'unanswered'];
      effects.after.push(() =>
        this.#undecryptable({ messageId, sender, senderInstallation, code, reason, answered }),
      );
      return;
    }
    if (outcome.protection === 'dr') {
      effects.after.push(() => this.#forgetTold(encodeHex(sender), senderInstallation));
    }
    if (outcome.sessionBegun) {
      effects.tell('sessionBegun', from);
    }
    const deliver = (content: Content) => this.#delivery.deliver(work, effects, message, outcome, content);
    if (outcome.protection === 'public') {
      const { channel } = message;
      if (channel.kind !== 'public' || !this.#listening.inChat(channel.name)) return;
      const content = decodePayload(outcome.payload);
      // Copies and news of groups have no place in public.
      if (content.$case !== 'application') return;
      return deliver({
        conversation: { kind: { $case: 'publicChat', value: channel.name } },
        payload: content.value,
        ownCopy: own,
      });
    }
    if (outcome.payload.length === 0 && outcome.protection === 'dh') {
      // An answer that only tells the sender's bundle.
      if (outcome.sessionsLost) {
        effects.tell('sessionReset', from);
      }
      return;
    }
    const { $case, value } = decodePayload(outcome.payload);
    if ($case === 'group') {
      const { protection } = outcome;
      const news = await this.#groups.receive(work, { sender, senderInstallation, protection }, value);
      const { groupId, changed, lost, outgoing, refused, late } = news;
      if (changed) {
        effects.tell('groupChanged', { groupId });
        effects.after.push(() => {
          for (const early of this.#early.take(groupId)) this.#steps.inBackground(this.receive(early));
        });
      }
      for (const one of lost) effects.tell('groupChangeLost', one);
      for (const one of outgoing) this.#fanOut.add(work, one);
      if (outgoing.length > 0) effects.after.push(() => this.#steps.inBackground(this.#fanOut.continue()));
      if (refused !== undefined) {
        const { code, message: reason } = refused;
        const messageId = encodeHex(outcome.messageId);
        effects.after.push(() =>
          this.#undecryptable({ messageId, sender, senderInstallation, code, reason, answered: false }),
        );
        return;
      }
      if (value.payload === undefined) return;
      return deliver({
        conversation: { kind: { $case: 'group', value: value.groupId } },
        payload: value.payload,
        ownCopy: own,
        groupMembershipHash: value.membershipHash,
        late,
      });
    }
    if ($case === 'application') {
      const { isNew } = await this.#device.countRequest(work, sender, value.length);
      if (isNew) effects.tell('request', { identity: sender });
      return deliver({
        conversation: { kind: { $case: 'peer', value: sender } },
        payload: value,
        ownCopy: own,
      });
    }
    // Only our own devices can say what we sent.
    if (!own) {
      throw new SottoError('NOT_PERMITTED', 'Somebody else claims to be a device of ours.', {
        what: 'own copy',
      });
    }
    const to = this.#settings.crypto.secp256k1.parsePublicKey(value.to);
    // The user has written to it on another device.
    await this.#letIn(work, effects, to);
    return deliver({
      conversation: { kind: { $case: 'peer', value: to } },
      payload: value.payload,
      ownCopy: true,
    });
  }

  /** A device can be read again; one of which nothing is known by name may have been that device. */
  #forgetTold(sender: string, installationId: string): void {
    const told = this.#told.get(sender);
    for (const cause of told ?? []) {
      if ([installationId, ''].some((id) => cause.startsWith(causeOf(id, '')))) told?.delete(cause);
    }
    if (told?.size === 0) this.#told.delete(sender);
  }

  #undecryptable(event: MessengerEvents['undecryptable']): void {
    const { messageId, code, sender, senderInstallation } = event;
    this.#settings.logger.info('undecryptable', { messageId, code });
    const name = encodeHex(sender);
    const told = this.#told.get(name) ?? new Set();
    const cause = causeOf(senderInstallation, code);
    if (told.has(cause) || told.size >= MOST_CAUSES) return;
    this.#told.set(name, told.add(cause));
    forgetOldest(this.#told, MOST_TOLD);
    this.#events.emit('undecryptable', event);
  }
}

function causeOf(installationId: string, code: string): string {
  return `${installationId} ${code}`;
}

function isStorage(error: SottoError): boolean {
  return error.code.startsWith('STORE_') || error.code === 'ABORTED';
}
