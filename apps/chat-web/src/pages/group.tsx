import { encodeHex, type PublicKey } from '@sotto/core';
import type { Group } from '@sotto/messenger';
import { useEffect, useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { PersonChoice } from '../components/person-choice.js';
import { PersonName } from '../components/person-name.js';
import { isSame } from '../format.js';
import { formatRoute } from '../route.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { type Task, useTask } from '../use-task.js';

/** A group: its members, and what an administrator may change. */
export function GroupDetails({ groupId }: { readonly groupId: string }) {
  const { messenger, identity } = useSession();
  const [group, setGroup] = useState<Group>();
  const task = useTask();
  const now = useRevision();
  // `now` says that it may have changed
  useEffect(() => {
    messenger.groups.get(groupId).then(setGroup, () => undefined);
  }, [groupId, now]);
  if (group === undefined) return <p role="status">…</p>;
  const admins = new Set(group.admins.map(encodeHex));
  const isAdmin = group.joined && admins.has(encodeHex(identity.publicKey));
  return (
    <>
      {isAdmin && <Rename group={group} task={task} />}
      <section aria-labelledby="members">
        <h2 id="members">Members ({group.members.length})</h2>
        <ul class="lines">
          {group.members.map((member) => (
            <Member
              key={encodeHex(member)}
              groupId={groupId}
              member={member}
              isAdmin={admins.has(encodeHex(member))}
              mayChange={isAdmin}
              task={task}
            />
          ))}
        </ul>
        <Explained error={task.error} />
      </section>
      {isAdmin && <AddMembers group={group} task={task} />}
      {group.joined && (
        <section>
          <ConfirmButton
            label="Leave the group"
            question="You won't be able to read later messages."
            busy={task.busy}
            onConfirm={() => void task.run(() => messenger.groups.leave(groupId))}
          />
        </section>
      )}
    </>
  );
}

interface ChangeProps {
  readonly group: Group;
  readonly task: Task;
}

function Rename({ group, task }: ChangeProps) {
  const { messenger } = useSession();
  const [name, setName] = useState(group.name);
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        void task.run(() => messenger.groups.rename(group.id, name.trim()));
      }}
    >
      <Field label="Name of the group" value={name} onValue={setName} />
      <button type="submit" disabled={task.busy || name.trim() === '' || name === group.name}>
        Rename
      </button>
    </form>
  );
}

interface MemberProps {
  readonly groupId: string;
  readonly member: PublicKey;
  readonly isAdmin: boolean;
  /** Whether we may change what this member is. */
  readonly mayChange: boolean;
  readonly task: Task;
}

function Member({ groupId, member, isAdmin, mayChange, task }: MemberProps) {
  const { messenger, identity } = useSession();
  const isOwn = isSame(member, identity.publicKey);
  const change = (work: () => Promise<unknown>) => () => void task.run(work);
  return (
    <li class="member">
      <Identicon identity={member} />
      {isOwn ? (
        <PersonName identity={member} />
      ) : (
        <a href={formatRoute({ page: 'details', conversation: { kind: 'direct', peer: member } })}>
          <PersonName identity={member} />
        </a>
      )}
      {isAdmin && <span class="badge">Administrator</span>}
      {mayChange && !isOwn && (
        <span class="row">
          {isAdmin ? (
            <button
              type="button"
              disabled={task.busy}
              onClick={change(() => messenger.groups.demote(groupId, [member]))}
            >
              Remove as administrator
            </button>
          ) : (
            <button
              type="button"
              disabled={task.busy}
              onClick={change(() => messenger.groups.promote(groupId, [member]))}
            >
              Make an administrator
            </button>
          )}
          <ConfirmButton
            label="Remove"
            question="This person can't read later messages. What was said stays with them."
            busy={task.busy}
            onConfirm={change(() => messenger.groups.remove(groupId, [member]))}
          />
        </span>
      )}
    </li>
  );
}

function AddMembers({ group, task }: ChangeProps) {
  const { messenger, conversations } = useSession();
  const [chosen, setChosen] = useState<readonly PublicKey[]>([]);
  const members = new Set(group.members.map(encodeHex));
  const others = conversations.contacts().filter(({ identity }) => !members.has(encodeHex(identity)));
  if (others.length === 0) return null;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void task.run(async () => {
          await messenger.groups.add(group.id, chosen);
          setChosen([]);
        });
      }}
    >
      <PersonChoice legend="Add members" people={others} chosen={chosen} onChosen={setChosen} />
      <button type="submit" disabled={task.busy || chosen.length === 0}>
        Add
      </button>
    </form>
  );
}
