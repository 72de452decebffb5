import type { Conversation } from '@sotto/messenger';
import { useEffect, useRef, useState } from 'preact/hooks';
import { sendFile, sizeOf } from '../files.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';

interface AttachProps {
  readonly conversation: Conversation;
  /** Called when the message was stored. */
  onSent(): void;
}

/** Sends a file: chosen, encrypted, stored at the node, then sent as a message. */
export function Attach({ conversation, onSent }: AttachProps) {
  const session = useSession();
  const [progress, setProgress] = useState<readonly [done: number, total: number]>();
  const input = useRef<HTMLInputElement>(null);
  const task = useTask();
  const giveUp = useRef(new AbortController());
  useEffect(() => () => giveUp.current.abort(), []);
  const send = async (file: File) => {
    giveUp.current = new AbortController();
    setProgress([0, file.size]);
    try {
      const onProgress = (done: number, total: number) => setProgress([done, total]);
      await sendFile(session, conversation, file, onProgress, giveUp.current.signal);
      onSent();
    } finally {
      setProgress(undefined);
    }
  };
  return (
    <div class="attach">
      <input
        ref={input}
        class="sr-only"
        type="file"
        tabIndex={-1}
        aria-label="File to send"
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          currentTarget.value = '';
          if (file) void task.run(() => send(file));
        }}
      />
      {progress === undefined ? (
        <button type="button" disabled={task.busy} onClick={() => input.current?.click()}>
          <span aria-hidden="true">📎</span>
          <span class="sr-only">Send a file</span>
        </button>
      ) : (
        <p role="status">
          <progress value={progress[0]} max={Math.max(1, progress[1])} aria-label="Sent" />{' '}
          {`${sizeOf(progress[0])} of ${sizeOf(progress[1])}`}{' '}
          <button type="button" onClick={() => giveUp.current.abort()}>
            Stop
          </button>
        </p>
      )}
      <Explained error={task.error} />
    </div>
  );
}
