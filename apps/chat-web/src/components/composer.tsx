import { conversationKey, excessCharacters } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useRef, useState } from 'preact/hooks';
import { checkFile, type PictureType, pictureType } from '../files.js';
import { isStatusGroup } from '../group-changes.js';
import type { Session } from '../session.js';
import { useSession } from '../session-context.js';
import { INLINE_MAX_BYTES, smallPicture, withoutMetadata } from '../small-pictures.js';
import { useRevision } from '../use-revision.js';
import { Attach, ChosenFiles } from './attach.js';
import { Explained } from './explained.js';
import { Icon } from './icon.js';
import { QuotedMessage } from './quote.js';
import { HEADING_ID } from './screen.js';

/** A draft is stored when nothing was typed for so long, in milliseconds, and when the page is left. */
const STORE_DRAFT_AFTER_MS = 400;

interface ComposerProps {
  readonly conversation: Conversation;
  /** Called when a message is being sent, before it is stored. */
  onSend(): void;
}

/**
 * The input for messages. Enter sends, Shift+Enter breaks the line. Typing can go on while a message is being stored; a text
 * that could not be sent is restored. What was not sent is kept as a draft.
 */
export function Composer({ conversation, onSend }: ComposerProps) {
  const session = useSession();
  const { conversations, writing } = session;
  useRevision();
  const about = writing.value?.key === conversationKey(conversation) ? writing.value : undefined;
  const draft = useDraft(conversation);
  const [text, setText] = useState(draft.get);
  const [progress, setProgress] = useState<readonly [done: number, total: number]>();
  const [error, setError] = useState<unknown>();
  const area = useRef<HTMLTextAreaElement>(null);
  const excess = excessCharacters(text);
  const place = placeForFiles(session, conversation);
  const chosen = useChosenFiles(conversation, place);
  const [originals, setOriginals] = useState(false);

  // A draft may come from another device of ours, while nothing is typed here.
  const known = useRef(text);
  const stored = conversations.draft(conversation);
  useEffect(() => {
    if (!session.typed.has(conversationKey(conversation)) && text === known.current && about?.what !== 'edit')
      setText(stored);
    known.current = stored;
  }, [stored]);

  useEffect(() => {
    // Where there is a keyboard anyway. On a phone it would cover what is to be read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus();
  }, []);

  useEffect(() => {
    if (about === undefined) return;
    const { what, message } = about;
    if (what === 'edit' && message.content.kind === 'text') setText(message.content.text);
    area.current?.focus();
    // What it is about may disappear.
    return conversations.subscribe((change) => {
      if (change.what !== 'conversation' || change.key !== about.key) return;
      if (change.numbers?.includes(message.number) === false) return;
      conversations.entries(conversation, { from: message.number, limit: 1 }).then(
        ([entry]) => (entry?.number === message.number ? undefined : cancel()),
        () => undefined,
      );
    });
  }, [about]);
  const cancel = () => {
    if (about?.what === 'edit') setText(draft.get());
    writing.value = undefined;
  };

  const send = async () => {
    const written = area.current?.value ?? '';
    const { files } = chosen;
    const isEmpty = written.trim() === '';
    if ((isEmpty && files.length === 0) || excessCharacters(written) > 0) return;
    setText('');
    setError(undefined);
    draft.sent();
    chosen.set([]);
    area.current?.focus();
    if (about?.what !== 'edit') onSend();
    const onProgress = (done: number, total: number) => setProgress([done, total]);
    let unsent = files;
    // A reply is a text of its own; otherwise the first file has it.
    let caption = about === undefined ? written : '';
    try {
      if (about?.what === 'edit') await conversations.edit(conversation, about.message, written);
      else if (!isEmpty && (files.length === 0 || about !== undefined))
        await conversations.send(conversation, written, { onProgress, replyTo: about?.message.reference });
      if (writing.value === about) writing.value = undefined;
      for (const file of files) {
        await sendFile(session, conversation, { file, originals, text: caption.trim() });
        caption = '';
        unsent = unsent.slice(1);
      }
      if (files.length > 0) void conversations.setDraft(conversation, '').catch(() => undefined);
    } catch (failure) {
      setError(failure);
      chosen.set(unsent);
      const back = about === undefined ? (files.length > 0 ? caption : written) : written;
      setText((since) => (since === '' ? back : since));
      draft.change(area.current?.value || back);
    }
    setProgress(undefined);
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Explained error={error} />
      <p class="error" role="status">
        {excess > 0 &&
          `Too long by ${excess.toLocaleString()} ${excess === 1 ? 'character' : 'characters'}. Shorten it, or send it in parts.`}
      </p>
      {about !== undefined && (
        <div class="about">
          <blockquote class="quote">
            <span class="hint">{about.what === 'reply' ? 'Reply to' : 'Change'}</span>{' '}
            <QuotedMessage message={about.message} />
          </blockquote>
          <button type="button" class="round" aria-label="Write a message of its own" onClick={cancel}>
            <Icon name="close" />
          </button>
        </div>
      )}
      {chosen.files.length > 0 && (
        <ChosenFiles
          files={chosen.files}
          originals={originals}
          onOriginals={setOriginals}
          onRemove={(file) => chosen.set(chosen.files.filter((other) => other !== file))}
        />
      )}
      <Explained error={chosen.error} />
      <div class="row">
        {place !== 'none' && about?.what !== 'edit' && (
          <Attach picturesOnly={place === 'inside'} onChosen={chosen.add} />
        )}
        <textarea
          ref={area}
          aria-label="Message"
          aria-describedby={HEADING_ID}
          aria-invalid={excess > 0}
          placeholder="Message"
          rows={1}
          dir="auto"
          enterkeyhint="send"
          value={text}
          onInput={({ currentTarget: { value } }) => {
            setText(value);
            draft.change(value);
          }}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0 || place === 'none') return;
            event.preventDefault();
            chosen.add(files);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape' && about !== undefined) return cancel();
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void send();
          }}
        />
        <button type="submit" class="primary send" disabled={excess > 0}>
          {progress && progress[1] > 8 ? `${progress[0]} of ${progress[1]}` : 'Send'}
        </button>
      </div>
    </form>
  );
}

