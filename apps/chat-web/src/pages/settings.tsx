import { encodeHex } from '@sotto/core';
import type { EnsTransaction } from '@sotto/directories/ens';
import { backupFileName, exportBackup } from '@sotto/messenger/backup';
import { useEffect, useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { CopyButton } from '../components/copy-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { NewPassphrase } from '../components/new-passphrase.js';
import { Page } from '../components/page.js';
import { PersonName } from '../components/person-name.js';
import { Published } from '../components/published.js';
import { nodeAddress, setNodeAddress } from '../config.js';
import { crypto } from '../crypto.js';
import { type FindingSettings, findingSettings, saveFindingSettings } from '../finding.js';
import {
  canNotify,
  NOTIFICATIONS,
  type Notifications,
  notificationSetting,
  setNotifications,
} from '../notifications.js';
import { saveFile } from '../pictures.js';
import { formatRoute, SETTINGS, type SettingsPage } from '../route.js';
import { useSession } from '../session-context.js';
import { phase, removeAccount } from '../state.js';
import { STATUS_SETTINGS, type StatusSetting, saveStatusSetting, statusSetting } from '../status-users.js';
import { useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';
import { injectedWallet, sendByWallet } from '../wallet.js';
import { ProfileSetting } from './profile.js';

const TITLES: Readonly<Record<SettingsPage, readonly [title: string, about: string]>> = {
  profile: ['Your profile', 'The name and picture that people see'],
  notifications: ['Notifications', 'Whether new messages are announced, and how much of them'],
  passphrase: ['Passphrase', 'What unlocks this browser'],
  backup: ['Backup', 'Account, contacts and messages in one file'],
  blocked: ['Blocked people', 'Whose messages don’t arrive'],
  node: ['Node', 'What passes your messages on'],
  status: ['Status users', 'Whether you can talk with people who use Status'],
  finding: ['Names and keys', 'Whom to ask for people you look up'],
  name: ['Your own name', 'Lead a name such as alice.eth to you'],
  browser: ['This browser', 'Storage, and deleting the account here'],
};

/** The settings: a list, or one of them. */
export function Settings({ setting }: { readonly setting?: SettingsPage | undefined }) {
  if (setting === undefined) return <AllSettings />;
  return (
    <Page title={TITLES[setting][0]} back={{ page: 'settings' }}>
      <Setting setting={setting} />
    </Page>
  );
}

function AllSettings() {
  const { finding } = useSession();
  const shown = SETTINGS.filter((setting) => setting !== 'name' || finding.names !== undefined);
  return (
    <Page title="Settings">
      <ul class="settings">
        {shown.map((setting) => (
          <li key={setting}>
            <a href={formatRoute({ page: 'settings', setting })}>
              <strong>{TITLES[setting][0]}</strong>
              <span>{TITLES[setting][1]}</span>
            </a>
          </li>
        ))}
      </ul>
    </Page>
  );
}

function Setting({ setting }: { readonly setting: SettingsPage }) {
  switch (setting) {
    case 'profile':
      return <ProfileSetting />;
    case 'notifications':
      return <NotificationSetting />;
    case 'passphrase':
      return <Passphrase />;
    case 'backup':
      return <Backup />;
    case 'blocked':
      return <BlockedPeople />;
    case 'node':
      return <Node />;
    case 'status':
      return <StatusUsers />;
    case 'finding':
      return <FindingSettingsForm />;
    case 'name':
      return <OwnName />;
    case 'browser':
      return <Storage />;
  }
}

const CHOICES: Readonly<Record<Notifications, string>> = {
  off: 'None',
  nothing: 'Only that there is a message',
  name: 'Who wrote',
  text: 'Who wrote, and the text',
};

/** Asked for here and never before; without the text unless that is wanted. */
function NotificationSetting() {
  const [setting, setSetting] = useState(notificationSetting);
  const task = useTask();
  if (!canNotify()) return <p>This browser can't show notifications.</p>;
  return (
    <section aria-label="Notifications">
      <p>
        While this page is open, also in a background tab. Others may see your screen: choose what it shows.
      </p>
      <fieldset disabled={task.busy}>
        <legend>What a notification shows</legend>
        {NOTIFICATIONS.map((choice) => (
          <label key={choice} class="choice">
            <input
              type="radio"
              name="notifications"
              checked={setting === choice}
              onChange={() => {
                setSetting(choice);
                void task.run(() => setNotifications(choice)).then(() => setSetting(notificationSetting()));
              }}
            />
            {CHOICES[choice]}
          </label>
        ))}
      </fieldset>
      <p class="hint">A muted conversation never notifies: its details have “Mute”.</p>
      <Explained error={task.error} />
    </section>
  );
}

const STATUS_CHOICES: Readonly<Record<StatusSetting, readonly [label: string, about: string]>> = {
  off: ['No', 'Texts alone, for people who use Sotto.'],
  '2024': ['Yes', 'Status today.'],
  '2020': ['Yes, older versions', 'Status of 2020.'],
};

/** Whether to write as Status clients do. */
function StatusUsers() {
  const [setting, setSetting] = useState(statusSetting);
  const [opened] = useState(setting);
  return (
    <section aria-label="Status users">
      <p>
        Then your messages are written as Status writes them, and you see when they were delivered. People who
        use Sotto need this setting as well to read them.
      </p>
      <fieldset>
        <legend>Talk with people who use Status</legend>
        {STATUS_SETTINGS.map((choice) => (
          <label key={choice} class="choice">
            <input
              type="radio"
              name="status"
              checked={setting === choice}
              onChange={() => {
                saveStatusSetting(choice);
                setSetting(choice);
              }}
            />
            <span>
              {STATUS_CHOICES[choice][0]}
              <span class="hint"> {STATUS_CHOICES[choice][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {setting !== opened && (
        <p role="status">
          Counts when the page is opened again.{' '}
          <button type="button" onClick={() => location.reload()}>
            Open it again now
          </button>
        </p>
      )}
    </section>
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
    <section aria-label="Backup">
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
  const { changePassphrase } = useSession();
  const [old, setOld] = useState('');
  const [changed, setChanged] = useState(false);
  const task = useTask();
  return (
    <section aria-label="Passphrase">
      {changed ? (
        <p class="good" role="status">
          Changed. The new one is asked for from now on.
        </p>
      ) : (
        <>
          <Field
            label="Old passphrase"
            type="password"
            autocomplete="current-password"
            value={old}
            onValue={setOld}
            autofocus
          />
          <NewPassphrase
            action={task.busy ? 'Changing…' : 'Change it'}
            busy={task.busy}
            autofocus={false}
            onChosen={(passphrase) => void task.run(() => changePassphrase(old, passphrase)).then(setChanged)}
          />
        </>
      )}
      <Explained error={task.error} />
      <p class="hint">“Lock”, below the list, closes the account until the passphrase is given.</p>
    </section>
  );
}

function BlockedPeople() {
  const { conversations } = useSession();
  useRevision();
  const task = useTask();
  const blocked = conversations.blocked();
  if (blocked.length === 0) return <p>You have blocked nobody.</p>;
  return (
    <section aria-label="Blocked people">
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
    <section aria-label="Node">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(async () => setNodeAddress(address)).then(setSaved);
        }}
      >
        <Field
          label="Address"
          hint="It passes on sealed envelopes, and sees neither their content nor your keys. Used from the next unlock."
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

/** Whom to ask for names and keys. Off until it is set. */
function FindingSettingsForm() {
  const { messenger, finding } = useSession();
  const [settings, setSettings] = useState<FindingSettings>(findingSettings);
  const [saved, setSaved] = useState(false);
  const task = useTask();
  const change = (changed: Partial<FindingSettings>) => {
    setSettings({ ...settings, ...changed });
    setSaved(false);
  };
  return (
    <section aria-label="Names and keys">
      <p>
        People can be found by a name such as alice.eth, or by their key alone while they are offline. Whoever
        you ask learns your network address and whom you look up, so nobody is asked unless you set them here.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(async () => saveFindingSettings(settings)).then(setSaved);
        }}
      >
        <Field
          label="Ethereum node"
          hint="JSON-RPC, https://… It learns which names you look up, and so does the gateway of a name that is kept off the chain."
          type="url"
          value={settings.chain}
          onValue={(chain) => change({ chain })}
        />
        <Field
          label="IPFS gateway"
          hint="https://… It learns which keys you look up: whom you are about to write to."
          type="url"
          value={settings.gateway}
          onValue={(gateway) => change({ gateway })}
        />
        <Field
          label="Your own IPFS node"
          hint="The RPC of Kubo, http://127.0.0.1:5001, with this page as an allowed origin. It publishes your card under your key: everyone can see that, when, and from which network address."
          type="url"
          value={settings.ipfsNode}
          onValue={(ipfsNode) => change({ ipfsNode })}
        />
        <details>
          <summary>Another chain</summary>
          <Field
            label="Registry of names"
            hint="0x…; empty for Ethereum"
            value={settings.registry}
            onValue={(registry) => change({ registry })}
          />
        </details>
        <Explained error={task.error} />
        <button type="submit" disabled={task.busy}>
          {saved ? 'Saved: used from the next unlock' : 'Save names and keys'}
        </button>
      </form>
      <Published />
      {finding.directories.some(({ capabilities }) => capabilities.publishing === 'free') && (
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => messenger.contacts.publishOwnCode())}
        >
          Publish now
        </button>
      )}
    </section>
  );
}

/** Prepares the transaction that leads a name to this account. Sends nothing by itself. */
function OwnName() {
  const { finding, identity } = useSession();
  const [settings] = useState(findingSettings);
  const [name, setName] = useState(settings.ownName);
  const [prepared, setPrepared] = useState<EnsTransaction>();
  const [sent, setSent] = useState<string>();
  const task = useTask();
  const { names } = finding;
  if (names === undefined) return <p>To look up names, set an Ethereum node under “Names and keys”.</p>;
  const wallet = injectedWallet();
  const prepare = async () => {
    setSent(undefined);
    setPrepared(undefined);
    const records = { identity: identity.publicKey, ipns: true };
    setPrepared(await names.prepare(name, records));
    saveFindingSettings({ ...findingSettings(), ownName: name });
  };
  return (
    <section aria-label="Your own name">
      <p>
        If you hold a name, one transaction leads it to your key and to where your card is published. Later
        changes of your devices cost nothing. It is public for good that this name belongs to this key.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(prepare);
        }}
      >
        <Field label="Name" hint="Such as alice.eth" value={name} onValue={setName} />
        <button type="submit" disabled={task.busy || name.trim() === ''}>
          Prepare the transaction
        </button>
      </form>
      {prepared !== undefined && (
        <>
          <p>
            Sets {prepared.sets.join(', ')}. Nothing was sent: sign it with the account that holds the name.
          </p>
          {prepared.replaces.length > 0 && (
            <p class="notice">
              These records have another value now, which would be lost: {prepared.replaces.join(', ')}.
            </p>
          )}
          <p class="key">To: {prepared.to}</p>
          <div class="row">
            <CopyButton text={prepared.to} label="Copy the address" />
            <CopyButton text={prepared.data} label="Copy the call data" />
            {wallet !== undefined && (
              <button
                type="button"
                class="primary"
                disabled={task.busy}
                onClick={() =>
                  void task.run(async () => setSent(await sendByWallet(wallet, prepared, settings.chain)))
                }
              >
                Sign with the wallet
              </button>
            )}
          </div>
          <p role="status">{sent !== undefined && `Sent: ${sent}`}</p>
        </>
      )}
      <Explained error={task.error} />
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
    <section aria-label="This browser">
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
