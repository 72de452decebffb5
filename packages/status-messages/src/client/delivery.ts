import {
  decodeBase64,
  decodeHex,
  type ErrorCode,
  encodeBase64,
  encodeHex,
  errorName,
  isSottoError,
  LruCache,
  type PublicKey,
  SottoError,
  type Write,
} from '@sotto/core';
import type { Conversation, MemberOutcome, TakenMessage } from '@sotto/messenger';
import {
  type DatasyncMessage,
  datasyncId,
  directGroupId,
  EMPTY_DATASYNC_PAYLOAD,
  encodeDatasyncPayload,
} from '../datasync.js';
import type { StatusReceipt } from './contents.js';
import { getPeer, profileOf, randomFraction, type StatusContext } from './context.js';
import {
  type AckRecord,
  ackKey,
  acksPrefix,
  Draft,
  decodeRecord,
  type OutgoingRecord,
  outgoingKey,
  outgoingPrefix,
  type PeerRecord,
  partsOf,
} from './records.js';

/** Messages that are sent again in one payload. Deployed clients were seen to send 20. */
const MESSAGES_AT_ONCE = 20;
/** Bytes of them, so that the payload fits an envelope: a quarter of the largest. */
const BYTES_AT_ONCE = 256 * 1024;
/** Acknowledgements sent in one payload. */
const ACKS_AT_ONCE = 512;
/** Wait after a failure before it is tried again, in milliseconds. */
const RETRY_MS = 5_000;
/** How old a copy is at least, in milliseconds, when a sign of life of its recipient brings the next one: acknowledgements take a while. */
const HURRY_AFTER_MS = 5_000;
/** Times that a message is sent again for signs of life. People who never acknowledge show them with each message. */
const MOST_HURRIED = 5;
/** How long a message stays whose schedule has ended, in milliseconds. A month: who comes back later gets it from a history, or not at all. */
const ENDED_KEPT_MS = 30 * 24 * 60 * 60 * 1000;
/** Ids of acknowledgements and read receipts that are remembered, so that they don't stay in the outbox when they fail. */
const UNASKED_KEPT = 1_024;
/** Errors that the next attempt would bring again. */
const LASTING: ReadonlySet<ErrorCode> = new Set(['INVALID_ARGUMENT', 'INVALID_PUBLIC_KEY', 'LIMIT_EXCEEDED']);

/** What is known of a record of an outgoing message without reading it. */
interface Waiting
  extends Pick<
    OutgoingRecord,
    | 'messageId'
    | 'groupId'
    | 'nextAt'
    | 'order'
    | 'sent'
    | 'sentAt'
    | 'lastId'
    | 'hurried'
    | 'ended'
    | 'failure'
    | 'unasked'
  > {
  /** Hex. */
  readonly peer: string;
  /** Whether the transport has accepted a copy. */
  accepted: boolean;
  /** Whether it is due out of turn. */
  hurry?: boolean;
}

/** A message for data synchronisation. */
export interface Wrapped {
  /** Hex. */
  readonly id: string;
  readonly message: DatasyncMessage;
}

/** A message for one recipient, to be repeated until it is acknowledged. */
export interface NewOutgoing {
  readonly peer: PublicKey;
  /** What is known of the recipient. */
  readonly record: PeerRecord;
  readonly messageId: string;
  readonly wrapped: Wrapped;
  /** Of a message to a Status group: its id. */
  readonly groupId?: string | undefined;
  /** Of the messenger, when it has been sent; otherwise it is due now. */
  readonly taken?: TakenMessage | undefined;
  /** Whether it is sent once, without data synchronisation. */
  readonly once?: true | undefined;
  /** Whether the client sends it of its own accord. */
  readonly unasked?: true | undefined;
}

/** What became of a copy that was due. */
export interface SentCopy extends MemberOutcome {
  readonly messageId: string;
}

/** Messages that wait to be sent or acknowledged, and acknowledgements that wait to be sent. Callers run its methods in turn. */
export class Delivery {
  readonly #context: StatusContext;
  /** By key of the record, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  /** Their keys by recipient, in hex. */
  readonly #byPeer = new Map<string, Set<string>>();
  /** Keys of acknowledgements, the oldest first. */
  readonly #acks = new Set<string>();
  readonly #unasked = new LruCache<string, number>(UNASKED_KEPT);
  #lastOrder = 0;

