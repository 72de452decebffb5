import { decodeBase64, decodeHex, encodeBase64, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import type { TakenMessage } from '@sotto/messenger';
import {
  type DatasyncMessage,
  datasyncId,
  directGroupId,
  EMPTY_DATASYNC_PAYLOAD,
  encodeDatasyncPayload,
} from '../datasync.js';
import { getPeer, profileOf, randomFraction, type StatusContext } from './context.js';
import { codeOf } from './events.js';
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

/** What is known of a record of an outgoing message without reading it. */
interface Waiting extends Pick<OutgoingRecord, 'messageId' | 'nextAt' | 'order' | 'sent'> {
  /** Hex. */
  readonly peer: string;
}

/** A message for data synchronisation. */
export interface Wrapped {
  /** Hex. */
  readonly id: string;
  readonly message: DatasyncMessage;
}

/** Messages that wait to be sent or acknowledged, and acknowledgements that wait to be sent. Callers run its methods in turn. */
export class Delivery {
  readonly #context: StatusContext;
  /** By key of the record, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  /** Keys of acknowledgements, the oldest first. */
  readonly #acks = new Set<string>();
  #lastOrder = 0;

  constructor(context: StatusContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const { store, logger } = this.#context;
    const waiting: [string, Waiting][] = [];
    for await (const { key, value } of store.list(outgoingPrefix)) {
      const [peer = ''] = partsOf(key, outgoingPrefix);
      try {
        const { messageId, nextAt, order, sent } = decodeRecord<OutgoingRecord>(value);
        waiting.push([key, { peer, messageId, nextAt, order, sent }]);
      } catch (error) {
        logger.warn('a message that waits is damaged', { error: codeOf(error) });
      }
    }
    waiting.sort(([, one], [, other]) => one.order - other.order);
    for (const [key, record] of waiting) this.#waiting.set(key, record);
    this.#lastOrder = waiting.at(-1)?.[1].order ?? 0;
    for await (const { key } of store.list(acksPrefix)) this.#acks.add(key);
  }

  /** Ids of messages of which a recipient's copy was not given to the messenger yet. */
  unsent(): ReadonlySet<string> {
    return new Set(
      [...this.#waiting.values()].filter(({ sent }) => sent === 0).map(({ messageId }) => messageId),
    );
  }

  /** When something is due, in milliseconds since the epoch; `undefined` when nothing waits. */
  nextAt(): number | undefined {
    let next: number | undefined;
    for (const { nextAt } of this.#waiting.values()) if (next === undefined || nextAt < next) next = nextAt;
    return next;
  }

  /** A message in the form in which it is sent and repeated, and its id in hex. */
  wrap(peer: PublicKey, body: Uint8Array): Wrapped {
    const { crypto, identity, clock } = this.#context;
    const groupId = directGroupId(crypto, identity.publicKey, peer);
    const message = { groupId, timestamp: BigInt(Math.trunc(clock.now() / 1000)), body };
    return { id: encodeHex(datasyncId(crypto, message)), message };
  }

  /**
   * Notes a message that is repeated until it is acknowledged.
   * @param record of the recipient
   * @param options.taken of the messenger, when it has been sent; otherwise it is due now
   * @param options.once whether it is sent once, without data synchronisation
   */
  add(
    draft: Draft,
    peer: PublicKey,
    record: PeerRecord,
    messageId: string,
    { id, message }: Wrapped,
    { taken, once }: { readonly taken?: TakenMessage | undefined; readonly once?: true | undefined } = {},
  ): void {
    const { clock, limits } = this.#context;
    const name = encodeHex(peer);
    const key = outgoingKey(name, id);
    const sent = taken === undefined ? 0 : 1;
    const profile = profileOf(this.#context, record);
    const delay = sent === 0 ? 0 : profile.repeatDelayMs(1, randomFraction(this.#context));
    this.#put(draft, key, name, {
      messageId,
      body: encodeBase64(message.body),
      timestamp: String(message.timestamp),
      sent,
      nextAt: clock.now() + delay,
      order: ++this.#lastOrder,
      ...(taken && { lastId: taken.id }),
      ...(once && { once }),
    });
    const excess = this.#waiting.size + 1 - limits.maxOutgoing;
    for (const [old] of [...this.#waiting].slice(0, Math.max(0, excess))) this.#giveUp(draft, old);
  }

  /** Notes which of our messages a recipient has. Ids of messages to others are ignored. */
  acknowledged(draft: Draft, peer: PublicKey, ids: readonly Uint8Array[]): void {
    for (const id of ids) {
      const key = outgoingKey(encodeHex(peer), encodeHex(id));
      const waiting = this.#waiting.get(key);
      if (waiting === undefined) continue;
      draft.delete(key);
      draft.onCommit(() => {
        if (!this.#waiting.delete(key)) return;
        this.#context.events.emit('delivered', { messageId: waiting.messageId, recipient: peer });
      });
    }
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
      await this.#context.messenger.send(
        decodeHex(peer),
        encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, acks }),
        { ownCopy: false, alongside: () => keys.map((key) => ({ type: 'delete', key })) },
      );
      for (const key of keys) this.#acks.delete(key);
    }
  }

  /** Sends what is due. What fails is tried again later. */
  async sendDue(): Promise<void> {
    const now = this.#context.clock.now();
    const due = [...this.#waiting]
      .filter(([, { nextAt }]) => nextAt <= now)
      .sort(([, one], [, other]) => one.order - other.order);
    if (due.length === 0) return;
    const unsent = await this.#context.messenger.outbox.pending();
    const blocked = new Set(this.#context.messenger.requests.blocked().map(encodeHex));
    const byPeer = new Map<string, string[]>();
    for (const [key, { peer }] of due) byPeer.set(peer, [...(byPeer.get(peer) ?? []), key]);
    for (const [peer, keys] of byPeer) {
      try {
        await this.#sendDueTo(peer, keys, unsent, blocked.has(peer));
      } catch (error) {
        if (isSottoError(error, 'CLOSED')) throw error;
        this.#context.logger.warn('not sent again yet', { error: codeOf(error) });
        for (const key of keys) this.#postpone(key, RETRY_MS);
      }
    }
  }

  async #sendDueTo(
    peer: string,
    keys: readonly string[],
    unsent: ReadonlySet<string>,
    blocked: boolean,
  ): Promise<void> {
    const { clock, crypto, identity, limits, messenger, store } = this.#context;
    const to = crypto.secp256k1.parsePublicKey(decodeHex(peer));
    const profile = profileOf(this.#context, await getPeer(Draft.of(store), peer));
    const delayOf = ({ sent }: OutgoingRecord) => profile.repeatDelayMs(sent, randomFraction(this.#context));
    const over = Draft.of(store);
    const batches: (readonly [string, OutgoingRecord])[][] = [[]];
    let bytes = 0;
    for (const key of keys) {
      const record = await over.get<OutgoingRecord>(key);
      if (record === undefined || blocked || record.sent > limits.maxRepeats) {
        this.#giveUp(over, key);
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
    if (over.writes.length > 0) {
      await store.commit(over.writes);
      over.committed();
    }
    for (const batch of batches) {
      const [first] = batch;
      if (first === undefined) continue;
      const groupId = directGroupId(crypto, identity.publicKey, to);
      const messages = batch.map(([, { body, timestamp }]) => ({
        groupId,
        timestamp: BigInt(timestamp),
        body: decodeBase64(body),
      }));
      const [, { once }] = first;
      const payload = once
        ? decodeBase64(first[1].body)
        : encodeDatasyncPayload({ ...EMPTY_DATASYNC_PAYLOAD, messages });
      let draft = Draft.of(store);
      const alongside = (taken: TakenMessage) => {
        draft = Draft.of(store);
        for (const [key, record] of batch) {
          if (once) this.#delete(draft, key);
          else {
            const sent = record.sent + 1;
            const nextAt = clock.now() + delayOf({ ...record, sent });
            this.#put(draft, key, peer, { ...record, sent, nextAt, lastId: taken.id });
          }
        }
        return draft.writes;
      };
      await messenger.send(to, payload, { ownCopy: false, alongside });
      draft.committed();
      this.#reportSent(
        new Set(batch.filter(([, { sent }]) => sent === 0).map(([, { messageId }]) => messageId)),
      );
    }
  }

  #reportSent(messageIds: ReadonlySet<string>): void {
    const unsent = this.unsent();
    for (const messageId of messageIds)
      if (!unsent.has(messageId)) this.#context.events.emit('sent', { messageId });
  }

  #put(draft: Draft, key: string, peer: string, record: OutgoingRecord): void {
    draft.put(key, record);
    const { messageId, nextAt, order, sent } = record;
    draft.onCommit(() => this.#waiting.set(key, { peer, messageId, nextAt, order, sent }));
  }

  #delete(draft: Draft, key: string): void {
    draft.delete(key);
    draft.onCommit(() => this.#waiting.delete(key));
  }

  #giveUp(draft: Draft, key: string): void {
    const waiting = this.#waiting.get(key);
    draft.delete(key);
    draft.onCommit(() => {
      if (!this.#waiting.delete(key) || waiting === undefined) return;
      const recipient = decodeHex(waiting.peer) as PublicKey;
      this.#context.events.emit('undelivered', { messageId: waiting.messageId, recipient });
    });
  }

  /** In memory only: after a restart it is tried at once. */
  #postpone(key: string, milliseconds: number): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.set(key, { ...waiting, nextAt: this.#context.clock.now() + milliseconds });
  }
}
