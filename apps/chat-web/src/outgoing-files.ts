import { type Signal, signal } from '@preact/signals';
import {
  type Attachment,
  decodeAttachment,
  encodeAttachment,
  type Thumbnail,
  uploadAttachment,
} from '@sotto/attachments';
import { type Conversations, conversationKey, parseConversationKey } from '@sotto/conversations';
import {
  compareBytes,
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  isSottoError,
  type Store,
} from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { crypto } from './crypto.js';
import { checkFile, type FileStore, plainMediaType } from './files.js';
import { type KeptParts, keptParts, outgoingStore } from './kept-parts.js';

/** Records of files on their way out. They hold keys, so they are in the account's store. */
const PREFIX = 'app/chat-web/outgoing/';
/** A node that can't be reached is asked again after so many milliseconds, and when the browser says that there is a network. */
const TRY_AGAIN_MS = 5_000;
/** Entries among which a file is looked for that may have been sent just before the page was closed. */
const LOOKED_THROUGH = 50;

/** A file that the user has sent, and that isn't a message yet. */
export interface OutgoingFile {
  readonly id: string;
  /** Of the conversation. */
  readonly key: string;
  readonly name: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  readonly done: number;
  readonly thumbnail: Thumbnail | undefined;
  readonly text: string;
  /** `waiting`: for the node, which can't be reached. */
  readonly state: 'encrypting' | 'sending' | 'waiting' | 'failed';
  readonly error: unknown;
}

/** Files on their way out: encrypted into this browser, stored at the node, then sent as messages. They go on when the page is loaded again. */
export interface OutgoingFiles {
  readonly list: Signal<readonly OutgoingFile[]>;
  /** Throws a `TypeError` with words for people when the file is too large. */
  send(
    conversation: Conversation,
    file: File,
    more: { text: string; thumbnail: Thumbnail | undefined },
  ): void;
  /** Tries one again that failed or waits. */
  retry(id: string): void;
  /** Ends it, and forgets the file. */
  discard(id: string): Promise<void>;
  close(): Promise<void>;
}

/** What the store keeps of a file. `references`: where its first parts are; without all of them it isn't sent yet. */
interface Kept {
  readonly key: string;
  readonly text: string;
  /** Base64. */
  readonly attachment: string;
  readonly references: readonly string[];
}

export interface OutgoingOptions {
  readonly store: Store;
  readonly conversations: Conversations;
  readonly files: FileStore;
}

