import { conversationKey } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useMemo } from 'preact/hooks';
import { sizeOf, thumbnailOf } from '../files.js';
import type { OutgoingFile } from '../outgoing-files.js';
import { useSession } from '../session-context.js';
import { useObjectUrl } from '../use-object-url.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';
import { Icon } from './icon.js';

const WORDS: Readonly<Record<OutgoingFile['state'], string>> = {
  encrypting: 'Encrypting…',
  sending: 'Sending…',
  waiting: "The place where files are kept can't be reached. It goes on by itself.",
  failed: '',
};

/** The files of a conversation that aren't messages yet, below its messages. */
export function OutgoingFilesOf({ conversation }: { readonly conversation: Conversation }) {
  const { outgoing } = useSession();
  const key = conversationKey(conversation);
  return (
    <>
      {outgoing.list.value
        .filter((one) => one.key === key)
        .map((one) => (
          <Outgoing key={one.id} file={one} />
        ))}
    </>
  );
}

function Outgoing({ file }: { readonly file: OutgoingFile }) {
  const { outgoing } = useSession();
  const { id, name, size, done, thumbnail, state, error, text } = file;
  const preview = useMemo(() => thumbnailOf({ thumbnail }), [thumbnail]);
  const url = useObjectUrl(preview);
  const task = useTask();
  return (
    <div class={`bubble own first last outgoing ${state}`}>
      {preview !== undefined && (
        <span class="picture-frame">{url !== undefined && <img src={url} alt="" />}</span>
      )}
      <div class="file">
        {preview === undefined && <Icon name="file" />}
        <div>
          <p class="file-name">
            <bdi>{name}</bdi> <span class="hint">{sizeOf(size)}</span>
          </p>
        </div>
        {state !== 'failed' && (
          <button
            type="button"
            aria-label={`Cancel ${name}`}
            onClick={() => void task.run(() => outgoing.discard(id))}
          >
            Cancel
          </button>
        )}
      </div>
      {state !== 'failed' && (
        <div class="progress">
          <progress value={done} max={Math.max(1, size)} aria-label={`Sent of ${name}`} />
          <span class="hint" role="status">
            {WORDS[state]}
          </span>
        </div>
      )}
      {text !== '' && <p dir="auto">{text}</p>}
      {state === 'failed' && (
        <div class="failure">
          <Explained error={error} />
          <div class="row">
            <button type="button" onClick={() => outgoing.retry(id)}>
              Try again
            </button>
            <button type="button" onClick={() => void task.run(() => outgoing.discard(id))}>
              Delete
            </button>
          </div>
        </div>
      )}
      <Explained error={task.error} />
    </div>
  );
}
