import { useEffect, useRef, useState } from 'preact/hooks';
import { sizeOf } from '../files.js';
import { saveFile } from '../pictures.js';
import { useObjectUrl } from '../use-object-url.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';
import { Icon } from './icon.js';

interface PictureProps {
  /** Empty when it has none. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** What is shown without asking for anything, if there is something. */
  readonly preview: Blob | undefined;
  /** Whether it may be fetched as soon as it is seen. */
  readonly fetchWhenSeen?: boolean;
  /** The picture itself. */
  fetch(onProgress: (done: number) => void, stop: AbortSignal): Promise<Blob>;
}

/** A picture in a message: small, in a frame of fixed size, so that nothing moves when it comes; pressed, it fills the screen. */
export function Picture({ name, size, preview, fetchWhenSeen = false, fetch }: PictureProps) {
  const [whole, setWhole] = useState<Blob>();
  const [open, setOpen] = useState(false);
  const [done, setDone] = useState(0);
  const [isBroken, setBroken] = useState(false);
  const frame = useRef<HTMLButtonElement>(null);
  const giveUp = useRef(new AbortController());
  const task = useTask();
  const url = useObjectUrl(preview ?? whole);
  useEffect(() => () => giveUp.current.abort(), []);

  const load = () => {
    giveUp.current = new AbortController();
    setDone(0);
    return task.run(async () => setWhole(await fetch(setDone, giveUp.current.signal)));
  };
  useEffect(() => {
    const { current } = frame;
    if (!fetchWhenSeen || whole !== undefined || current === null) return;
    const observer = new IntersectionObserver(([entry]) => {
      if (!entry?.isIntersecting) return;
      observer.disconnect();
      void load();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [fetchWhenSeen]);

  const label = name === '' ? 'picture' : name;
  return (
    <>
      <button
        type="button"
        ref={frame}
        class="picture-frame"
        aria-label={`Open ${label}`}
        onClick={() => {
          setOpen(true);
          if (whole === undefined) void load();
        }}
      >
        {url !== undefined && !isBroken ? (
          <img src={url} alt="" onError={() => setBroken(true)} />
        ) : (
          <span class="no-preview">
            <Icon name="picture" />
            {isBroken ? "This app can't show it" : 'Show the picture'}
          </span>
        )}
      </button>
      <p class="file-name">
        {name !== '' && <bdi>{name}</bdi>} <span class="hint">{sizeOf(size)}</span>
      </p>
      {!open && <Explained error={task.error} />}
      {open && (
        <Viewer
          name={label}
          picture={whole}
          preview={preview}
          progress={[done, size]}
          error={task.error}
          onRetry={() => void load()}
          onClose={() => {
            giveUp.current.abort();
            setOpen(false);
          }}
        />
      )}
    </>
  );
}

interface ViewerProps {
  readonly name: string;
  /** `undefined` while it is being fetched. */
  readonly picture: Blob | undefined;
  readonly preview: Blob | undefined;
  readonly progress: readonly [done: number, total: number];
  readonly error: unknown;
  onRetry(): void;
  onClose(): void;
}

/** A picture over the whole page. */
function Viewer({ name, picture, preview, progress, error, onRetry, onClose }: ViewerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBroken, setBroken] = useState(false);
  const url = useObjectUrl(picture ?? preview);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard, Escape and the button close it
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={name}
      onClose={onClose}
      onClick={({ target }) => target === dialog.current && dialog.current?.close()}
    >
      <header>
        <bdi>{name}</bdi>
        {picture !== undefined && (
          <button type="button" onClick={() => saveFile(name, picture)}>
            Save
          </button>
        )}
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {error !== undefined ? (
        <div class="failure">
          <Explained error={error} />
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        </div>
      ) : isBroken ? (
        <p>This app can't show this picture. You can save it, and open it elsewhere.</p>
      ) : (
        url !== undefined && (
          <img
            class={picture === undefined ? 'blurred' : ''}
            src={url}
            alt={name}
            onError={() => setBroken(true)}
          />
        )
      )}
      {picture === undefined && error === undefined && (
        <p role="status">
          <progress value={progress[0]} max={Math.max(1, progress[1])} aria-label="Fetched" />{' '}
          {sizeOf(progress[0])} of {sizeOf(progress[1])}
        </p>
      )}
    </dialog>
  );
}