  constructor(context: StatusContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const { clock, store, logger, messenger } = this.#context;
    const found: [string, string, OutgoingRecord][] = [];
    const old: Write[] = [];
    for await (const { key, value } of store.list(outgoingPrefix)) {
      const [peer = ''] = partsOf(key, outgoingPrefix);
      try {
        const record = decodeRecord<OutgoingRecord>(value);
        const isOld = record.ended && clock.now() - (record.sentAt ?? 0) > ENDED_KEPT_MS;
        if (isOld) old.push({ type: 'delete', key });
        else found.push([key, peer, record]);
      } catch (error) {
        logger.warn('a message that waits is damaged', { error: errorName(error) });
      }
    }
    if (old.length > 0) await store.commit(old);
    found.sort(([, , one], [, , other]) => one.order - other.order);
    const pending = found.length > 0 ? await messenger.outbox.pending() : new Set<string>();
    for (const [key, peer, record] of found) {
      const { lastId, failure } = record;
      const accepted = lastId !== undefined && failure === undefined && !pending.has(lastId);
      this.#note(key, peer, record, accepted);
    }
    this.#lastOrder = found.at(-1)?.[2].order ?? 0;
    for await (const { key } of store.list(acksPrefix)) this.#acks.add(key);
  }

  /** Ids of messages of which a recipient's copy waits for the transport. */
  unsent(): ReadonlySet<string> {
    const unsent = new Set<string>();
    for (const { accepted, failure, messageId } of this.#waiting.values())
      if (!accepted && failure === undefined) unsent.add(messageId);
    return unsent;
  }

  /** Ids of messages of which a recipient's copy could not be sent, with the code of the error. */
  failed(): ReadonlyMap<string, ErrorCode> {
    const failed = new Map<string, ErrorCode>();
    for (const { messageId, failure } of this.#waiting.values())
      if (failure !== undefined) failed.set(messageId, failure);
    return failed;
  }

  /** When something is due, in milliseconds since the epoch; `undefined` when nothing waits. */
  nextAt(): number | undefined {
    let next: number | undefined;
    for (const waiting of this.#waiting.values()) {
      const at = waiting.hurry ? 0 : waiting.nextAt;
      if (isScheduled(waiting) && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  /** A message in the form in which it is sent and repeated, and its id in hex. */
  wrap(peer: PublicKey, body: Uint8Array): Wrapped {
    const { crypto, identity, clock } = this.#context;
    const groupId = directGroupId(crypto, identity.publicKey, peer);
    const message = { groupId, timestamp: BigInt(Math.trunc(clock.now() / 1000)), body };
    return { id: encodeHex(datasyncId(crypto, message)), message };
  }

  /** Notes messages that are repeated until they are acknowledged, and gives up the oldest beyond the limit. */
  add(draft: Draft, added: readonly NewOutgoing[]): void {
    const { clock, limits } = this.#context;
    for (const { peer, record, messageId, wrapped, groupId, taken, once, unasked } of added) {
      const name = encodeHex(peer);
      const profile = profileOf(this.#context, record);
      const now = clock.now();
      const delay = taken === undefined ? 0 : profile.repeatDelayMs(1, randomFraction(this.#context));
      this.#put(draft, outgoingKey(name, wrapped.id), name, {
        messageId,
        body: encodeBase64(wrapped.message.body),
        timestamp: String(wrapped.message.timestamp),
        sent: taken === undefined ? 0 : 1,
        nextAt: now + delay,
        order: ++this.#lastOrder,
        ...(groupId !== undefined && { groupId }),
        ...(taken && { lastId: taken.id, sentAt: now }),
        ...(once && { once }),
        ...(unasked && { unasked }),
      });
    }
    const excess = this.#waiting.size + added.length - limits.maxOutgoing;
    if (excess <= 0) return;
    // First what the schedule has given up, then what has left at least once.
    const rankOf = ({ ended, accepted }: Waiting) => (ended ? 0 : accepted ? 1 : 2);
    const inOrder = [...this.#waiting].sort(([, one], [, other]) => rankOf(one) - rankOf(other));
    for (const [old] of inOrder.slice(0, excess)) this.#giveUp(draft, old);
  }

  /**
   * Notes which of our messages a recipient has. Ids of messages to others are ignored.
   * @returns what they acknowledge
   */
  acknowledged(draft: Draft, peer: PublicKey, ids: readonly Uint8Array[]): readonly StatusReceipt[] {
    const receipts: StatusReceipt[] = [];
    for (const id of ids) {
      const key = outgoingKey(encodeHex(peer), encodeHex(id));
      const waiting = this.#waiting.get(key);
      if (waiting === undefined) continue;
      const { messageId, groupId } = waiting;
      const conversation: Conversation =
        groupId === undefined ? { kind: 'direct', peer } : { kind: 'group', groupId };
      receipts.push({ what: 'delivered', messageId, recipient: peer, conversation });
      draft.delete(key);
      draft.onCommit(() => {
        if (!this.#forget(key)) return;
        this.#reportSent(waiting);
        this.#context.events.emit('delivered', { messageId, recipient: peer });
      });
    }
    return receipts;
  }

  /**
   * A person is there: what we sent them a while ago, and they haven't acknowledged, is due now.
   * @param at when they sent something, in milliseconds since the epoch
   */
  hurry(peer: PublicKey, at: number): void {
    const now = this.#context.clock.now();
    // What comes out of a history tells nothing about now.
    if (Math.abs(now - at) > HURRY_AFTER_MS * 12) return;
    const due: Waiting[] = [];
    for (const key of this.#byPeer.get(encodeHex(peer)) ?? []) {
      const waiting = this.#waiting.get(key);
      if (waiting === undefined || !waiting.accepted || waiting.failure !== undefined) continue;
      const { sentAt = now, hurried = 0 } = waiting;
      if (now - sentAt >= HURRY_AFTER_MS && hurried < MOST_HURRIED) due.push(waiting);
    }
    // Their acknowledgement is the next sign of life.
    due.sort((one, other) => one.order - other.order);
    for (const waiting of due.slice(0, MESSAGES_AT_ONCE)) waiting.hurry = true;
  }

  /** Notes that a message is to be acknowledged. @param id hex */
  acknowledge(draft: Draft, peer: PublicKey, id: string): void {
    const { clock, limits } = this.#context;
    const key = ackKey(encodeHex(peer), id);
    draft.put<AckRecord>(key, { at: Math.trunc(clock.now()) });
    const excess = this.#acks.size + 1 - limits.maxAcknowledgements;
    const old = [...this.#acks].slice(0, Math.max(0, excess));
    for (const other of old) draft.delete(other);
    draft.onCommit(() => {
      for (const other of old) this.#acks.delete(other);
      this.#acks.add(key);
    });
  }

  /** The people to whom acknowledgements are to be sent, hex. */
  acknowledging(): ReadonlySet<string> {
    return new Set([...this.#acks].map((key) => partsOf(key, acksPrefix)[0] as string));
  }

  /** Sends the acknowledgements for a person. @param peer hex; the user has accepted them */
  async sendAcknowledgements(peer: string): Promise<void> {
    const prefix = `${acksPrefix}${peer}/`;
    for (;;) {
      const keys = [...this.#acks].filter((key) => key.startsWith(prefix)).slice(0, ACKS_AT_ONCE);
      if (keys.length === 0) return;
      const acks = keys.map((key) => decodeHex(key.slice(prefix.length)));
      const { id } = await this.#context.messenger.send(
        decodeHex(peer),
        encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, acks }),
        { ownCopy: false, alongside: () => keys.map((key) => ({ type: 'delete', key })) },
      );
      this.noteUnasked(id);
      for (const key of keys) this.#acks.delete(key);
    }
  }

  // What the messenger's outbox tells

  /** The transport has accepted a message. @param id of the messenger */
  async noteSent(id: string): Promise<void> {
    const draft = Draft.of(this.#context.store);
    for (const [key, waiting] of this.#copiesOf(id)) {
      if (waiting.failure !== undefined) {
        const record = await getPeer(draft, waiting.peer);
        const delay = profileOf(this.#context, record).repeatDelayMs(1, randomFraction(this.#context));
        await this.#change(draft, key, { failure: undefined, nextAt: this.#context.clock.now() + delay });
      }
      draft.onCommit(() => this.#accept(key));
    }
    await this.#commit(draft);
  }

  /**
   * The transport has refused a message for good. Of a first copy that the user has asked for they learn it; of others there will be more, if
   * they are needed.
   */
  async noteFailed(id: string, error: SottoError): Promise<void> {
    const { events, messenger } = this.#context;
    const draft = Draft.of(this.#context.store);
    const copies = this.#copiesOf(id);
    const first = copies.filter(([, { accepted, unasked }]) => !accepted && !unasked);
    for (const [key, waiting] of first) {
      await this.#change(draft, key, { failure: error.code });
      const { messageId, peer } = waiting;
      const recipient = decodeHex(peer) as PublicKey;
      draft.onCommit(() => events.emit('sendFailed', { messageId, recipient, error }));
    }
    await this.#commit(draft);
    const isOurs = copies.length > 0 || this.#unasked.get(id) !== undefined;
    if (isOurs && first.length === 0) await messenger.outbox.giveUp(id).catch(ignoreNotFound);
  }

  /** Notes the id of something that is sent once, and of which nobody asks what became of it. @param id of the messenger */
  noteUnasked(id: string): void {
    this.#unasked.set(id, 1);
  }

  /**
   * Offers the failed copies of a message to the transport once more.
   * @throws NOT_FOUND when none has failed
   */
  async retry(messageId: string): Promise<void> {
    const { clock, messenger } = this.#context;
    const failed = this.#recordsOf(messageId).filter(([, { failure }]) => failure !== undefined);
    if (failed.length === 0) throw noSuchMessage(messageId);
    const draft = Draft.of(this.#context.store);
    const kept = new Set(messenger.outbox.failed());
    const again = new Set<string>();
    for (const [key, { lastId }] of failed) {
      if (lastId !== undefined && kept.has(lastId)) again.add(lastId);
      else await this.#change(draft, key, { failure: undefined, sent: 0, nextAt: clock.now() });
    }
    await this.#commit(draft);
    for (const id of again) await messenger.outbox.retry(id).catch(ignoreNotFound);
  }

  /**
   * Gives up the copies of a message that failed or wait: it is not sent again.
   * @throws NOT_FOUND when none has failed or waits
   */
  async giveUp(messageId: string, alongside: readonly Write[]): Promise<void> {
    const { messenger, store } = this.#context;
    const all = this.#recordsOf(messageId);
    if (all.every(([, { accepted }]) => accepted)) throw noSuchMessage(messageId);
    const draft = Draft.of(store);
    for (const [key] of all) this.#delete(draft, key);
    const shared = new Set<string>();
    for (const waiting of this.#waiting.values())
      if (waiting.lastId !== undefined && waiting.messageId !== messageId) shared.add(waiting.lastId);
    const ids = all.map(([, { accepted, lastId }]) => (accepted ? undefined : lastId));
    const own = [...new Set(ids)].filter((id) => id !== undefined && !shared.has(id)) as string[];
    const [only] = own;
    if (all.length === 1 && only !== undefined) {
      // One commit: the application deletes it if and only if it is not sent.
      await messenger.outbox.giveUp(only, { alongside: [...draft.writes, ...alongside] });
      draft.committed();
      return;
    }
    await store.commit([...draft.writes, ...alongside]);
    draft.committed();
    for (const id of own) await messenger.outbox.giveUp(id).catch(ignoreNotFound);
  }

  // What is due

  /** Sends what is due. What fails is tried again later. @returns what became of each copy, but for those to people who are blocked */
  async sendDue(): Promise<readonly SentCopy[]> {
    const now = this.#context.clock.now();
    const due = [...this.#waiting]
      .filter(([, waiting]) => waiting.hurry || (isScheduled(waiting) && waiting.nextAt <= now))
      .sort(([, one], [, other]) => one.order - other.order);
    const copies: SentCopy[] = [];
    if (due.length === 0) return copies;
    const unsent = await this.#context.messenger.outbox.pending();
    const blocked = new Set(this.#context.messenger.requests.blocked().map(encodeHex));
    const byPeer = new Map<string, string[]>();
    for (const [key, { peer }] of due) byPeer.set(peer, [...(byPeer.get(peer) ?? []), key]);
    for (const [peer, keys] of byPeer) {
      try {
        await this.#sendDueTo(peer, keys, unsent, blocked.has(peer), copies);
      } catch (error) {
        if (isSottoError(error, 'CLOSED')) throw error;
        this.#context.logger.warn('not sent again yet', { error: errorName(error) });
        for (const key of keys) {
          const messageId = this.#waiting.get(key)?.messageId;
          if (isSottoError(error) && messageId !== undefined) {
            copies.push({ messageId, member: decodeHex(peer) as PublicKey, result: { failed: error } });
          }
          this.#postpone(key, RETRY_MS);
        }
      }
    }
    return copies;
  }

  async #sendDueTo(
    peer: string,
    keys: readonly string[],
    unsent: ReadonlySet<string>,
    blocked: boolean,
    copies: SentCopy[],
  ): Promise<void> {
    const { limits, store } = this.#context;
    const profile = profileOf(this.#context, await getPeer(Draft.of(store), peer));
    const delayOf = ({ sent }: OutgoingRecord) => profile.repeatDelayMs(sent, randomFraction(this.#context));
    const over = Draft.of(store);
    const batches: (readonly [string, OutgoingRecord])[][] = [[]];
    let bytes = 0;
    for (const key of keys) {
      const record = await over.get<OutgoingRecord>(key);
      if (record === undefined || blocked) {
        this.#giveUp(over, key);
        continue;
      }
      const hurry = this.#waiting.get(key)?.hurry === true;
      if (!hurry && record.sent > limits.maxRepeats) {
        this.#end(over, key, peer, record);
        continue;
      }
      // The copy before this one has not left yet: we are offline.
      if (record.lastId !== undefined && unsent.has(record.lastId)) {
        this.#postpone(key, delayOf(record));
        continue;
      }
      const last = batches.at(-1) as (readonly [string, OutgoingRecord])[];
      bytes += record.body.length;
      const isFull = last.length >= MESSAGES_AT_ONCE || (last.length > 0 && bytes > BYTES_AT_ONCE);
      const alone = record.once === true || last[0]?.[1].once === true;
      if (last.length > 0 && (isFull || alone)) {
        batches.push([[key, record]]);
        bytes = record.body.length;
      } else last.push([key, record]);
    }
    await this.#commit(over);
    for (const batch of batches) copies.push(...(await this.#sendBatch(peer, batch, delayOf)));
  }

  async #sendBatch(
    peer: string,
    batch: readonly (readonly [string, OutgoingRecord])[],
    delayOf: (record: OutgoingRecord) => number,
  ): Promise<readonly SentCopy[]> {
    const { clock, crypto, events, identity, messenger, store } = this.#context;
    const [first] = batch;
    if (first === undefined) return [];
    const to = crypto.secp256k1.parsePublicKey(decodeHex(peer));
    const groupId = directGroupId(crypto, identity.publicKey, to);
    const messages = batch.map(([, { body, timestamp }]) => ({
      groupId,
      timestamp: BigInt(timestamp),
      body: decodeBase64(body),
    }));
    const { once } = first[1];
    const payload = once
      ? decodeBase64(first[1].body)
      : encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, messages });
    let draft = Draft.of(store);
    const alongside = (taken: TakenMessage) => {
      draft = Draft.of(store);
      const sentAt = clock.now();
      for (const [key, record] of batch) {
        if (once) this.#delete(draft, key);
        else if (this.#waiting.get(key)?.hurry) {
          const hurried = (record.hurried ?? 0) + 1;
          const nextAt = record.ended ? record.nextAt : sentAt + delayOf(record);
          this.#put(draft, key, peer, { ...record, hurried, nextAt, sentAt, lastId: taken.id });
        } else {
          const sent = record.sent + 1;
          const nextAt = sentAt + delayOf({ ...record, sent });
          this.#put(draft, key, peer, { ...record, sent, nextAt, sentAt, lastId: taken.id });
        }
      }
      return draft.writes;
    };
    let result: MemberOutcome['result'];
    try {
      const { devices, sealedSender } = await messenger.send(to, payload, { ownCopy: false, alongside });
      result = { devices, sealedSender };
    } catch (error) {
      if (!isSottoError(error) || !isLasting(error)) throw error;
      result = { failed: error };
      draft = Draft.of(store);
      for (const [key, { messageId, unasked }] of batch) {
        if (unasked) {
          this.#giveUp(draft, key);
          continue;
        }
        await this.#change(draft, key, { failure: error.code });
        draft.onCommit(() => events.emit('sendFailed', { messageId, recipient: to, error }));
      }
      await store.commit(draft.writes);
    }
    draft.committed();
    for (const [, record] of batch) this.#reportSent(record);
    return batch.map(([, { messageId }]) => ({ messageId, member: to, result }));
  }

  /** A copy of a message has left, or is gone: if it was the last one, the message was sent. */
  #reportSent({ messageId, groupId }: Pick<OutgoingRecord, 'messageId' | 'groupId'>): void {
    // Of messages to one person, the messenger tells.
    if (groupId === undefined) return;
    if (this.unsent().has(messageId) || this.failed().has(messageId)) return;
    this.#context.events.emit('sent', { messageId });
  }

  #accept(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || waiting.accepted) return;
    waiting.accepted = true;
    this.#reportSent(waiting);
  }

  #copiesOf(id: string): readonly [string, Waiting][] {
    return [...this.#waiting].filter(([, { lastId }]) => lastId === id);
  }

  #recordsOf(messageId: string): readonly [string, Waiting][] {
    return [...this.#waiting].filter(([, waiting]) => waiting.messageId === messageId);
  }

  // Records

  async #commit(draft: Draft): Promise<void> {
    if (draft.writes.length > 0) await this.#context.store.commit(draft.writes);
    draft.committed();
  }

  async #change(draft: Draft, key: string, change: Partial<OutgoingRecord>): Promise<void> {
    const record = await draft.get<OutgoingRecord>(key);
    const peer = this.#waiting.get(key)?.peer;
    if (record !== undefined && peer !== undefined) this.#put(draft, key, peer, { ...record, ...change });
  }

  #put(draft: Draft, key: string, peer: string, record: OutgoingRecord): void {
    draft.put(key, record);
    draft.onCommit(() => {
      this.#note(key, peer, record, this.#waiting.get(key)?.accepted ?? false);
    });
  }

  #note(key: string, peer: string, record: OutgoingRecord, accepted: boolean): void {
    const { messageId, groupId, nextAt, order, sent, sentAt, lastId } = record;
    const { hurried, ended, failure, unasked } = record;
    const about = { messageId, groupId, nextAt, order, sent, sentAt, lastId };
    const known = { ...about, hurried, ended, failure, unasked };
    this.#waiting.set(key, { ...known, peer, accepted });
    const keys = this.#byPeer.get(peer) ?? new Set();
    this.#byPeer.set(peer, keys.add(key));
  }

  #delete(draft: Draft, key: string): void {
    draft.delete(key);
    draft.onCommit(() => this.#forget(key));
  }

  #forget(key: string): boolean {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return false;
    this.#waiting.delete(key);
    const keys = this.#byPeer.get(waiting.peer);
    keys?.delete(key);
    if (keys?.size === 0) this.#byPeer.delete(waiting.peer);
    return true;
  }

  /** The schedule has ended without acknowledgement. */
  #end(draft: Draft, key: string, peer: string, record: OutgoingRecord): void {
    this.#put(draft, key, peer, { ...record, ended: true });
    const recipient = decodeHex(peer) as PublicKey;
    const { messageId } = record;
    draft.onCommit(() => this.#context.events.emit('undelivered', { messageId, recipient }));
  }

  #giveUp(draft: Draft, key: string): void {
    const waiting = this.#waiting.get(key);
    draft.delete(key);
    draft.onCommit(() => {
      if (!this.#forget(key) || waiting === undefined) return;
      const { messageId, peer, accepted, ended } = waiting;
      if (!accepted) this.#reportSent(waiting);
      const recipient = decodeHex(peer) as PublicKey;
      if (!ended) this.#context.events.emit('undelivered', { messageId, recipient });
    });
  }

  /** In memory only: after a restart it is tried at once. */
  #postpone(key: string, milliseconds: number): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    const nextAt = this.#context.clock.now() + milliseconds;
    this.#waiting.set(key, { ...waiting, nextAt, hurry: false });
  }
}

function isScheduled({ ended, failure, hurry }: Waiting): boolean {
  return hurry === true || (!ended && failure === undefined);
}

/** A full outbox empties. */
function isLasting(error: SottoError): boolean {
  return LASTING.has(error.code) && !isFullOutbox(error);
}

function isFullOutbox(error: SottoError): boolean {
  return isSottoError(error, 'LIMIT_EXCEEDED') && error.details.what === 'bytes in the outbox';
}

function ignoreNotFound(error: unknown): void {
  if (!isSottoError(error, 'NOT_FOUND')) throw error;
}

function noSuchMessage(id: string): SottoError<'NOT_FOUND'> {
  return new SottoError('NOT_FOUND', 'No copy of this message waits or has failed.', { what: 'message', id });
}
