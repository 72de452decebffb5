import {
  compareBytes,
  encodeHex,
  isSottoError,
  type PublicKey,
  SottoError,
  type TransportMessage,
} from '@sotto/core';
import type { Content, Delivery } from './delivery.js';
import type { DecryptOutcome } from './device/decryption.js';
import type { Device } from './device/device.js';
import { messageIdFor } from './device/encryption.js';
import { getPeer, putPeer } from './device/peers.js';
import type { Effects } from './effects.js';
import type { Events, MessengerEvents } from './events.js';
import type { FanOut } from './groups/fan-out.js';
import type { Groups } from './groups/groups.js';
import type { Listening } from './listening.js';
import type { Settings } from './options.js';
import { decodePayload } from './payload.js';
import type { Sending } from './sending.js';
import type { Steps } from './steps.js';
import type { UnitOfWork } from './storage/ledger.js';

const SESSION_BROKEN: ReadonlySet<string> = new Set([
  'AUTHENTICATION_FAILED',
  'RATCHET_KEY_MISSING',
  'RATCHET_MALFORMED',
  'RATCHET_TOO_MANY_SKIPPED',
]);

const REASONS = {
  DEVICE_NOT_ADDRESSED: 'The sender does not know this device yet. Its next message will be readable.',
  SESSION_NOT_FOUND:
    'The sender used a session that this device does not have. Its next message will be readable.',
} as const;

/** What becomes of a message that the transport brings. */
export class Receiving {
  readonly #device: Device;
  readonly #groups: Groups;
  readonly #events: Events;
  readonly #listening: Listening;
  readonly #sending: Sending;
  readonly #steps: Steps;
  readonly #fanOut: FanOut;
  readonly #delivery: Delivery;
  readonly #settings: Pick<Settings, 'crypto' | 'clock' | 'limits' | 'logger'>;

  constructor(
    device: Device,
    groups: Groups,
    events: Events,
    listening: Listening,
    sending: Sending,
    steps: Steps,
    fanOut: FanOut,
    delivery: Delivery,
    settings: Pick<Settings, 'crypto' | 'clock' | 'limits' | 'logger'>,
  ) {
    this.#device = device;
    this.#groups = groups;
    this.#events = events;
    this.#listening = listening;
    this.#sending = sending;
    this.#steps = steps;
    this.#fanOut = fanOut;
    this.#delivery = delivery;
    this.#settings = settings;
  }

  /**
   * Resolves when the message needs no more: it is stored, or was told of as one that this device can't read.
   * @throws STORE codes, CLOSED: it was not kept, and the transport gives it again
   */
  async receive(message: TransportMessage): Promise<void> {
    const { sender, payload } = message;
    try {
      await this.#steps.run(async (work, effects) => {
        const outcome = await this.#device.decrypt(work, sender, payload);
        this.tellNews(effects, sender, outcome.news);
        await this.#take(work, effects, message, outcome);
      });
    } catch (error) {
      if (!isSottoError(error) || isStorage(error)) {
        this.#events.storageTrouble(error);
        throw error;
      }
      if (error.code === 'CLOSED') throw error;
      if (error.code === 'DUPLICATE_MESSAGE') return;
      const messageId = messageIdFor(this.#settings.crypto, sender, payload);
      // The sender is who he says, so what doesn't open is of a session that we no longer share.
      const answered =
        SESSION_BROKEN.has(error.code) &&
        (await this.#steps.run((work, effects) => this.#answerWithBundle(work, effects, sender)));
      this.#undecryptable({
        messageId: encodeHex(messageId),
        sender,
        senderInstallation: '',
        code: error.code,
        reason: error.message,
        answered,
      });
    }
  }

  /** Tells what a bundle has told of an identity's devices. */
  tellNews(effects: Effects, identity: PublicKey, news: DecryptOutcome['news']): void {
    const own = compareBytes(identity, this.#device.identity) === 0;
    for (const installationId of news.added) {
      effects.tell('deviceSeen', { identity, installationId, own });
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
      if (outcome.own) return;
      const answered = await this.#answerWithBundle(work, effects, sender);
      const { reason: code } = outcome;
      const messageId = encodeHex(outcome.messageId);
      const reason = REASONS[code];
      effects.after.push(() =>
        this.#undecryptable({ messageId, sender, senderInstallation, code, reason, answered }),
      );
      return;
    }
    if (outcome.sessionBegun) {
      effects.tell('sessionBegun', from);
    }
    const deliver = (content: Content) => this.#delivery.deliver(work, effects, message, outcome, content);
    if (outcome.protection === 'public') {
      const { channel } = message;
      if (channel.kind !== 'public' || !this.#listening.inChat(channel.name)) return;
      return deliver({
        conversation: { kind: { $case: 'publicChat', value: channel.name } },
        payload: outcome.payload,
        ownCopy: false,
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
      const { groupId, changed, told } = await this.#groups.receive(work, sender, senderInstallation, value);
      if (changed) effects.tell('groupChanged', { groupId });
      if (told) effects.after.push(() => this.#steps.inBackground(this.#fanOut.continue()));
      if (value.payload === undefined) return;
      return deliver({
        conversation: { kind: { $case: 'group', value: value.groupId } },
        payload: value.payload,
        ownCopy: own,
        groupMembership: value.membership,
      });
    }
    if ($case === 'application') {
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
    return deliver({
      conversation: { kind: { $case: 'peer', value: to } },
      payload: value.payload,
      ownCopy: true,
    });
  }

  /** Tells a peer whose message we can't read what we are, once in a while. Wire profile, section 5. */
  async #answerWithBundle(work: UnitOfWork, effects: Effects, to: PublicKey): Promise<boolean> {
    const { clock, limits } = this.#settings;
    const peer = await getPeer(work, to);
    const now = clock.now();
    const since = now - Number(peer.answeredAt);
    if (peer.answeredAt !== 0n && since >= 0 && since < limits.answerIntervalMs) return false;
    putPeer(work, to, { ...peer, answeredAt: BigInt(now) });
    await this.#sending.tellBundle(work, effects, to);
    this.#listening.hearNegotiated(work, effects, to);
    return true;
  }

  #undecryptable(event: MessengerEvents['undecryptable']): void {
    const { messageId, code } = event;
    this.#settings.logger.info('undecryptable', { messageId, code });
    this.#events.emit('undecryptable', event);
  }
}

function isStorage(error: SottoError): boolean {
  return error.code.startsWith('STORE_') || error.code === 'ABORTED';
}
