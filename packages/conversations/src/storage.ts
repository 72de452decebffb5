import {
  decodeBase64,
  decodeHex,
  decodeUtf8,
  type ErrorCode,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  type PublicKey,
  SottoError,
  type Write,
} from '@sotto/core';
import { APPLICATION_PREFIX, type GroupChangeLost } from '@sotto/messenger';
import type { Timer } from './conversation-message.js';
import type { Content, Entry, MessageState, NoticeContent, Recipient } from './entry.js';
import { decodeText } from './text.js';

/*
 * All records are JSON with a version. They are kept in the messenger's store, so that a message moves between
 * the messenger's inbox or outbox and this history in one commit:
 *
 * app/conversations/list/<conversation>                  StoredConversation
 * app/conversations/entry/<conversation>/<page>/<number> StoredEntry; pages of 64, the reach of one listing
 * app/conversations/outgoing/<message id>                StoredPlace of a message that has not been sent
 * app/conversations/group/<group id>                     StoredGroup: as the last notice about it left it
 * app/conversations/reference/<conversation>/<id>        StoredPlace of a Status message, by its own id
 * app/conversations/early/<conversation>/<id>/<author>   StoredEarly: a change that came before its message
 * app/conversations/name/<identity>                      StoredName that the user gave a contact
 * app/conversations/settings                             StoredSettings
 * app/conversations/draft/<conversation>                 StoredDraft: what was written and not sent yet
 * app/conversations/mute/<conversation>                  StoredMute
 * app/conversations/mismatch/<identity>                  StoredMismatch: the safety numbers were different
 * app/conversations/unread-timer/<conversation>/<number> nothing: its key says that a message disappears some time after it is read
 * app/conversations/expiry/<time>/<conversation>/<number> nothing: its key says that a message disappears at that time
 * app/conversations/timer/<conversation>                 Timer of a conversation that was removed, for when it begins again
 * app/conversations/time                                 StoredTime
 */
const ROOT = `${APPLICATION_PREFIX}conversations`;
const VERSION = 1;
/** Entries that are listed together. An encrypted store reads all records that share the prefix. */
export const PAGE_SIZE = 64;

export interface StoredConversation {
  readonly lastActivity: number;
  /** Increases with everything stored in any conversation: orders the list, whatever our clock says. */
  readonly order: number;
  readonly unread: number;
  /** Number of the next entry. */
  readonly next: number;
  /** Number of the last message; -1 when there is none. */
  readonly lastMessage: number;
  /** When messages disappear; absent until that is set. */
  readonly timer?: Timer | undefined;
}

/** The latest time seen when a message began to disappear, or did. */
export interface StoredTime {
  /** Milliseconds since the epoch by {@link SteadyTime}. */
  readonly latest: number;
}

export interface StoredPlace {
  readonly conversation: string;
  readonly number: number;
}

export interface StoredGroup {
  readonly name: string;
  /** Identities in hex. */
  readonly members: readonly string[];
}

export interface StoredName {
  readonly name: string;
}

export interface StoredDraft {
  readonly text: string;
}

export interface StoredMute {
  /** Milliseconds since the epoch by our clock. */
  readonly until: number;
}

export interface StoredMismatch {
  /** Milliseconds since the epoch by our clock. */
  readonly at: number;
}

/** What is kept of a Status message. */
export interface StoredStatus {
  /** `0x` and 64 hex digits. */
  readonly id: string;
  readonly text: string;
  readonly replyTo?: string | undefined;
  readonly image?: { /** Base64. */ readonly picture: string; readonly format: number } | undefined;
  /** Clock of the last edit, decimal. */
  readonly editedAt?: string | undefined;
  readonly deleted?: true | undefined;
  readonly reactions?: readonly StoredReaction[] | undefined;
}

export interface StoredReaction {
  /** Identity in hex. */
  readonly by: string;
  readonly reaction: number;
  /** Decimal. */
  readonly clock: string;
  readonly retracted?: true | undefined;
}

