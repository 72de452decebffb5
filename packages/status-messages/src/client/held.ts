import {
  decodeBase64,
  decodeHex,
  encodeBase64,
  encodeHex,
  errorName,
  type PublicKey,
  type Write,
} from '@sotto/core';
import type { ReceivedMessage } from '@sotto/messenger';
import type { StatusContext } from './context.js';
import type { Enclosed } from './read-payload.js';
import { type Draft, decodeRecord, type HeldRecord, heldKey, heldPrefix } from './records.js';

/** Bytes of a message that is held at most: texts and changes of groups are far smaller. */
const MOST_BYTES = 64 * 1024;
/** How long one is held, in milliseconds. A week: whoever was away that long has fetched its history by then. */
const HELD_MS = 7 * 24 * 60 * 60 * 1000;
/** How often those held are tried again without any news of groups, in milliseconds: a clock may have been set right. */
const RETRY_MS = 60_000;
/** The same when no message was held for that long. */
const IDLE_RETRY_MS = 60 * 60 * 1000;

/** A message that is held, as it came. */
export interface HeldMessage {
  readonly key: string;
  readonly message: Omit<ReceivedMessage, 'acknowledge' | 'payload'>;
  readonly enclosed: Enclosed;
}

/**
 * Messages of people whom the user has accepted that can't be judged yet and are not repeated by their senders: those without data synchronisation, such as clients of 2020 send,
 * and our own other devices. Messages with it are not acknowledged instead. Callers run its methods in turn.
 */
export class HeldMessages {
  readonly #context: StatusContext;
  /** When each came, and of whom, by key of the record; the oldest first. */
  readonly #held = new Map<string, { readonly sender: string; readonly at: number }>();
  #triedAt = 0;

  constructor(context: StatusContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const { store, logger } = this.#context;
    const found: [string, { readonly sender: string; readonly at: number }][] = [];
    for await (const { key, value } of store.list(heldPrefix)) {
      try {
        const { sender, at } = decodeRecord<HeldRecord>(value);
        found.push([key, { sender, at }]);
      } catch (error) {
        logger.warn('a message that is held is damaged', { error: errorName(error) });
      }
    }
    found.sort(([, one], [, other]) => one.at - other.at);
    for (const [key, one] of found) this.#held.set(key, one);
    this.#triedAt = this.#context.clock.now();
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** When they are to be tried again, in milliseconds since the epoch; `undefined` when there are none. */
  nextAt(): number | undefined {
    const newest = [...this.#held.values()].at(-1);
    if (newest === undefined) return undefined;
    return this.#triedAt + (this.#triedAt - newest.at < IDLE_RETRY_MS ? RETRY_MS : IDLE_RETRY_MS);
  }

  /** Keeps a message for later, and drops the oldest beyond the limits. */
  hold(draft: Draft, message: ReceivedMessage, { bytes, messageId }: Enclosed): void {
    const sender = encodeHex(message.sender);
    const key = heldKey(sender, messageId.slice(2));
    if (bytes.length > MOST_BYTES || this.#held.has(key)) return;
    const { maxHeld, maxHeldPerSender } = this.#context.limits;
    const at = Math.trunc(this.#context.clock.now());
    draft.put<HeldRecord>(key, {
      at,
      sender,
      id: message.id,
      senderInstallation: message.senderInstallation,
      protection: message.protection,
      sealedSender: message.sealedSender,
      verified: message.verified,
      ownCopy: message.ownCopy,
      late: message.late,
      receivedAt: message.receivedAt,
      sentAt: message.sentAt,
      messageId,
      bytes: encodeBase64(bytes),
    });
    draft.onCommit(() => this.#held.set(key, { sender, at }));
    const own = [...this.#held].filter(([, held]) => held.sender === sender);
    for (const [old] of own.slice(0, Math.max(0, own.length + 1 - maxHeldPerSender))) this.drop(draft, old);
    const all = [...this.#held.keys()];
    for (const old of all.slice(0, Math.max(0, all.length + 1 - maxHeld))) this.drop(draft, old);
  }

  drop(draft: Draft, key: string): void {
    draft.delete(key);
    draft.onCommit(() => this.#held.delete(key));
  }

  /** All that are held, the oldest first; those too old are deleted. */
  async all(): Promise<readonly HeldMessage[]> {
    const { clock, store } = this.#context;
    this.#triedAt = clock.now();
    const found: HeldMessage[] = [];
    const old: Write[] = [];
    for (const [key, { at }] of this.#held) {
      const value = (await store.get(key))?.value;
      if (value !== undefined && clock.now() - at <= HELD_MS) found.push(heldMessage(key, value));
      else old.push({ type: 'delete', key });
    }
    if (old.length > 0) await store.commit(old);
    for (const { key } of old) this.#held.delete(key);
    return found;
  }
}

function heldMessage(key: string, value: Uint8Array): HeldMessage {
  const { sender, messageId, bytes, at: _, sealedSender = false, ...rest } = decodeRecord<HeldRecord>(value);
  const peer = decodeHex(sender) as PublicKey;
  const conversation = { kind: 'direct', peer } as const;
  return {
    key,
    message: { ...rest, sealedSender, sender: peer, conversation, request: false, membershipHash: undefined },
    enclosed: { bytes: decodeBase64(bytes), messageId, datasyncId: undefined },
  };
}
