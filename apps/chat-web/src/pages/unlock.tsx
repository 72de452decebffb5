import { useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Screen } from '../components/screen.js';
import { removeAccount, unlock } from '../state.js';
import { useTask } from '../use-task.js';

/** There is an account, and its store is locked. */
export function Unlock() {
  const [passphrase, setPassphrase] = useState('');
  const task = useTask();
  return (
    <Screen logo title="Locked">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(() => unlock(passphrase)).then((done) => done || setPassphrase(''));
        }}
      >
        <Field
          label="Passphrase"
          type="password"
          autocomplete="current-password"
          autofocus
          value={passphrase}
          onValue={setPassphrase}
        />
        <Explained error={task.error} />
        <button type="submit" class="primary" disabled={task.busy || passphrase === ''}>
          {task.busy ? 'Opening…' : 'Unlock'}
        </button>
      </form>
      <details>
        <summary>I forgot it</summary>
        <p>
          No one can open this store without its passphrase. You can delete it, and recover your account from
          its words; the messages in it are lost.
        </p>
        <ConfirmButton
          label="Delete the account from this browser"
          question="Delete all messages and keys here?"
          onConfirm={() => void task.run(removeAccount)}
        />
      </details>
    </Screen>
  );
}