/** What is typed, kept at once in memory, and stored a moment later and when the page is left. */
function useDraft(conversation: Conversation) {
  const { conversations, typed } = useSession();
  const key = conversationKey(conversation);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const store = () => {
    clearTimeout(timer.current);
    const text = typed.get(key);
    if (text === undefined) return;
    typed.delete(key);
    // One that is too long is only on the screen; a store that was just closed keeps what it has.
    void conversations.setDraft(conversation, text).catch(() => undefined);
  };
  useEffect(() => {
    const onHidden = () => document.visibilityState === 'hidden' && store();
    document.addEventListener('visibilitychange', onHidden);
    addEventListener('pagehide', store);
    return () => {
      document.removeEventListener('visibilitychange', onHidden);
      removeEventListener('pagehide', store);
      store();
    };
  }, []);
  return {
    /** The text that is there when the page appears. */
    get: () => typed.get(key) ?? conversations.draft(conversation),
    change(text: string) {
      clearTimeout(timer.current);
      typed.set(key, text);
      timer.current = setTimeout(store, STORE_DRAFT_AFTER_MS);
    },
    /** The text is a message now, whose commit deletes the draft. */
    sent() {
      clearTimeout(timer.current);
      typed.delete(key);
    },
  };
}

/** Files that are sent with one message. */
const MOST_FILES = 10;

/** What can be sent in a conversation beside texts: any file, pictures inside a message, or nothing. */
type FilePlace = 'files' | 'inside' | 'none';

function placeForFiles({ conversations, withPictures }: Session, conversation: Conversation): FilePlace {
  const isOfStatus = isStatusGroup(conversations.get(conversation)?.group);
  if (conversation.kind !== 'public' && !isOfStatus) return 'files';
  return withPictures ? 'inside' : 'none';
}

/** The files that are chosen for the next message. They stay chosen while one looks elsewhere. */
function useChosenFiles(conversation: Conversation, place: FilePlace) {
  const { chosen } = useSession();
  const key = conversationKey(conversation);
  const [files, setFiles] = useState(chosen.get(key) ?? []);
  const [error, setError] = useState<unknown>();
  const set = (next: readonly File[]) => {
    chosen.set(key, next);
    setFiles(next);
    setError(undefined);
  };
  const add = (more: readonly File[]) => {
    const all = [...(chosen.get(key) ?? []), ...more];
    set(all.slice(0, MOST_FILES));
    try {
      if (all.length > MOST_FILES) throw new TypeError(`Up to ${MOST_FILES} files can be sent at once.`);
      more.forEach(checkFile);
      if (place === 'inside' && more.some(({ type }) => pictureType(type) === undefined))
        throw new TypeError('Only pictures can be sent here.');
    } catch (failure) {
      set(all.filter((file) => !more.includes(file)));
      setError(failure);
    }
  };
  useEffect(() => {
    // Dropped beside this, a file would open instead of the page.
    const onDragOver = (event: DragEvent) => event.preventDefault();
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      const dropped = [...(event.dataTransfer?.files ?? [])];
      if (dropped.length > 0 && place !== 'none') add(dropped);
    };
    document.addEventListener('dragover', onDragOver);
    document.addEventListener('drop', onDrop);
    return () => {
      document.removeEventListener('dragover', onDragOver);
      document.removeEventListener('drop', onDrop);
    };
  }, [key, place]);
  return { files, error, add, set };
}

interface FileToSend {
  readonly file: File;
  readonly originals: boolean;
  readonly text: string;
}

/** Sends a file: a small picture inside a message where Status clients know that, everything else by way of the node. */
async function sendFile(session: Session, conversation: Conversation, { file, originals, text }: FileToSend) {
  const { conversations, outgoing, withPictures } = session;
  const plain = originals ? file : await withoutMetadata(file);
  const thumbnail = await smallPicture(plain);
  const isInside = placeForFiles(session, conversation) === 'inside';
  const timer = conversations.get(conversation)?.disappearing;
  const fits = plain.size <= INLINE_MAX_BYTES && timer === undefined;
  if (thumbnail !== undefined && withPictures && (isInside || fits)) {
    const mediaType = thumbnail.mediaType as PictureType;
    await conversations.sendPicture(conversation, { picture: thumbnail.content, mediaType, text });
  } else if (isInside) throw new TypeError("This picture can't be made small enough to be sent here.");
  else outgoing.send(conversation, plain, { text, thumbnail });
}