/** Goes on with what was on its way when the page was closed. */
export async function openOutgoingFiles({
  store,
  conversations,
  files,
}: OutgoingOptions): Promise<OutgoingFiles> {
  const list: OutgoingFiles['list'] = signal([]);
  const parts = keptParts('outgoing');
  const running = new Map<string, AbortController>();
  const works = new Map<string, Promise<void>>();
  /** Of those that the store doesn't have yet: how they begin. */
  const beginnings = new Map<string, (stop: AbortSignal) => Promise<void>>();
  let closed = false;

  const change = (id: string, changes: Partial<OutgoingFile>) => {
    list.value = list.value.map((one) => (one.id === id ? { ...one, ...changes } : one));
  };
  const forget = (id: string) => {
    list.value = list.value.filter((one) => one.id !== id);
  };
  const keep = (id: string, kept: Kept) =>
    store.commit([{ type: 'put', key: PREFIX + id, value: encodeUtf8(JSON.stringify(kept)) }]);
  const read = async (id: string): Promise<Kept | undefined> => {
    const record = await store.get(PREFIX + id);
    return record && (JSON.parse(decodeUtf8(record.value)) as Kept);
  };
  const remove = async (id: string) => {
    const kept = await read(id);
    if (kept === undefined) return;
    await store.commit([{ type: 'delete', key: PREFIX + id }]);
    for (const { reference } of attachmentOf(kept).parts) await parts.delete(nameOfPart(reference));
  };

  /** Runs the steps for a file, one run at a time. */
  const run = (id: string, steps: (stop: AbortSignal) => Promise<void>) => {
    if (closed || running.has(id)) return;
    const giveUp = new AbortController();
    running.set(id, giveUp);
    const work = steps(giveUp.signal)
      .catch((error: unknown) => {
        if (giveUp.signal.aborted) return;
        const waits = isSottoError(error, 'BLOB_UNAVAILABLE') || isSottoError(error, 'TIMEOUT');
        change(id, { state: waits ? 'waiting' : 'failed', error });
        if (waits) setTimeout(() => retry(id), TRY_AGAIN_MS);
      })
      .finally(() => {
        running.delete(id);
        works.delete(id);
      });
    works.set(id, work);
  };

  const transfer = async (id: string, stop: AbortSignal) => {
    const kept = await read(id);
    if (kept === undefined) return forget(id);
    const attachment = attachmentOf(kept);
    const conversation = parseConversationKey(kept.key);
    const references = [...kept.references];
    change(id, { state: 'sending', done: doneOf(attachment, references.length), error: undefined });
    for (const { reference } of attachment.parts.slice(references.length)) {
      const part = await outgoingStore(parts, Number.POSITIVE_INFINITY).get(reference);
      stop.throwIfAborted();
      const stored = await files.put(part, { signal: stop });
      // Whoever sends a picture looks at it as well.
      await files.keep(stored, part);
      references.push(stored);
      await keep(id, { ...kept, references });
      change(id, { done: doneOf(attachment, references.length) });
    }
    const sent = encodeAttachment({
      ...attachment,
      parts: attachment.parts.map((part, i) => ({ ...part, reference: references[i] as string })),
    });
    stop.throwIfAborted();
    if (!(await wasSent(conversations, conversation, sent)))
      await conversations.sendFile(conversation, sent, { text: kept.text });
    await remove(id);
    forget(id);
  };

  const retry = (id: string) => {
    if (!list.value.some((one) => one.id === id)) return;
    run(id, beginnings.get(id) ?? ((stop) => transfer(id, stop)));
  };
  const onOnline = () => {
    for (const { id, state } of list.value) if (state === 'waiting') retry(id);
  };
  globalThis.addEventListener?.('online', onOnline);

  const records: { readonly key: string; readonly value: Uint8Array }[] = [];
  for await (const record of store.list(PREFIX)) records.push(record);
  if (records.length === 0) await parts.clear().catch(() => undefined);
  for (const { key, value } of records) {
    const id = key.slice(PREFIX.length);
    const kept = JSON.parse(decodeUtf8(value)) as Kept;
    const attachment = attachmentOf(kept);
    // The store is that of another browser, which was backed up or linked: its file isn't here.
    if (!(await areHere(parts, attachment, kept.references.length))) {
      await store.commit([{ type: 'delete', key }]);
      continue;
    }
    const { name, mediaType, size, thumbnail } = attachment;
    const done = doneOf(attachment, kept.references.length);
    const { key: conversation, text } = kept;
    const about = { id, key: conversation, name, mediaType, size, done, thumbnail, text };
    list.value = [...list.value, { ...about, state: 'sending', error: undefined }];
    retry(id);
  }

  const discard = async (id: string) => {
    running.get(id)?.abort();
    forget(id);
    beginnings.delete(id);
    await works.get(id);
    await remove(id);
  };
  // Whoever deletes a conversation doesn't want it to begin again with a file.
  const unsubscribe = conversations.subscribe((change) => {
    if (change.what !== 'removed') return;
    for (const { id, key } of list.value) if (key === change.key) void discard(id).catch(() => undefined);
  });

  return {
    list,
    send(conversation, file, { text, thumbnail }) {
      checkFile(file);
      const id = encodeHex(crypto.randomBytes(16));
      const mediaType = plainMediaType(file.type);
      const { name, size } = file;
      const key = conversationKey(conversation);
      const about = { id, key, name, mediaType, size, done: 0, thumbnail, text };
      list.value = [...list.value, { ...about, state: 'encrypting', error: undefined }];
      beginnings.set(id, async (stop) => {
        change(id, { state: 'encrypting', error: undefined });
        const attachment = await uploadAttachment({
          store: outgoingStore(parts, files.capabilities.maxBlobBytes),
          source: file,
          name,
          mediaType,
          thumbnail,
          signal: stop,
        });
        stop.throwIfAborted();
        await keep(id, { key, text, attachment: encodeBase64(encodeAttachment(attachment)), references: [] });
        beginnings.delete(id);
        await transfer(id, stop);
      });
      retry(id);
    },
    retry,
    discard,
    async close() {
      closed = true;
      unsubscribe();
      globalThis.removeEventListener?.('online', onOnline);
      for (const giveUp of running.values()) giveUp.abort();
      await Promise.all(works.values());
    },
  };
}

function attachmentOf({ attachment }: Kept): Attachment {
  return decodeAttachment(decodeBase64(attachment));
}

function nameOfPart(reference: string): string {
  return reference.replace('kept:', '');
}

/** Bytes of the file in its first parts. */
function doneOf({ size, partSize }: Attachment, parts: number): number {
  return Math.min(size, parts * partSize);
}

async function areHere(parts: KeptParts, attachment: Attachment, from: number): Promise<boolean> {
  for (const { reference } of attachment.parts.slice(from))
    if ((await parts.get(nameOfPart(reference)).catch(() => undefined)) === undefined) return false;
  return true;
}

/** Whether the file is a message already: the page may have been closed before that was noted. */
async function wasSent(
  conversations: Conversations,
  conversation: Conversation,
  attachment: Uint8Array,
): Promise<boolean> {
  const latest = await conversations.entries(conversation, { limit: LOOKED_THROUGH });
  return latest.some(
    (entry) =>
      entry.kind === 'message' &&
      entry.content.kind === 'file' &&
      compareBytes(entry.content.attachment, attachment) === 0,
  );
}
