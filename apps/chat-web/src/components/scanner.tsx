import { useEffect, useRef, useState } from 'preact/hooks';
import { readFrame, readPicture } from '../pictures.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';

/** How often the camera's picture is looked at. */
const LOOK_EVERY_MS = 200;

/** Reads a QR code from a picture file or, where there is one, from the camera. */
export function Scanner({ onText }: { readonly onText: (text: string) => void }) {
  const [camera, setCamera] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const task = useTask();
  const canFilm = navigator.mediaDevices?.getUserMedia !== undefined;
  return (
    <div class="scanner">
      <div class="row">
        <button type="button" disabled={task.busy} onClick={() => file.current?.click()}>
          {task.busy ? 'Looking…' : 'Read from a picture'}
        </button>
        <input
          ref={file}
          class="sr-only"
          type="file"
          accept="image/*"
          tabIndex={-1}
          aria-label="Picture with a QR code"
          onChange={({ currentTarget }) => {
            const [picture] = currentTarget.files ?? [];
            currentTarget.value = '';
            if (picture) void task.run(async () => onText(await readPicture(picture)));
          }}
        />
        {canFilm && (
          <button type="button" aria-pressed={camera} onClick={() => setCamera(!camera)}>
            {camera ? 'Stop the camera' : 'Use the camera'}
          </button>
        )}
      </div>
      <Explained error={task.error} />
      {camera && (
        <Camera
          onText={(text) => {
            setCamera(false);
            onText(text);
          }}
        />
      )}
    </div>
  );
}

function Camera({ onText }: { readonly onText: (text: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [refused, setRefused] = useState<unknown>();
  useEffect(() => {
    const canvas = new OffscreenCanvas(1, 1);
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    let over = false;
    const look = () => {
      const text = video.current && readFrame(video.current, canvas);
      if (typeof text === 'string' && !over) onText(text);
    };
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: 'environment' } })
      .then(async (opened) => {
        stream = opened;
        if (over || video.current === null) return end();
        video.current.srcObject = opened;
        await video.current.play();
        timer = setInterval(look, LOOK_EVERY_MS);
      })
      .catch((error: unknown) => {
        end();
        setRefused(new TypeError(whyNot(error)));
      });
    const end = () => {
      over = true;
      clearInterval(timer);
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    return end;
  }, []);
  if (refused !== undefined) return <Explained error={refused} />;
  return <video class="camera" ref={video} muted playsInline aria-label="What the camera sees" />;
}

function whyNot(error: unknown): string {
  switch ((error as Partial<DOMException>).name) {
    case 'NotAllowedError':
      return 'The browser does not let this page use the camera. Allow it in the settings of the browser for this page, or read the code from a picture.';
    case 'NotFoundError':
      return 'No camera was found. Read the code from a picture instead.';
    case 'NotReadableError':
      return 'The camera is in use by another program. Close that, or read the code from a picture.';
    default:
      return 'The camera cannot be used. Read the code from a picture instead.';
  }
}
