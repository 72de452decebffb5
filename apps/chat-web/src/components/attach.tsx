import { useRef } from 'preact/hooks';
import { sizeOf } from '../files.js';
import { useObjectUrl } from '../use-object-url.js';
import { Icon } from './icon.js';

interface AttachProps {
  /** Whether only pictures can be sent here. */
  readonly picturesOnly: boolean;
  onChosen(files: readonly File[]): void;
}

/** The button that chooses files. They are sent with the next message. */
export function Attach({ picturesOnly, onChosen }: AttachProps) {
  const input = useRef<HTMLInputElement>(null);
  const label = picturesOnly ? 'Send a picture' : 'Send a file';
  return (
    <>
      <input
        ref={input}
        class="sr-only"
        type="file"
        multiple
        accept={picturesOnly ? 'image/*' : undefined}
        tabIndex={-1}
        aria-label="File to send"
        onChange={({ currentTarget }) => {
          const files = [...(currentTarget.files ?? [])];
          currentTarget.value = '';
          if (files.length > 0) onChosen(files);
        }}
      />
      <button
        type="button"
        class="round"
        aria-label={label}
        title={label}
        onClick={() => input.current?.click()}
      >
        <Icon name="attach" />
      </button>
    </>
  );
}

interface ChosenProps {
  readonly files: readonly File[];
  /** Whether photographs are sent with all that the camera wrote into them. */
  readonly originals: boolean;
  onOriginals(originals: boolean): void;
  onRemove(file: File): void;
}

/** The files that will be sent. */
export function ChosenFiles({ files, originals, onOriginals, onRemove }: ChosenProps) {
  return (
    <div class="chosen">
      <ul>
        {files.map((file, i) => (
          <Chosen key={`${i}-${file.name}`} file={file} onRemove={() => onRemove(file)} />
        ))}
      </ul>
      {files.some(({ type }) => type === 'image/jpeg') && (
        <label class="choice">
          <input
            type="checkbox"
            checked={originals}
            onChange={({ currentTarget }) => onOriginals(currentTarget.checked)}
          />
          Original file: also tells where and when the photograph was taken
        </label>
      )}
    </div>
  );
}

function Chosen({ file, onRemove }: { readonly file: File; onRemove(): void }) {
  const url = useObjectUrl(
    file.type.startsWith('image/') && file.type !== 'image/svg+xml' ? file : undefined,
  );
  return (
    <li>
      {url === undefined ? <Icon name="file" /> : <img src={url} alt="" />}
      <span class="file-name">
        <bdi>{file.name}</bdi> <span class="hint">{sizeOf(file.size)}</span>
      </span>
      <button type="button" class="round" aria-label={`Remove ${file.name}`} onClick={onRemove}>
        <Icon name="close" />
      </button>
    </li>
  );
}
