import { type Conversations, conversationKey, parseConversationKey } from '@sotto/conversations';
import {
  compareBytes,
  decodeHex,
  decodeUtf8,
  encodeHex,
  encodeUtf8,
  invalidArgument,
  isSottoError,
  type PublicKey,
} from '@sotto/core';
import type { Conversation, Messenger } from '@sotto/messenger';
import { decodePosition, encodePosition, lastRead, numberOf } from './read-position.js';
import { type Entry, KIND, STANDING, TRUST } from './registers.js';

/** What is so on this device. */
export interface Reading {
  /** As in an entry. */
  readonly value: Uint8Array | undefined;
  /** What tells whether the user has changed it: the value, but of a read position the number of the message here. */
  readonly seen: Uint8Array | undefined;
  /** Of a read position: the conversation was removed since, so that its numbers began again. */
  readonly hasBegunAgain?: boolean | undefined;
}

/** What became of an entry that was to be applied. */
export type Applied =
  /** `seen`: what is seen here now. */
  | { readonly what: 'done'; readonly seen: Uint8Array | undefined }
  /** Not yet: its contact or message isn't there, or store or network have failed. */
  | { readonly what: 'later'; readonly hasFailed: boolean }
  /** Never: not valid, or not possible here. */
  | { readonly what: 'refused'; readonly code: string };

/** Kind and key. */
export type Place = Pick<Entry, 'kind' | 'key'>;

/** Reads and changes what devices agree on, through the API of messenger and conversations. */
export class LocalState {
  readonly #messenger: Messenger;
  readonly #conversations: Conversations;
  /** Identities known to be accepted, in hex: that ends only when they are blocked. */
  readonly #accepted = new Set<string>();

  constructor(messenger: Messenger, conversations: Conversations) {
    this.#messenger = messenger;
    this.#conversations = conversations;
  }

