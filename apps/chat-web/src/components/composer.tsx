import { conversationKey, excessCharacters } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSession } from '../session-context.js';
import { Attach } from './attach.js';
import { Explained } from './explained.js';
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
  const { conversations, writing } = useSession();
  const about = writing.value?.key === conversationKey(conversation) ? writing.value : undefined;
  const draft = useDraft(conversation);
  const [text, setText] = useState(draft.get);
  const [progress, setProgress] = useState<readonly [done: number, total: number]>();
  const [error, setError] = useState<unknown>();
  const area = useRef<HTMLTextAreaElement>(null);
  const excess = excessCharacters(text);

  useEffect(() => {
    // Where there is a keyboard anyway. On a phone it would cover what is to be read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus();
  }, []);

  useEffect(() => {
    if (about === undefined) return;
    const { what, message } = about;
    if (what === 'edit' && message.content.kind === 'text') setText(message.content.text);
    area.current?.focus();
  }, [about]);
  const cancel = () => {
    if (about?.what === 'edit') setText(draft.get());
    writing.value = undefined;
  };

  const send = async () => {
    const written = area.current?.value ?? '';
    if (written.trim() === '' || excessCharacters(written) > 0) return;
    setText('');
    setError(undefined);
    draft.sent();
    area.current?.focus();
    if (about?.what !== 'edit') onSend();
    const onProgress = (done: number, total: number) => setProgress([done, total]);
    try {
      if (about?.what === 'edit') await conversations.edit(conversation, about.message, written);
      else await conversations.send(conversation, written, { onProgress, replyTo: about?.message.reference });
      if (writing.value === about) writing.value = undefined;
    } catch (failure) {
      setError(failure);
      setText((since) => (since === '' ? written : since));
      draft.change(area.current?.value || written);
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
          <button type="button" aria-label="Write a message of its own" onClick={cancel}>
            ✕
          </button>
        </div>
      )}
      <div class="row">
        {conversation.kind !== 'public' && <Attach conversation={conversation} onSent={onSend} />}
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
          onKeyDown={(event) => {
            if (event.key === 'Escape' && about !== undefined) return cancel();
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void send();
          }}
        />
        <button type="submit" class="primary" disabled={excess > 0}>
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
