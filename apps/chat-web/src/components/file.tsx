import type { Attachment } from '@sotto/attachments';
import type { Message } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { describedFile, fetchFile, pictureType, sizeOf, thumbnailOf } from '../files.js';
import { saveFile } from '../pictures.js';
import { useSession } from '../session-context.js';
import { usePerson } from '../use-revision.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';
import { Icon } from './icon.js';
import { Picture } from './picture.js';

/** Pictures of contacts without a small one are fetched when they are seen, up to so many bytes. Those of others wait until they are asked for. */
const FETCHED_UNASKED_MAX_BYTES = 1_000_000;

interface FileProps {
  readonly conversation: Conversation;
  readonly message: Message;
  readonly attachment: Uint8Array;
}

/** A file of a message: a picture to look at, or its name and size, and a button that fetches and saves it. */
export function FileOfMessage({ conversation, message, attachment }: FileProps) {
  const session = useSession();
  const file = useMemo(() => describedFile(attachment), [attachment]);
  const preview = useMemo(() => file && thumbnailOf(file), [file]);
  const { contact } = usePerson(message.sender);
  if (file === undefined) {
    return (
      <p>
        <em>A file that this app can't read.</em>
      </p>
    );
  }
  const type = pictureType(file.mediaType);
  if (type === undefined) return <OtherFile file={file} />;
  // Of people one doesn't know, not even small pictures are decoded unasked.
  const isKnown = message.own || session.conversations.get(conversation)?.request !== true;
  const isWhole = preview !== undefined && preview.size === file.size && preview.type === type;
  return (
    <Picture
      name={file.name}
      size={file.size}
      preview={isKnown ? preview : undefined}
      fetchWhenSeen={
        preview === undefined && (message.own || contact) && file.size <= FETCHED_UNASKED_MAX_BYTES
      }
      fetch={async (onProgress, stop) =>
        isWhole ? preview : fetchFile(session.files, file, type, onProgress, stop)
      }
    />
  );
}

function OtherFile({ file }: { readonly file: Attachment }) {
  const { files } = useSession();
  const [done, setDone] = useState(0);
  const task = useTask();
  const giveUp = useRef(new AbortController());
  useEffect(() => () => giveUp.current.abort(), []);
  const name = file.name || 'file';
  const save = async () => {
    giveUp.current = new AbortController();
    setDone(0);
    const { signal } = giveUp.current;
    try {
      saveFile(name, await fetchFile(files, file, 'application/octet-stream', setDone, signal));
    } catch (error) {
      // Stopped on purpose: nothing to explain. What was fetched is kept, and the next time goes on from there.
      if (!signal.aborted) throw error;
    }
  };
  return (
    <div class="file">
      <Icon name="file" />
      <div>
        <p class="file-name">
          <bdi>{name}</bdi> <span class="hint">{sizeOf(file.size)}</span>
        </p>
        {task.busy && (
          <p role="status" class="progress">
            <progress value={done} max={Math.max(1, file.size)} aria-label="Fetched" />{' '}
            <span class="hint">{sizeOf(done)}</span>
          </p>
        )}
        <Explained error={task.error} />
      </div>
      {task.busy ? (
        <button type="button" onClick={() => giveUp.current.abort()}>
          Stop
        </button>
      ) : (
        <button type="button" aria-label={`Save ${name}`} onClick={() => void task.run(save)}>
          Save
        </button>
      )}
    </div>
  );
}
