import type { KeyPair } from '@sotto/core';
import { accountFromMnemonic, createMnemonic, parseMnemonic } from '@sotto/identity';
import { useMemo, useRef, useState } from 'preact/hooks';
import { Explained } from '../components/explained.js';
import { Area, Field } from '../components/field.js';
import { NewPassphrase } from '../components/new-passphrase.js';
import { Screen } from '../components/screen.js';
import { crypto } from '../crypto.js';
import { createAccount, restoreAccount } from '../state.js';
import { useTask } from '../use-task.js';
import { LinkThisDevice } from './link.js';

type Step =
  | 'choose'
  | 'words'
  | 'recover'
  | 'restore'
  | 'link'
  | { readonly identity: KeyPair; readonly recovered: boolean };

/** No account in this browser yet: make one, recover one from its words, or restore a backup. */
export function Welcome({ lost }: { readonly lost: boolean }) {
  const [step, setStep] = useState<Step>('choose');
  const back = () => setStep('choose');
  switch (step) {
    case 'choose':
      return (
        <Screen logo title="Welcome to Sotto">
          {lost && (
            <p class="notice" role="alert">
              There was an account in this browser, and the browser has deleted its data. Recover it from your
              words or from a backup. What was sent to it meanwhile can be sent again by your contacts.
            </p>
          )}
          <p>
            Messages that only the people in a conversation can read. No phone number, no server that knows
            you.
          </p>
          <button type="button" class="primary" onClick={() => setStep('words')}>
            Create an account
          </button>
          <button type="button" onClick={() => setStep('link')}>
            I have another device
          </button>
          <button type="button" onClick={() => setStep('recover')}>
            I have recovery words
          </button>
          <button type="button" onClick={() => setStep('restore')}>
            I have a backup file
          </button>
        </Screen>
      );
    case 'words':
      return <NewWords onBack={back} onDone={(identity) => setStep({ identity, recovered: false })} />;
    case 'recover':
      return <Recover onBack={back} onDone={(identity) => setStep({ identity, recovered: true })} />;
    case 'link':
      return <LinkThisDevice onBack={back} />;
    case 'restore':
      return <Restore onBack={back} />;
    default:
      return <ChoosePassphrase {...step} />;
  }
}

interface StepProps {
  onBack(): void;
  onDone(identity: KeyPair): void;
}

/** How many words are asked for, to see that they were written down. */
const ASKED_FOR = 3;

function NewWords({ onBack, onDone }: StepProps) {
  const mnemonic = useMemo(() => createMnemonic(crypto), []);
  const [asking, setAsking] = useState(false);
  return asking ? (
    <ConfirmWords
      words={mnemonic.words}
      onBack={() => setAsking(false)}
      onDone={() => onDone(accountFromMnemonic(crypto, mnemonic).identity)}
    />
  ) : (
    <Screen title="Your recovery words" step={[1, 3]}>
      <p>
        Write these words down on paper, in this order. They are your account: whoever has them is you, and
        without them it is lost with this browser. <strong>They are not shown again.</strong>
      </p>
      <ol class="words">
        {mnemonic.words.map((word, index) => (
          <li key={`${index}-${word}`}>{word}</li>
        ))}
      </ol>
      <button type="button" class="primary" onClick={() => setAsking(true)}>
        I have written them down
      </button>
      <button type="button" onClick={onBack}>
        Back
      </button>
    </Screen>
  );
}

interface ConfirmWordsProps {
  readonly words: readonly string[];
  onBack(): void;
  onDone(): void;
}

function ConfirmWords({ words, onBack, onDone }: ConfirmWordsProps) {
  const places = useMemo(() => randomPlaces(words.length), [words]);
  const [typed, setTyped] = useState<readonly string[]>(places.map(() => ''));
  const [wrong, setWrong] = useState<readonly number[]>([]);
  const check = () => {
    const mistakes = places.filter((place, i) => typed[i]?.trim().toLowerCase() !== words[place]);
    setWrong(mistakes);
    if (mistakes.length === 0) onDone();
  };
  return (
    <Screen title="Check your words" step={[2, 3]}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          check();
        }}
      >
        {places.map((place, i) => (
          <Field
            key={place}
            label={`Word ${place + 1}`}
            autofocus={i === 0}
            value={typed[i] ?? ''}
            onValue={(value) => setTyped(typed.map((other, j) => (j === i ? value : other)))}
          />
        ))}
        <p class="error" role="alert">
          {wrong.length > 0 && `Wrong word: ${wrong.map((place) => place + 1).join(', ')}.`}
        </p>
        <button type="submit" class="primary">
          Continue
        </button>
        <button type="button" onClick={onBack}>
          Show the words again
        </button>
      </form>
    </Screen>
  );
}

