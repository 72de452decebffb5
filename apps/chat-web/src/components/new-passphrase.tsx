import { useId, useState } from 'preact/hooks';
import { ENOUGH, strengthOf } from '../passphrase.js';
import { Explained } from './explained.js';
import { Field } from './field.js';

interface NewPassphraseProps {
  /** Label of the button. */
  readonly action: string;
  readonly busy: boolean;
  /** Whether typing begins here. Default: yes. */
  readonly autofocus?: boolean;
  onChosen(passphrase: string): void;
}

/** Asks for a new passphrase, twice, and says how good it is. Weak ones are refused. */
export function NewPassphrase({ action, busy, autofocus = true, onChosen }: NewPassphraseProps) {
  const [first, setFirst] = useState('');
  const [second, setSecond] = useState('');
  const [error, setError] = useState<TypeError>();
  const id = useId();
  const { score, words } = strengthOf(first);
  const submit = () => {
    if (score < ENOUGH) return setError(new TypeError(words || 'Choose a passphrase first.'));
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
        hint="Four unrelated words are easy to remember and hard to guess."
        type="password"
        autocomplete="new-password"
        autofocus={autofocus}
        value={first}
        onValue={setFirst}
      />
      <div class="strength">
        <meter
          id={id}
          min={0}
          max={4}
          low={ENOUGH}
          high={3}
          optimum={4}
          value={score}
          aria-label="Strength"
        />
        <output for={id}>{words}</output>
      </div>
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
