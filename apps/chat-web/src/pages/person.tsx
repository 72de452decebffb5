import { isSottoError, type PublicKey } from '@sotto/core';
import {
  compareSafetyNumbers,
  createSafetyNumber,
  formatSafetyNumber,
  parseContact,
  type SafetyNumber,
} from '@sotto/identity';
import type { DeviceInfo } from '@sotto/messenger';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { PersonName } from '../components/person-name.js';
import { PinnedNames } from '../components/pinned-names.js';
import { QrCode } from '../components/qr-code.js';
import { Scanner } from '../components/scanner.js';
import { Time } from '../components/time.js';
import { crypto } from '../crypto.js';
import { timeOf } from '../format.js';
import { useSession } from '../session-context.js';
import { usePerson, useRevision } from '../use-revision.js';
import { type Task, useTask } from '../use-task.js';

interface PersonProps {
  readonly peer: PublicKey;
}

interface PersonDetailsProps extends PersonProps {
  /** How often the name was forgotten while the page was open. */
  readonly forgotten: number;
}

/** A person: how we call them, and how to verify them. */
export function PersonDetails({ peer, forgotten }: PersonDetailsProps) {
  return (
    <>
      <Name peer={peer} forgotten={forgotten} />
      <PinnedNames peer={peer} />
      <SafetyNumbers peer={peer} />
    </>
  );
}

function Name({ peer, forgotten }: PersonDetailsProps) {
  const { conversations } = useSession();
  const person = usePerson(peer);
  const [name, setName] = useState(person.name);
  const task = useTask();
  // Before it is drawn: whoever types at once would lose it otherwise.
  useLayoutEffect(() => {
    if (forgotten > 0) setName('');
  }, [forgotten]);
  return (
    <section aria-label="Contact">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(() => conversations.addContact(peer, name));
        }}
      >
        <Field label="Name, which only you see" value={name} onValue={setName} />
        <button type="submit" disabled={task.busy || (person.contact && name === person.name)}>
          {person.contact ? 'Rename' : 'Add to contacts'}
        </button>
      </form>
      <Explained error={task.error} />
    </section>
  );
}

export function RemoveContact({ peer, onForget }: PersonProps & { onForget(): void }) {
  const { conversations } = useSession();
  const { contact } = usePerson(peer);
  const task = useTask();
  return (
    <>
      {contact && (
        <ConfirmButton
          label="Remove from contacts"
          question="The name and the verification are forgotten. The conversation stays."
          busy={task.busy}
          onConfirm={() => {
            onForget();
            void task.run(() => conversations.removeContact(peer));
          }}
        />
      )}
      <Explained error={task.error} />
    </>
  );
}

/** The number to compare, and the result of comparing it. */
function SafetyNumbers({ peer }: PersonProps) {
  const { conversations, identity } = useSession();
  const [number, setNumber] = useState<SafetyNumber>();
  const [typed, setTyped] = useState('');
  const verdict = useRef<HTMLDivElement>(null);
  const task = useTask();
  useEffect(() => {
    // Takes some tens of milliseconds, after the page was drawn.
    void task.run(async () => setNumber(createSafetyNumber(crypto, identity.publicKey, peer)));
  }, [peer]);

  const settle = async (same: boolean) => {
    if (same) {
      // A number that was compared has to be somebody's.
      if (!conversations.person(peer).contact) await conversations.addContact(peer);
      await conversations.setVerified(peer, true);
    } else await conversations.reportMismatch(peer);
    // Wherever one was on the page, the verdict is what is read next.
    setTimeout(() => {
      verdict.current?.scrollIntoView({ block: 'center' });
      verdict.current?.focus({ preventScroll: true });
    });
  };
  /** Their number, or their card: each says who they are. */
  const compare = async (text: string) => {
    if (number === undefined) return;
    if (!/^[\d\s-]+$/.test(text)) {
      try {
        parseContact(crypto, text, { expected: peer });
        await settle(true);
      } catch (error) {
        if (isSottoError(error, 'WRONG_IDENTITY')) await settle(false);
        throw error;
      }
      return;
    }
    await settle(compareSafetyNumbers(text, number));
  };

  return (
    <section aria-labelledby="safety-number">
      <h2 id="safety-number">Safety number</h2>
      <div ref={verdict} class="verdict" tabIndex={-1}>
        <Verdict peer={peer} />
      </div>
      <div class="pair">
        <figure>
          <Identicon identity={identity.publicKey} label="The picture of your key" />
          <figcaption>You</figcaption>
        </figure>
        <figure>
          <Identicon identity={peer} label="The picture of the other key" />
          <figcaption>
            <PersonName identity={peer} />
          </figcaption>
        </figure>
      </div>
      <p>
        Meet or call each other, and compare. If no one intercepts your messages, the other device shows the
        same number.
      </p>
      <p class="safety-number">
        {number === undefined
          ? '…'
          : formatSafetyNumber(number)
              .split(' ')
              .map((group, i) => <span key={`${i}-${group}`}>{group} </span>)}
      </p>
      <Answers peer={peer} ready={number !== undefined} task={task} onAnswer={settle} />
      <details>
        <summary>Compare by scanning or typing</summary>
        {number !== undefined && (
          <QrCode text={number} label="The safety number as a QR code, for the other device" />
        )}
        <p class="hint">Scan the code that the other device shows here, or that person's card.</p>
        <Scanner onText={(text) => void task.run(() => compare(text))} />
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            void task.run(() => compare(typed));
          }}
        >
          <Field
            label="The number on the other device"
            value={typed}
            inputMode="numeric"
            onValue={setTyped}
          />
          <button type="submit" disabled={task.busy || typed.trim() === ''}>
            Compare
          </button>
        </form>
      </details>
      <Explained error={task.error} />
    </section>
  );
}

