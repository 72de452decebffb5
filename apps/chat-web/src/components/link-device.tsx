import type { LinkProgress } from '@sotto/device-linking';
import { useEffect, useRef, useState } from 'preact/hooks';
import { cancelHandOver, linkDevice, unfinishedCode } from '../linking.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';
import { Area } from './field.js';
import { KeyToCompare } from './key-to-compare.js';
import { Scanner } from './scanner.js';

type Shown =
  | { readonly at: 'code' }
  | { readonly at: 'calling' }
  | { readonly at: 'question'; readonly name: string; answer(accepted: boolean): void }
  /** The user has confirmed it here, and not there yet. */
  | { readonly at: 'confirmed'; readonly name: string }
  | { readonly at: 'sending'; readonly progress: LinkProgress }
  | { readonly at: 'done'; readonly name: string };

/** The device that has the account: reads the code of a new one, and hands everything over. */
export function LinkDevice() {
  const session = useSession();
  const [shown, setShown] = useState<Shown>({ at: 'code' });
  const [text, setText] = useState('');
  const [unfinished, setUnfinished] = useState<string>();
  const task = useTask();
  const giveUp = useRef(new AbortController());
  useEffect(() => {
    void unfinishedCode(session).then(setUnfinished);
    return () => giveUp.current.abort();
  }, [session]);
  const link = async (code: string) => {
    giveUp.current = new AbortController();
    setShown({ at: 'calling' });
    const name = await linkDevice(session, code.trim(), {
      signal: giveUp.current.signal,
      confirm: (name) =>
        new Promise((resolve) => {
          const answer = (accepted: boolean) => {
            if (accepted) setShown({ at: 'confirmed', name });
            resolve(accepted);
          };
          setShown({ at: 'question', name, answer });
        }),
      onProgress: (progress) => setShown({ at: 'sending', progress }),
    });
    setUnfinished(undefined);
    setShown({ at: 'done', name });
  };
  const start = async (code: string) => {
    if (!(await task.run(() => link(code)))) setShown({ at: 'code' });
  };
  const cancel = async () => {
    await cancelHandOver(session.store);
    setUnfinished(undefined);
  };
  return (
    <section aria-labelledby="link">
      <h2 id="link">Link a new device</h2>
      {shown.at === 'code' && (
        <>
          {unfinished !== undefined && (
            <section class="notice" aria-label="Linking was interrupted">
              <p>Linking was interrupted.</p>
              <div class="row">
                <button type="button" disabled={task.busy} onClick={() => void start(unfinished)}>
                  Go on with it
                </button>
                <button type="button" disabled={task.busy} onClick={() => void task.run(cancel)}>
                  Cancel
                </button>
              </div>
            </section>
          )}
          <ol>
            <li>Open this page on the new device, and choose “I have another device”.</li>
            <li>It shows a code. Read it here: it brings your contacts, groups and messages there.</li>
          </ol>
          <Scanner onText={(code) => void start(code)} />
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void start(text);
            }}
          >
            <Area label="Or paste the code" value={text} onValue={setText} />
            <button type="submit" disabled={task.busy || text.trim() === ''}>
              Link
            </button>
          </form>
        </>
      )}
      {shown.at === 'calling' && <p role="status">Looking for the new device…</p>}
      {shown.at === 'question' && (
        <div class="confirm" role="alertdialog" aria-label="Is this your new device?">
          <p>
            <strong>{shown.name}</strong> shows this code. Is it your new device, in your hands? It will read
            all your messages and write in your name.
          </p>
          <button type="button" class="primary" onClick={() => shown.answer(true)}>
            Yes, link it
          </button>
          <button type="button" onClick={() => shown.answer(false)}>
            No
          </button>
        </div>
      )}
      {shown.at === 'confirmed' && (
        <>
          <p role="status">
            Confirm on {shown.name} as well: it has to show this picture and this key, which are yours.
          </p>
          <KeyToCompare identity={session.identity.publicKey} />
        </>
      )}
      {shown.at === 'sending' && (
        <p role="status">
          <progress value={shown.progress.done} max={shown.progress.total} aria-label="Sent" /> Keep this page
          open on both devices.
        </p>
      )}
      {shown.at === 'done' && <p role="status">{shown.name} is linked.</p>}
      <Explained error={task.error} />
    </section>
  );
}