/** The state of a message, whatever its recipients have told. */
export type StoredState = Exclude<MessageState, 'delivered' | 'read'>;

/** Somebody who acknowledges a message of ours. */
export interface StoredRecipient {
  /** Identity in hex. */
  readonly by: string;
  readonly told?: 'delivered' | 'read' | undefined;
  /** Code of the error with which it failed for them. */
  readonly failure?: string | undefined;
}

/** What the user has chosen. */
export interface StoredSettings {
  readonly readReceipts: boolean;
}

/** An edit or a deletion by the author of a message that isn't here yet. */
export interface StoredEarly {
  /** Orders them by age. */
  readonly at: number;
  readonly edit?: { readonly text: string; readonly clock: string } | undefined;
  readonly deleted?: true | undefined;
}

/** A message in a {@link StoredEntry}. */
export type StoredMessage = Extract<StoredEntry, { readonly message: unknown }>['message'];

export type StoredEntry = { readonly storedAt: number } & (
  | {
      readonly message: {
        readonly id: string;
        /** Identity in hex. */
        readonly sender: string;
        readonly own: boolean;
        readonly installationId: string;
        /** Without what {@link recipients} add. */
        readonly state: StoredState;
        /** Code of the error with which it failed. */
        readonly failure?: string | undefined;
        readonly recipients?: readonly StoredRecipient[] | undefined;
        readonly protection: 'pq' | 'dr' | 'dh' | 'public';
        readonly sealedSender?: true | undefined;
        readonly verified: boolean;
        readonly late?: true | undefined;
        readonly sentAt: number;
        /** Base64; empty for a Status message. */
        readonly payload: string;
        readonly status?: StoredStatus | undefined;
        /** After how many seconds it disappears. */
        readonly timer?: number | undefined;
        /** When it disappears, in milliseconds by {@link SteadyTime}; absent while that has not begun. */
        readonly expiresAt?: number | undefined;
      };
    }
  | {
      readonly notice:
        | { readonly what: 'decryption-failed'; readonly sender: string; readonly answered: boolean }
        | { readonly what: 'new-device'; readonly installationId: string }
        | {
            readonly what: 'group-changed';
            readonly name?: string | undefined;
            readonly joined: readonly string[];
            readonly left: readonly string[];
          }
        | {
            readonly what: 'group-change-lost';
            readonly kind: GroupChangeLost['kind'];
            readonly author: string;
            readonly subjects: readonly string[];
            readonly reason: GroupChangeLost['reason'];
          }
        | {
            readonly what: 'disappearing-changed';
            readonly by: string;
            /** 0: never. */
            readonly seconds: number;
          };
    }
);

export const conversationsPrefix = `${ROOT}/list/`;
export const namesPrefix = `${ROOT}/name/`;
export const outgoingPrefix = `${ROOT}/outgoing/`;
export const expiryPrefix = `${ROOT}/expiry/`;
export const timeRecord = `${ROOT}/time`;
export const settingsRecord = `${ROOT}/settings`;
export const draftsPrefix = `${ROOT}/draft/`;
export const mutesPrefix = `${ROOT}/mute/`;
export const mismatchesPrefix = `${ROOT}/mismatch/`;
export const conversationRecord = (key: string) => `${conversationsPrefix}${key}`;
export const nameRecord = (identity: string) => `${namesPrefix}${identity}`;
export const outgoingRecord = (messageId: string) => `${outgoingPrefix}${messageId}`;
export const groupRecord = (groupId: string) => `${ROOT}/group/${groupId}`;
export const referencesPrefix = (key: string) => `${ROOT}/reference/${key}/`;
export const referenceRecord = (key: string, id: string) => `${referencesPrefix(key)}${id}`;
export const earlyPrefix = (key: string) => `${ROOT}/early/${key}/`;
export const earlyRecord = (key: string, id: string, author: string) => `${earlyPrefix(key)}${id}/${author}`;
export const entriesPrefix = (key: string) => `${ROOT}/entry/${key}/`;
export const pagePrefix = (key: string, page: number) => `${entriesPrefix(key)}${digits(page)}/`;
export const entryRecord = (key: string, number: number) =>
  `${pagePrefix(key, Math.floor(number / PAGE_SIZE))}${digits(number)}`;

