import { encodeHex } from '@sotto/core';
import { backupFileName, exportBackup } from '@sotto/messenger/backup';
import { useEffect, useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { NewPassphrase } from '../components/new-passphrase.js';
import { Page } from '../components/page.js';
import { PersonName } from '../components/person-name.js';
import { nodeAddress, setNodeAddress } from '../config.js';
import { saveFile } from '../pictures.js';
import { crypto } from '../session.js';
import { useSession } from '../session-context.js';
import { lock, phase, removeAccount } from '../state.js';
import { useTask } from '../use-task.js';

export function Settings() {
  return (
    <Page title="Settings">
      <Backup />
      <Passphrase />
      <BlockedPeople />
      <Node />
      <Storage />
    </Page>
  );
}

function Backup() {
  const { store, identity } = useSession();
  const [open, setOpen] = useState(false);
  const [progress, setProgress] = useState<{ readonly done: number; readonly total: number | undefined }>();
  const task = useTask();
  const save = async (passphrase: string) => {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const backup = exportBackup({ store, identity, passphrase, crypto, onProgress: setProgress });
    for await (const chunk of backup) chunks.push(Uint8Array.from(chunk));
    saveFile(backupFileName(identity), new Blob(chunks));
    setOpen(false);
  };
  return (
    <section aria-labelledby="backup">
      <h2 id="backup">Backup</h2>
      <p>
        One encrypted file with your account, contacts, groups and all messages. Restored elsewhere, it
        becomes a device of its own.
      </p>
      {open ? (
        <NewPassphrase
          action={task.busy ? 'Saving…' : 'Save the backup'}
          busy={task.busy}
          onChosen={(passphrase) => void task.run(() => save(passphrase))}
        />
      ) : (
        <button type="button" onClick={() => setOpen(true)}>
          Make a backup
        </button>
      )}
      {progress !== undefined && (
        <p role="status">
          <progress max={progress.total ?? 1} value={progress.done} aria-label="Records saved" />{' '}
          {task.busy ? `${progress.done} of ${progress.total} records` : `Saved ${progress.done} records.`}
        </p>
      )}
      <Explained error={task.error} />
    </section>
  );
}

function Passphrase() {
  const { store } = useSession();
  const [open, setOpen] = useState(false);
  const [changed, setChanged] = useState(false);
  const task = useTask();
  const change = async (passphrase: string) => {
    await store.changePassphrase(passphrase);
    setOpen(false);
    setChanged(true);
  };
  return (
    <section aria-labelledby="passphrase">
      <h2 id="passphrase">Passphrase</h2>
      {open ? (
        <NewPassphrase
          action={task.busy ? 'Changing…' : 'Change it'}
          busy={task.busy}
          onChosen={(passphrase) => void task.run(() => change(passphrase))}
        />
      ) : (
        <div class="row">
          <button type="button" onClick={() => setOpen(true)}>
            Change the passphrase
          </button>
          <button type="button" onClick={() => void lock()}>
            Lock now
          </button>
        </div>
      )}
      <p role="status">{changed && 'Changed.'}</p>
      <Explained error={task.error} />
    </section>
  );
}

function BlockedPeople() {
  const { conversations, revision } = useSession();
  void revision.value;
  const task = useTask();
  const blocked = conversations.blocked();
  if (blocked.length === 0) return null;
  return (
    <section aria-labelledby="blocked">
      <h2 id="blocked">Blocked people</h2>
      <ul class="lines">
        {blocked.map(({ identity }) => (
          <li key={encodeHex(identity)} class="member">
            <Identicon identity={identity} />
            <PersonName identity={identity} />
            <span class="row">
              <button
                type="button"
                disabled={task.busy}
                onClick={() => void task.run(() => conversations.unblock(identity))}
              >
                Unblock
              </button>
            </span>
          </li>
        ))}
      </ul>
      <Explained error={task.error} />
    </section>
  );
}

function Node() {
  const [address, setAddress] = useState('');
  const [saved, setSaved] = useState(false);
  const task = useTask();
  useEffect(() => {
    void task.run(async () => setAddress(await nodeAddress()));
  }, []);
  return (
    <section aria-labelledby="node">
      <h2 id="node">Node</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(async () => setNodeAddress(address)).then(setSaved);
        }}
      >
        <Field
          label="Address"
          hint="It passes sealed envelopes on, and sees neither what is in them nor your keys. Taken when you unlock the next time."
          type="url"
          value={address}
          onValue={(value) => {
            setAddress(value);
            setSaved(false);
          }}
        />
        <Explained error={task.error} />
        <button type="submit" disabled={task.busy}>
          {saved ? 'Saved' : 'Save'}
        </button>
      </form>
    </section>
  );
}

function Storage() {
  const [persisted, setPersisted] = useState(true);
  const { value } = phase;
  useEffect(() => {
    if (value.name === 'open') void value.disk.persisted.then(setPersisted);
  }, [value]);
  return (
    <section aria-labelledby="storage">
      <h2 id="storage">This browser</h2>
      {!persisted && (
        <p class="notice">
          The browser may delete the data of this page when it runs out of space. Keep your words, and a
          backup.
        </p>
      )}
      <ConfirmButton
        label="Delete the account from this browser"
        question="Delete all messages and keys here? Without the words or a backup the account is gone."
        onConfirm={() => void removeAccount()}
      />
    </section>
  );
}
