import type { Conversation } from '@sotto/messenger';
import { useRef, useState } from 'preact/hooks';
import { useSession } from '../session-context.js';
import { Explained } from './explained.js';

/**
 * The input for messages. Enter sends, Shift+Enter breaks the line. Typing can go on while a message is being stored; a text
 * that could not be sent is restored.
 */
export function Composer({ conversation }: { readonly conversation: Conversation }) {
  const { conversations } = useSession();
  const [text, setText] = useState('');
  const [progress, setProgress] = useState<readonly [done: number, total: number]>();
  const [error, setError] = useState<unknown>();
  const area = useRef<HTMLTextAreaElement>(null);
  const send = async () => {
    const written = area.current?.value ?? '';
    if (written.trim() === '') return;
    setText('');
    setError(undefined);
    area.current?.focus();
    const onProgress = (done: number, total: number) => setProgress([done, total]);
    try {
      await conversations.send(conversation, written, { onProgress });
    } catch (failure) {
      setError(failure);
      setText((since) => (since === '' ? written : since));
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
      <div class="row">
        <textarea
          ref={area}
          aria-label="Message"
          placeholder="Message"
          rows={1}
          dir="auto"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void send();
          }}
        />
        <button type="submit" class="primary">
          {progress && progress[1] > 8 ? `${progress[0]} of ${progress[1]}` : 'Send'}
        </button>
      </div>
    </form>
  );
}