export const unreadTimersPrefix = (key: string) => `${ROOT}/unread-timer/${key}/`;
export const unreadTimerRecord = (key: string, number: number) =>
  `${unreadTimersPrefix(key)}${digits(number)}`;
/** @param time milliseconds since the epoch, a whole number */
export const expiryRecord = (time: number, key: string, number: number) =>
  `${expiryPrefix}${String(time).padStart(16, '0')}/${key}/${digits(number)}`;
/** What the key of such a record says. */
export function expiryOf(record: string): StoredPlace & { readonly time: number } {
  const [time, conversation = '', number] = record.slice(expiryPrefix.length).split('/');
  return { time: Number(time), conversation, number: Number(number) };
}
/** The record of a removed conversation's timer. */
export const timerRecord = (key: string) => `${ROOT}/timer/${key}`;

/** Digits of an entry's number, with which its key ends. */
export const ENTRY_DIGITS = 12;

/** Zero-padded, so that keys sort by number. */
function digits(number: number): string {
  return String(number).padStart(ENTRY_DIGITS, '0');
}

export function put<T extends object>(key: string, value: T): Write {
  return { type: 'put', key, value: encodeUtf8(JSON.stringify({ version: VERSION, ...value })) };
}

/** @throws STATE_CORRUPT, STATE_VERSION_UNSUPPORTED */
export function read<T extends object>(bytes: Uint8Array): T {
  const record = parse(bytes) as (T & { version?: unknown }) | null;
  if (typeof record !== 'object' || record === null || typeof record.version !== 'number') {
    throw corrupt('not a record');
  }
  if (record.version > VERSION) {
    throw new SottoError('STATE_VERSION_UNSUPPORTED', 'This was stored by newer software.', {
      what: 'conversation',
      version: record.version,
    });
  }
  return record;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw corrupt('not JSON', cause);
  }
}

/** Decodes files, and texts that disappear. */
export type Codec = Pick<typeof import('./conversation-message.js'), 'decodeConversationMessage'>;

/** Whether an entry can't be read without the codec: it doesn't begin as texts do. */
export function needsCodec(stored: StoredEntry): boolean {
  if (!('message' in stored)) return false;
  const { payload, protection, status } = stored.message;
  // Base64 of a zero byte.
  return status === undefined && protection !== 'public' && payload.startsWith('A');
}

/**
 * An entry as applications receive it.
 * @param codec for one that needs it
 * @throws STATE_CORRUPT
 */
export function entryOf(number: number, stored: StoredEntry, codec: Codec | undefined): Entry {
  const { storedAt } = stored;
  try {
    if ('notice' in stored) {
      return { kind: 'notice', number, storedAt, notice: noticeOf(stored.notice) };
    }
    const { sealedSender = false, late = false } = stored.message;
    const { sender, payload, failure, status, recipients: _, ...message } = stored.message;
    const { content, replyTo } =
      status === undefined
        ? contentOf(decodeBase64(payload), codec)
        : { content: statusContentOf(status), replyTo: status.replyTo };
    return {
      kind: 'message',
      number,
      storedAt,
      ...message,
      state: stateOf(stored.message),
      recipients: (stored.message.recipients ?? []).map((one) => recipientOf(stored.message, one)),
      failure: failure as ErrorCode | undefined,
      late,
      sealedSender,
      sender: decodeHex(sender) as PublicKey,
      reference: status?.id,
      replyTo,
      edited: status?.editedAt !== undefined && !status.deleted,
      reactions: (status?.reactions ?? [])
        .filter(({ retracted }) => !retracted)
        .map(({ by, reaction }) => ({ by: decodeHex(by) as PublicKey, reaction })),
      content,
      timer: message.timer,
      expiresAt: message.expiresAt,
    };
  } catch (cause) {
    throw corrupt('fields are missing or damaged', cause);
  }
}

