import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { describedFile, fetchFile, sizeOf } from '../files.js';
import { saveFile } from '../pictures.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';

/** A file of a message: its name and size, and a button that fetches and saves it. */
export function FileOfMessage({ attachment }: { readonly attachment: Uint8Array }) {
  const session = useSession();
  const file = useMemo(() => describedFile(attachment), [attachment]);
  const [done, setDone] = useState(0);
  const task = useTask();
  const giveUp = useRef(new AbortController());
  useEffect(() => () => giveUp.current.abort(), []);
  if (file === undefined) {
    return (
      <p>
        <em>A file that this app can't read.</em>
      </p>
    );
  }
  const name = file.name || 'file';
  const save = async () => {
    giveUp.current = new AbortController();
    setDone(0);
    saveFile(name, await fetchFile(session, file, setDone, giveUp.current.signal));
  };
  return (
    <div class="file">
      <p>
        <bdi>{name}</bdi> <span class="hint">{sizeOf(file.size)}</span>
      </p>
      {task.busy ? (
        <p role="status">
          <progress value={done} max={Math.max(1, file.size)} aria-label="Fetched" />{' '}
          <button type="button" onClick={() => giveUp.current.abort()}>
            Stop
          </button>
        </p>
      ) : (
        <button type="button" aria-label={`Save ${name}`} onClick={() => void task.run(save)}>
          Save
        </button>
      )}
      <Explained error={task.error} />
    </div>
  );
}
