import type { AccountOffer, LinkProgress } from '@sotto/device-linking';
import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../components/copy-button.js';
import { Explained } from '../components/explained.js';
import { KeyToCompare } from '../components/key-to-compare.js';
import { NewPassphrase } from '../components/new-passphrase.js';
import { QrCode } from '../components/qr-code.js';
import { Screen } from '../components/screen.js';
import { linkAccount } from '../state.js';
import { useTask } from '../use-task.js';

type Shown =
  | { readonly at: 'passphrase' }
  | { readonly at: 'starting' }
  | { readonly at: 'code'; readonly code: string }
  | { readonly at: 'read'; readonly oldDevice: string }
  | { readonly at: 'offer'; readonly offer: AccountOffer; answer(accepted: boolean): void }
  | { readonly at: 'receiving'; readonly progress: LinkProgress };

/** The new device: chooses a passphrase, shows a code, and receives everything from the device that reads it. */
export function LinkThisDevice({ onBack }: { readonly onBack: () => void }) {
  const [shown, setShown] = useState<Shown>({ at: 'passphrase' });
  const task = useTask();
  const giveUp = useRef(new AbortController());
  useEffect(() => () => giveUp.current.abort(), []);
  const link = (passphrase: string) => {
    giveUp.current = new AbortController();
    setShown({ at: 'starting' });
    return linkAccount(passphrase, {
      signal: giveUp.current.signal,
      onCode: (code) => setShown({ at: 'code', code }),
      onRead: (oldDevice) => setShown({ at: 'read', oldDevice }),
      confirm: (offer) => new Promise((answer) => setShown({ at: 'offer', offer, answer })),
      onProgress: (progress) => setShown({ at: 'receiving', progress }),
    });
  };
  const start = async (passphrase: string) => {
    if (!(await task.run(() => link(passphrase)))) setShown({ at: 'passphrase' });
  };
  return (
    <Screen title="Link this device" step={[shown.at === 'passphrase' ? 1 : shown.at === 'code' ? 2 : 3, 3]}>
      <Step shown={shown} busy={task.busy} onPassphrase={(passphrase) => void start(passphrase)} />
      <Explained error={task.error} />
      <button type="button" onClick={onBack}>
        {shown.at === 'passphrase' ? 'Back' : 'Cancel'}
      </button>
    </Screen>
  );
}

interface StepProps {
  readonly shown: Shown;
  readonly busy: boolean;
  onPassphrase(passphrase: string): void;
}

function Step({ shown, busy, onPassphrase }: StepProps) {
  switch (shown.at) {
    case 'passphrase':
      return (
        <>
          <p>
            Account, contacts, groups and messages come from the device that you have. First choose what locks
            this browser: it is asked for each time you open this page.
          </p>
          <NewPassphrase action="Show the code" busy={busy} onChosen={onPassphrase} />
        </>
      );
    case 'starting':
      return <p role="status">Getting a code…</p>;
    case 'code':
      return (
        <>
          <p>
            On the device that you have, open “Devices”, then “Link a new device”, and read this code there.
            Show it to nobody else.
          </p>
          <QrCode text={shown.code} label="Code of this device" />
          <CopyButton text={shown.code} label="Copy the code" />
          <details>
            <summary>The code as text</summary>
            <p>
              <code class="link-code">{shown.code}</code>
            </p>
          </details>
        </>
      );
    case 'read':
      return (
        <p role="status">{shown.oldDevice} has read the code. Confirm there that this is your new device.</p>
      );
    case 'offer': {
      const { offer, answer } = shown;
      return (
        <section aria-label="Is this your account?">
          <p>
            {offer.deviceName} offers this account. Is it yours? Your other device has to show this picture
            and this key: now under “Link a new device”, and always on “My card”.
          </p>
          <KeyToCompare identity={offer.identity} />
          <div class="row">
            <button type="button" class="primary" onClick={() => answer(true)}>
              Yes, it is my account
            </button>
            <button type="button" class="danger" onClick={() => answer(false)}>
              No
            </button>
          </div>
        </section>
      );
    }
    case 'receiving': {
      const { done, total } = shown.progress;
      return (
        <p role="status">
          <progress value={done} max={total} aria-label="Received" />{' '}
          {done < total ? `${Math.floor((100 * done) / total)} % received` : 'Opening the account…'}
        </p>
      );
    }
  }
}
