import { describeDuration } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useState } from 'preact/hooks';
import { isStatusGroup } from '../group-changes.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Seconds that can be chosen; 0 is off. Another value may have been set elsewhere. */
const CHOICES = [0, 30, 5 * MINUTE, HOUR, DAY, 7 * DAY, 28 * DAY];

/** After how long new messages of a conversation disappear, for everyone in it. */
export function Disappearing({ conversation }: { readonly conversation: Conversation }) {
  const { conversations } = useSession();
  useRevision();
  const task = useTask();
  const { disappearing = 0, group } = conversations.get(conversation) ?? {};
  /** What was chosen, until it is stored. */
  const [wanted, setWanted] = useState<number>();
  const set = async (seconds: number) => {
    setWanted(seconds);
    await task.run(() => conversations.setDisappearing(conversation, seconds || undefined));
    setWanted(undefined);
  };
  const isPossible = group === undefined || (group.joined && !isStatusGroup(group));
  const choices = CHOICES.includes(disappearing) ? CHOICES : [...CHOICES, disappearing].sort((a, b) => a - b);
  return (
    <section aria-labelledby="disappearing">
      <h2 id="disappearing">Disappearing messages</h2>
      {isPossible ? (
        <>
          <p class="hint">
            New messages are deleted everywhere this long after they were read, and your own after they were
            sent. Anyone here can change it. It keeps nobody from taking a picture of the screen.
          </p>
          <fieldset class="chips">
            <legend class="sr-only">New messages disappear after</legend>
            {choices.map((seconds) => (
              <label key={seconds}>
                <input
                  type="radio"
                  name="disappearing"
                  checked={seconds === (wanted ?? disappearing)}
                  onChange={() => void set(seconds)}
                />
                <span>{seconds === 0 ? 'Off' : describeDuration(seconds)}</span>
              </label>
            ))}
          </fieldset>
        </>
      ) : (
        <p class="hint">Messages of this group can't disappear.</p>
      )}
      <Explained error={task.error} />
    </section>
  );
}
