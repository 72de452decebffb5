import { formatRoute, route } from '../route.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';

/** Tells what to do on a device whose account was recovered from its words, as it has neither contacts nor messages. */
export function NewDevice() {
  const { conversations, ownDevices, recovered, dismissRecovered } = useSession();
  useRevision();
  if (!recovered.value || route.value.page === 'devices') return null;
  const isPaired = ownDevices.paired.value.length > 0;
  return (
    <section class="notice new-device" aria-label="This device is new">
      <p>
        <strong>This device is new: it has no contacts and no messages yet.</strong>
      </p>
      {isPaired ? (
        <p>
          It is paired, so it gets what is written from now on.{' '}
          {conversations.contacts().length === 0 && 'Add your contacts again by their cards.'}
        </p>
      ) : (
        <ul>
          <li>
            Still have the other device? <a href={formatRoute({ page: 'devices' })}>Pair the two</a>: then
            each gets what the other sends.
          </li>
          <li>
            Have a backup? Delete the account{' '}
            <a href={formatRoute({ page: 'settings', setting: 'browser' })}>from this browser</a>, and restore
            the backup instead: it brings contacts, groups and messages.
          </li>
          <li>
            Neither? <a href={formatRoute({ page: 'new', text: '' })}>Add your contacts</a> by their cards;
            who writes to you appears as a message request.
          </li>
        </ul>
      )}
      <button type="button" onClick={dismissRecovered}>
        Understood
      </button>
    </section>
  );
}