/** The state of a message, with what its recipients have told. */
function stateOf({ state, recipients = [] }: StoredMessage): MessageState {
  if (recipients.length === 0 || recipients.some(({ told }) => told === undefined)) return state;
  return recipients.every(({ told }) => told === 'read') ? 'read' : 'delivered';
}

function recipientOf(message: StoredMessage, { by, told, failure }: StoredRecipient): Recipient {
  const isAlone = message.recipients?.length === 1;
  const failed = failure ?? (isAlone && message.state === 'failed' ? message.failure : undefined);
  const own = failed !== undefined ? 'failed' : message.state === 'pending' ? 'pending' : 'sent';
  return {
    identity: decodeHex(by) as PublicKey,
    state: told ?? own,
    failure: told === undefined ? (failed as ErrorCode | undefined) : undefined,
  };
}

export function storedNotice(notice: NoticeContent): Extract<StoredEntry, { notice: unknown }>['notice'] {
  switch (notice.what) {
    case 'decryption-failed':
      return { ...notice, sender: encodeHex(notice.sender) };
    case 'new-device':
      return notice;
    case 'disappearing-changed':
      return { what: notice.what, by: encodeHex(notice.by), seconds: notice.seconds ?? 0 };
    case 'group-change-lost':
      return { ...notice, author: encodeHex(notice.author), subjects: notice.subjects.map(encodeHex) };
    case 'group-changed': {
      const { what, name, joined, left } = notice;
      const members = { joined: joined.map(encodeHex), left: left.map(encodeHex) };
      return name === undefined ? { what, ...members } : { what, name, ...members };
    }
  }
}

function noticeOf(stored: Extract<StoredEntry, { notice: unknown }>['notice']): NoticeContent {
  switch (stored.what) {
    case 'decryption-failed':
      return { ...stored, sender: decodeHex(stored.sender) as PublicKey };
    case 'new-device':
      return stored;
    case 'disappearing-changed':
      return {
        what: stored.what,
        by: decodeHex(stored.by) as PublicKey,
        seconds: stored.seconds || undefined,
      };
    case 'group-change-lost':
      return {
        ...stored,
        author: decodeHex(stored.author) as PublicKey,
        subjects: stored.subjects.map((name) => decodeHex(name) as PublicKey),
      };
    case 'group-changed': {
      const keys = (names: readonly string[]) => names.map((name) => decodeHex(name) as PublicKey);
      return { what: stored.what, name: stored.name, joined: keys(stored.joined), left: keys(stored.left) };
    }
  }
}

export function payloadText(payload: Uint8Array): string {
  return encodeBase64(payload);
}

const MEDIA_TYPES = [
  'application/octet-stream',
  'image/png',
  'image/jpeg',
  'image/webp',
  'image/gif',
] as const;

function statusContentOf({ text, image, deleted }: StoredStatus): Content {
  if (deleted) return { kind: 'deleted' };
  if (image === undefined) return { kind: 'text', text };
  const mediaType = MEDIA_TYPES[image.format] ?? MEDIA_TYPES[0];
  return { kind: 'image', text, picture: decodeBase64(image.picture), mediaType };
}

interface PlainContent {
  readonly content: Content;
  readonly replyTo?: string | undefined;
}

function contentOf(payload: Uint8Array, codec: Codec | undefined): PlainContent {
  const message = codec?.decodeConversationMessage(payload);
  switch (message?.kind) {
    case 'text':
      return { content: { kind: 'text', text: message.text }, replyTo: message.replyTo };
    case 'file':
      return { content: { kind: 'file', text: message.text, attachment: message.attachment } };
  }
  try {
    return { content: { kind: 'text', text: decodeText(payload) } };
  } catch {
    return { content: { kind: 'other', payload } };
  }
}

function corrupt(reason: string, cause?: unknown): SottoError<'STATE_CORRUPT'> {
  return new SottoError(
    'STATE_CORRUPT',
    'A stored conversation is damaged.',
    { what: 'conversation', reason },
    { cause },
  );
}
