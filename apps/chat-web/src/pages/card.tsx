import { encodeContactCard, formatKeyText } from '@sotto/identity';
import { decodeContactCode } from '@sotto/protocol-codec';
import { useEffect, useState } from 'preact/hooks';
import { CopyButton } from '../components/copy-button.js';
import { Explained } from '../components/explained.js';
import { Identicon } from '../components/identicon.js';
import { Page } from '../components/page.js';
import { Published } from '../components/published.js';
import { QrCode } from '../components/qr-code.js';
import { crypto } from '../crypto.js';
import { findingSettings } from '../finding.js';
import { drawPicture, saveFile } from '../pictures.js';
import { formatRoute } from '../route.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';

/** What one shows or sends to people, so that they can write. */
export function Card() {
  const { identity, messenger } = useSession();
  const [code, setCode] = useState<string>();
  const task = useTask();
  useEffect(() => {
    void task.run(async () => setCode(await messenger.contacts.ownCode()));
  }, [messenger]);
  const { publicKey } = identity;
  const key = formatKeyText(crypto, publicKey, 'base58btc');
  const card =
    code === undefined
      ? undefined
      : encodeContactCard(crypto, { identity: publicKey, bundle: decodeContactCode(code) });
  return (
    <Page title="My card">
      <div class="own-card">
        <Identicon identity={publicKey} size="large" label="The picture of your key" />
        <p class="key">{key}</p>
        <a href={formatRoute({ page: 'settings', setting: 'profile' })}>Your name and picture</a>
        {card !== undefined && (
          <>
            <QrCode text={card} label="Your contact card as a QR code" />
            <p class="hint">
              Let someone scan this, or send it. It is not secret: anyone who has it can write to you. Verify
              afterwards that the right person got it.
            </p>
            <div class="row">
              <CopyButton text={card} label="Copy the card" />
              <CopyButton text={`${location.origin}${location.pathname}#${card}`} label="Copy a link" />
              <button
                type="button"
                onClick={() => void task.run(async () => saveFile('sotto-card.png', await drawPicture(card)))}
              >
                Save the picture
              </button>
            </div>
          </>
        )}
        <Explained error={task.error} />
        <HowFound />
        <details>
          <summary>For other programs</summary>
          <div class="row">
            <CopyButton text={key} label="Copy the key (zQ3sh…)" />
            <CopyButton
              text={formatKeyText(crypto, publicKey, 'uncompressed')}
              label="Copy the key (0x04…)"
            />
            {code !== undefined && <CopyButton text={code} label="Copy the contact code" />}
          </div>
        </details>
      </div>
    </Page>
  );
}

/** How others find this account without its card. */
function HowFound() {
  const { ownName, ipfsNode } = findingSettings();
  return (
    <section aria-labelledby="how-found">
      <h2 id="how-found">Found without the card</h2>
      {ownName !== '' && (
        <p>
          People can type <strong>{ownName}</strong>, once its records are set.
        </p>
      )}
      {ipfsNode !== '' ? (
        <p>
          Anyone who has only your key finds the newest card of all your devices, also while you are offline.
        </p>
      ) : (
        <p class="hint">
          Someone who has only your key finds your devices as long as the node keeps what they published.
        </p>
      )}
      <Published />
      <p>
        <a href={formatRoute({ page: 'settings' })}>Names and keys, in the settings</a>
      </p>
    </section>
  );
}