function randomPlaces(count: number): readonly number[] {
  const places = Array.from({ length: count }, (_, place) => ({
    place,
    order: crypto.randomBytes(4).join(),
  }));
  return places
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .slice(0, ASKED_FOR)
    .map(({ place }) => place)
    .sort((a, b) => a - b);
}

function Recover({ onBack, onDone }: StepProps) {
  const [text, setText] = useState('');
  const [extra, setExtra] = useState('');
  const task = useTask();
  return (
    <Screen title="Recover an account" step={[1, 2]}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(async () =>
            onDone(accountFromMnemonic(crypto, parseMnemonic(withoutNumbers(text)), extra).identity),
          );
        }}
      >
        <Area
          label="Recovery words"
          hint="12 to 24 English words. Spaces, line breaks, capitals and numbers between them don't matter."
          autofocus
          value={text}
          onValue={setText}
        />
        <details>
          <summary>My words have their own passphrase</summary>
          <Field
            label="Passphrase of the words (BIP39)"
            hint="Most have none. A wrong one is not detected: it opens a different, empty account."
            type="password"
            value={extra}
            onValue={setExtra}
          />
        </details>
        <Explained error={task.error} />
        <button type="submit" class="primary" disabled={task.busy}>
          Continue
        </button>
        <button type="button" onClick={onBack}>
          Back
        </button>
      </form>
    </Screen>
  );
}

/** Words as they were written down in a list: `1. legal 2) winner`. No word has a digit. */
function withoutNumbers(text: string): string {
  return text.replace(/(^|\s)[#(]?\d{1,2}[.):-]*(?=\s|[a-z])/gi, '$1 ');
}

function ChoosePassphrase({
  identity,
  recovered,
}: {
  readonly identity: KeyPair;
  readonly recovered: boolean;
}) {
  const task = useTask();
  return (
    <Screen title="Lock this browser" step={recovered ? [2, 2] : [3, 3]}>
      <p>
        A passphrase locks your messages and keys in this browser. It is asked for each time you open this
        page, and no one can reset it.
      </p>
      <NewPassphrase
        action={task.busy ? 'Opening…' : 'Open my account'}
        busy={task.busy}
        onChosen={(passphrase) => void task.run(() => createAccount(identity, passphrase, recovered))}
      />
      <Explained error={task.error} />
    </Screen>
  );
}

function Restore({ onBack }: { readonly onBack: () => void }) {
  const file = useRef<HTMLInputElement>(null);
  const [passphrase, setPassphrase] = useState('');
  const [records, setRecords] = useState(0);
  const task = useTask();
  const restore = async () => {
    const [backup] = file.current?.files ?? [];
    if (backup === undefined) throw new TypeError('Choose the backup file first.');
    await restoreAccount(backup, passphrase, setRecords);
  };
  return (
    <Screen title="Restore a backup">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(restore);
        }}
      >
        <div class="field">
          <label for="backup-file">Backup file</label>
          <input id="backup-file" ref={file} type="file" accept=".backup" />
        </div>
        <Field
          label="Passphrase of the backup"
          hint="It locks this browser as well, until you choose another one in the settings."
          type="password"
          autocomplete="current-password"
          value={passphrase}
          onValue={setPassphrase}
        />
        <p role="status">{task.busy && (records > 0 ? `${records} records read…` : 'Opening the backup…')}</p>
        <Explained error={task.error} />
        <button type="submit" class="primary" disabled={task.busy || passphrase === ''}>
          Restore
        </button>
        <button type="button" onClick={onBack}>
          Back
        </button>
      </form>
    </Screen>
  );
}