/** What came of comparing; remembered until it is compared again, or taken back. */
function Verdict({ peer }: PersonProps) {
  const { conversations } = useSession();
  const { verified, mismatch } = usePerson(peer);
  const task = useTask();
  if (mismatch) {
    return (
      <div class="notice bad" role="alert">
        <p>
          <strong>The numbers are different.</strong> Someone may be intercepting your messages, or this was
          the number of another conversation. This person is marked as not verified; don't write anything
          sensitive until you know.
        </p>
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.clearMismatch(peer))}
        >
          It was a mistake
        </button>
        <Explained error={task.error} />
      </div>
    );
  }
  if (!verified) return <p class="hint">Not compared yet.</p>;
  return (
    <p class="good" role="status">
      ✓ Verified: you compared this number with this person.
    </p>
  );
}

interface AnswersProps extends PersonProps {
  /** Whether there is a number to compare. */
  readonly ready: boolean;
  readonly task: Task;
  onAnswer(same: boolean): Promise<void>;
}

/** The buttons that say what came of comparing. */
function Answers({ peer, ready, task, onAnswer }: AnswersProps) {
  const { conversations } = useSession();
  const { contact, verified } = usePerson(peer);
  return (
    <>
      {!contact && <p class="hint">“They are the same” also adds this person to your contacts.</p>}
      <div class="row">
        {verified ? (
          <button
            type="button"
            disabled={task.busy}
            onClick={() => void task.run(() => conversations.setVerified(peer, false))}
          >
            Mark as not verified
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={task.busy || !ready}
            onClick={() => void task.run(() => onAnswer(true))}
          >
            They are the same
          </button>
        )}
        <button type="button" disabled={task.busy} onClick={() => void task.run(() => onAnswer(false))}>
          They are different
        </button>
      </div>
    </>
  );
}

/** The devices of a person that messages are encrypted for. */
export function PeerDevices({ peer }: PersonProps) {
  const { messenger } = useSession();
  const [devices, setDevices] = useState<readonly DeviceInfo[]>([]);
  const task = useTask();
  const now = useRevision();
  // `now` says that there may be something new
  useEffect(() => {
    messenger.devices.list(peer).then(setDevices, () => undefined);
  }, [peer, now]);
  return (
    <section aria-labelledby="their-devices">
      <h2 id="their-devices">Devices</h2>
      {devices.length === 0 && (
        <p class="hint">None is known yet. The first message is encrypted to the key of this person alone.</p>
      )}
      <ul class="lines">
        {devices.map(({ installationId, lastActiveAt }) => (
          <li key={installationId}>
            <code>{installationId.slice(0, 8)}</code>
            {lastActiveAt > 0 && (
              <span class="hint">
                {' '}
                last active <Time at={lastActiveAt} as={timeOf} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {devices.length > 0 && (
        <button type="button" onClick={() => void task.run(() => messenger.devices.resetSession(peer))}>
          Start a new session
        </button>
      )}
      <Explained error={task.error} />
    </section>
  );
}

export function Block({ peer }: PersonProps) {
  const { conversations } = useSession();
  const task = useTask();
  const { blocked } = usePerson(peer);
  return (
    <>
      {blocked ? (
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.unblock(peer))}
        >
          Unblock
        </button>
      ) : (
        <ConfirmButton
          label="Block"
          question="You no longer receive what this person sends, also in groups. They are not told."
          busy={task.busy}
          onConfirm={() => void task.run(() => conversations.block(peer))}
        />
      )}
      <Explained error={task.error} />
    </>
  );
}
