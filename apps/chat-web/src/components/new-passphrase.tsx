import { useState } from 'preact/hooks';
import { Explained } from './explained.js';
import { Field } from './field.js';

/** Shortest passphrase accepted, in characters: guessing is slow, and four short words are better than one. */
const SHORTEST = 8;

interface NewPassphraseProps {
  /** Label of the button. */
  readonly action: string;
  readonly busy: boolean;
  onChosen(passphrase: string): void;
}

/** Asks for a new passphrase, twice. */
export function NewPassphrase({ action, busy, onChosen }: NewPassphraseProps) {
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const [error, setError] = useState<TypeError>();
  const submit = () => {
    if (first.length < SHORTEST) return setError(new TypeError(`Please use ${SHORTEST} characters or more.`));
    if (first !== second) return setError(new TypeError('The two do not match.'));
    setError(undefined);
    onChosen(first);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Field
        label="New passphrase"
        hint={`${SHORTEST} characters or more; a few words are easy to remember.`}
        type="password"
        autocomplete="new-password"
        value={first}
        onValue={setFirst}
      />
      <Field
        label="Repeat it"
        type="password"
        autocomplete="new-password"
        value={second}
        onValue={setSecond}
      />
      <Explained error={error} />
      <button type="submit" class="primary" disabled={busy}>
        {action}
      </button>
    </form>
  );
}
