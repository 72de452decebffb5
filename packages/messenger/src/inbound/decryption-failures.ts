import { encodeHex, evictOldest, type PublicKey } from '@sotto/core';
import type { Remedy, Transaction } from '@sotto/device';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import type { MessengerEvents } from '../runtime/events.js';

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
      'The message does not fit the session with its sender, or was meant for someone else. If the sender went back to an old copy of its data, that passes within a day; reset the session to write to it immediately.',
  },
} as const;

/** Senders whose reported failures are remembered. */
const SENDERS_MAX = 1024;
/** Causes reported for one sender: devices times codes, as many as an honest one can have. */
const CAUSES_MAX = 16;

/** Messages that can't be read: answers their senders where that helps, and reports each cause to the user once. */
export class DecryptionFailures {
  readonly #context: MessengerContext;
  readonly #sender: Sender;
  readonly #subscriptions: Subscriptions;
  /** What was reported, by sender: each device and cause once, until a message of that device can be read. */
  readonly #reported = new Map<string, Set<string>>();

  constructor(context: MessengerContext, sender: Sender, subscriptions: Subscriptions) {
    this.#context = context;
    this.#sender = sender;
    this.#subscriptions = subscriptions;
  }

  /**
   * Handles a message that can't be read: answers its sender with our bundle where that helps, and reports it.
   * @param code of the error, when it differs from the kind of failure
   */
  async handle(
    tx: Transaction,
    message: Pick<MessengerEvents['decryptionFailed'], 'messageId' | 'sender' | 'senderInstallation'>,
    remedy: Remedy,
    kind: keyof typeof REASONS,
    code: string = kind,
  ): Promise<void> {
    const answered = await this.#answer(tx, message.sender, remedy);
    const reason = REASONS[kind][answered ? 'answered' : 'unanswered'];
    if (remedy.report) this.reportOnCommit(tx, { ...message, code, reason, answered });
  }

  /**
   * Answers with our bundle, and subscribes to the negotiated topic, to which an answer may move the sender. Wire profile,
   * section 5.
   * @returns whether an answer was sent: their number is limited for each identity, and for strangers altogether
   */
  async #answer(tx: Transaction, to: PublicKey, remedy: Remedy): Promise<boolean> {
    if (!remedy.answer) return false;
    const { device } = this.#context;
    const isStranger = !(await device.isAccepted(tx, to));
    if (!(await device.countAnswer(tx, to))) return false;
    if (remedy.renewPreKey) await device.renewPreKey(tx);
    await this.#sender.sendBundle(tx, to);
    if (isStranger) await this.#subscriptions.subscribeAnswered(tx);
    else this.#subscriptions.subscribeNegotiated(tx, to);
    return true;
  }

  /** Reports a message that can't be read once a transaction is committed. */
  reportOnCommit(tx: Transaction, event: MessengerEvents['decryptionFailed']): void {
    tx.onCommit('event', () => this.report(event));
  }

  /** Reports a message that can't be read, unless the same was reported of its sender's device. */
  report(event: MessengerEvents['decryptionFailed']): void {
    const { messageId, code, sender, senderInstallation } = event;
    this.#context.settings.logger.info('decryption failed', { messageId, code });
    const name = encodeHex(sender);
    const reported = this.#reported.get(name) ?? new Set();
    const cause = causeOf(senderInstallation, code);
    if (reported.has(cause) || reported.size >= CAUSES_MAX) return;
    this.#reported.set(name, reported.add(cause));
    evictOldest(this.#reported, SENDERS_MAX);
    this.#context.events.emit('decryptionFailed', event);
  }

  /**
   * Notes that a device can be read again: later failures are reported anew, also those of an unnamed device, which may
   * have been this one.
   */
  readAgain(sender: PublicKey, installationId: string): void {
    const name = encodeHex(sender);
    const reported = this.#reported.get(name);
    for (const cause of reported ?? []) {
      if ([installationId, ''].some((id) => cause.startsWith(causeOf(id, '')))) reported?.delete(cause);
    }
    if (reported?.size === 0) this.#reported.delete(name);
  }
}

function causeOf(installationId: string, code: string): string {
  return `${installationId} ${code}`;
}