  /** What there is about people. */
  people(): readonly Place[] {
    const everyone = new Set<string>();
    const lists = [
      this.#conversations.contacts(),
      this.#conversations.blocked(),
      this.#conversations.mismatches(),
    ];
    for (const { identity } of lists.flat()) everyone.add(encodeHex(identity));
    for (const { conversation } of this.#conversations.list())
      if (conversation.kind === 'direct') everyone.add(encodeHex(conversation.peer));
    return [...everyone].flatMap((key) => this.person(key));
  }

  /** What there is about one person. @param key identity in hex */
  person(key: string): readonly Place[] {
    return [KIND.standing, KIND.contact, KIND.trust].map((kind) => ({ kind, key }));
  }

  /** What there is about conversations. */
  conversations(): readonly Place[] {
    const keys = new Set(this.#conversations.list().map(({ key }) => key));
    for (const name of this.#messenger.chats.list()) keys.add(conversationKey({ kind: 'public', name }));
    return [...keys].flatMap((key) => this.conversation(key));
  }

  /** What there is about one conversation. @param key of the conversation */
  conversation(key: string): readonly Place[] {
    const places: Place[] = [KIND.mute, KIND.draft, KIND.read].map((kind) => ({ kind, key }));
    if (key.startsWith('p-')) places.push({ kind: KIND.chat, key: key.slice(2) });
    return places;
  }

  noteAccepted(identity: PublicKey): void {
    this.#accepted.add(encodeHex(identity));
  }

  noteBlocked(identity: PublicKey): void {
    this.#accepted.delete(encodeHex(identity));
  }

  /**
   * `undefined` when it can't be told now, or isn't of a kind that is known.
   * @param seen of an earlier reading: what is no later need not be told
   * @throws STORE codes, CLOSED
   */
  async read({ kind, key }: Place, seen?: Uint8Array): Promise<Reading | undefined> {
    try {
      return kind === KIND.read
        ? await this.#readPosition(parseConversationKey(key), seen)
        : await this.#read(kind, key);
    } catch (error) {
      if (isTransient(error)) throw error;
      return undefined;
    }
  }

  async #read(kind: number, key: string): Promise<Reading | undefined> {
    switch (kind) {
      case KIND.contact: {
        const { contact, name } = this.#conversations.person(identityOf(key));
        return same(contact ? encodeUtf8(name) : undefined);
      }
      case KIND.trust: {
        const { mismatch, verified } = this.#conversations.person(identityOf(key));
        return same(flag(mismatch ? TRUST.mismatch : verified ? TRUST.verified : undefined));
      }
      case KIND.standing: {
        const identity = identityOf(key);
        if (this.#isUs(identity)) return undefined;
        return same(flag(await this.#standing(identity)));
      }
      case KIND.chat:
        return same(this.#messenger.chats.list().includes(key) ? new Uint8Array(0) : undefined);
      case KIND.mute: {
        const until = this.#conversations.mutedUntil(parseConversationKey(key));
        return same(until === 0 ? undefined : encodeUtf8(String(until)));
      }
      case KIND.draft: {
        const text = this.#conversations.draft(parseConversationKey(key));
        return same(text === '' ? undefined : encodeUtf8(text));
      }
      default:
        return undefined;
    }
  }

  async #standing(identity: PublicKey): Promise<number | undefined> {
    const key = encodeHex(identity);
    if (this.#conversations.person(identity).blocked) return STANDING.blocked;
    if (!this.#accepted.has(key) && (await this.#messenger.requests.isAccepted(identity)))
      this.#accepted.add(key);
    return this.#accepted.has(key) ? STANDING.accepted : undefined;
  }

  async #readPosition(conversation: Conversation, seen?: Uint8Array): Promise<Reading | undefined> {
    const hasBegunAgain = numberIn(seen) >= (this.#conversations.get(conversation)?.next ?? 0);
    const message = await lastRead(this.#conversations, conversation, hasBegunAgain ? -1 : numberIn(seen));
    if (message === undefined) return undefined;
    return { value: encodePosition(message), seen: encodeUtf8(String(message.number)), hasBegunAgain };
  }

  /** Makes an entry so here. Again, it changes nothing more. @throws CLOSED */
  async apply(entry: Entry): Promise<Applied> {
    try {
      if (entry.kind === KIND.read) return await this.#applyRead(entry);
      const isDone = await this.#apply(entry);
      return isDone ? { what: 'done', seen: entry.value } : { what: 'later', hasFailed: false };
    } catch (error) {
      if (isSottoError(error, 'CLOSED')) throw error;
      if (isTransient(error) || isOutboxFull(error)) return { what: 'later', hasFailed: true };
      return { what: 'refused', code: isSottoError(error) ? error.code : 'unexpected' };
    }
  }

  /** @returns whether it is done */
  async #apply({ kind, key, value }: Entry): Promise<boolean> {
    switch (kind) {
      case KIND.contact:
        return this.#applyContact(identityOf(key), value && decodeUtf8(value));
      case KIND.trust:
        return this.#applyTrust(identityOf(key), value?.[0]);
      case KIND.standing:
        await this.#applyStanding(identityOf(key), value?.[0]);
        return true;
      case KIND.chat: {
        const chat = { kind: 'public', name: key } as const;
        if (value === undefined) await this.#conversations.remove(chat);
        else await this.#conversations.open(chat);
        return true;
      }
      case KIND.mute: {
        const until = value === undefined ? 0 : Number(decodeUtf8(value));
        if (!Number.isSafeInteger(until)) throw invalidArgument('until', 'not a number');
        await this.#conversations.setMuted(parseConversationKey(key), until);
        return true;
      }
      case KIND.draft:
        await this.#conversations.setDraft(parseConversationKey(key), value ? decodeUtf8(value) : '');
        return true;
      default:
        return false;
    }
  }

  async #applyContact(identity: PublicKey, name: string | undefined): Promise<boolean> {
    const { blocked, contact } = this.#conversations.person(identity);
    if (name === undefined) {
      if (contact) await this.#conversations.removeContact(identity);
      return true;
    }
    // It waits until they are unblocked; on the device that blocked them they are no contact either, which comes here.
    if (blocked) return false;
    await this.#conversations.addContact(identity, name);
    return true;
  }

  async #applyTrust(identity: PublicKey, trust: number | undefined): Promise<boolean> {
    const { contact, verified, mismatch } = this.#conversations.person(identity);
    if (trust === TRUST.mismatch) {
      await this.#conversations.reportMismatch(identity);
      return true;
    }
    if (trust === TRUST.verified) {
      // The contact may come later.
      if (contact) await this.#conversations.setVerified(identity, true);
      return contact;
    }
    if (mismatch) await this.#conversations.clearMismatch(identity);
    if (verified) await this.#conversations.setVerified(identity, false);
    return true;
  }

  async #applyStanding(identity: PublicKey, standing: number | undefined): Promise<void> {
    const { blocked } = this.#conversations.person(identity);
    if (standing === STANDING.blocked) {
      if (!blocked) await this.#conversations.block(identity);
      return;
    }
    // First, so that they are never neither.
    if (standing === STANDING.accepted) await this.#conversations.accept(identity);
    if (blocked) await this.#conversations.unblock(identity);
  }

  /** What was read there is read here, and what was read here stays so. */
  async #applyRead({ key, value }: Entry): Promise<Applied> {
    const conversation = parseConversationKey(key);
    const position = value && decodePosition(value);
    if (position === undefined) throw invalidArgument('read position', 'not valid');
    const number = await numberOf(this.#conversations, conversation, position);
    if (number === undefined) return { what: 'later', hasFailed: false };
    await this.#conversations.markRead(conversation, number);
    return { what: 'done', seen: encodeUtf8(String(number)) };
  }

  #isUs(identity: PublicKey): boolean {
    return compareBytes(identity, this.#messenger.identity) === 0;
  }
}

/** @throws INVALID_ARGUMENT */
function identityOf(key: string): PublicKey {
  if (!/^0[23][0-9a-f]{64}$/.test(key)) throw invalidArgument('identity', 'not 33 bytes in hex');
  return decodeHex(key) as PublicKey;
}

function same(value: Uint8Array | undefined): Reading {
  return { value, seen: value };
}

function flag(value: number | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : Uint8Array.of(value);
}

/** The number of a message that was seen; -1 for none. */
export function numberIn(seen: Uint8Array | undefined): number {
  return seen === undefined ? -1 : Number(decodeUtf8(seen));
}

/** Whether too much waits to be sent. */
function isOutboxFull(error: unknown): boolean {
  return isSottoError(error, 'LIMIT_EXCEEDED') && error.details.what.endsWith('outbox');
}

/** Whether the same call may succeed later. */
export function isTransient(error: unknown): boolean {
  if (!isSottoError(error)) return false;
  const { code } = error;
  return code === 'CLOSED' || code === 'ABORTED' || /^(STORE|TRANSPORT)_/.test(code);
}
