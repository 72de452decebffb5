import { encodeHex, type PublicKey } from '@sotto/core';
import type { Group } from '@sotto/messenger';
import { useState } from 'preact/hooks';
import { ConfirmButton } from '../components/confirm-button.js';
import { Explained } from '../components/explained.js';
import { Field } from '../components/field.js';
import { Icon } from '../components/icon.js';
import { PersonChoice } from '../components/person-choice.js';
import { PersonName } from '../components/person-name.js';
import { Portrait } from '../components/portrait.js';
import { isSame } from '../format.js';
import { changesOf, type GroupChanges } from '../group-changes.js';
import { formatRoute } from '../route.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { type Task, useTask } from '../use-task.js';

/** A group: its members, and what an administrator may change. */
export function GroupDetails({ groupId }: { readonly groupId: string }) {
  const session = useSession();
  useRevision();
  const task = useTask();
  const { group } = session.conversations.get({ kind: 'group', groupId }) ?? {};
  if (group === undefined) return null;
  const { identity } = session;
  const changes = changesOf(session, group);
  const admins = new Set(group.admins.map(encodeHex));
  const isAdmin = group.joined && admins.has(encodeHex(identity.publicKey));
  return (
    <>
      {isAdmin && <Rename group={group} changes={changes} task={task} />}
      <section aria-labelledby="members">
        <h2 id="members">Members ({group.members.length})</h2>
        <ul class="lines">
          {group.members.map((member) => (
            <Member
              key={encodeHex(member)}
              changes={changes}
              member={member}
              isAdmin={admins.has(encodeHex(member))}
              mayChange={isAdmin}
              task={task}
            />
          ))}
        </ul>
        <Explained error={task.error} />
      </section>
      {isAdmin && <AddMembers group={group} changes={changes} task={task} />}
    </>
  );
}

export function LeaveGroup({ groupId }: { readonly groupId: string }) {
  const session = useSession();
  useRevision();
  const task = useTask();
  const { group } = session.conversations.get({ kind: 'group', groupId }) ?? {};
  if (group?.joined !== true) return null;
  return (
    <>
      <ConfirmButton
        label="Leave the group"
        question="You won't be able to read later messages."
        busy={task.busy}
        onConfirm={() => void task.run(() => changesOf(session, group).leave())}
      />
      <Explained error={task.error} />
    </>
  );
}

interface ChangeProps {
  readonly group: Group;
  readonly changes: GroupChanges;
  readonly task: Task;
}

function Rename({ group, changes, task }: ChangeProps) {
  const [name, setName] = useState(group.name);
  return (
    <form
      class="row sheet"
      onSubmit={(event) => {
        event.preventDefault();
        void task.run(() => changes.rename(name.trim()));
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
  readonly changes: GroupChanges;
  readonly member: PublicKey;
  readonly isAdmin: boolean;
  /** Whether we may change what this member is. */
  readonly mayChange: boolean;
  readonly task: Task;
}

function Member({ changes, member, isAdmin, mayChange, task }: MemberProps) {
  const { identity } = useSession();
  const { demote } = changes;
  const isOwn = isSame(member, identity.publicKey);
  const change = (work: () => Promise<unknown>) => () => void task.run(work);
  return (
    <li class="member">
      {isOwn ? (
        <span class="who">
          <Portrait identity={member} />
          <PersonName identity={member} />
        </span>
      ) : (
        <a
          class="who"
          href={formatRoute({ page: 'details', conversation: { kind: 'direct', peer: member } })}
        >
          <Portrait identity={member} />
          <PersonName identity={member} />
        </a>
      )}
      {isAdmin && <span class="badge">Administrator</span>}
      {mayChange && !isOwn && (
        <details class="member-menu">
          <summary title="Change what this member may do">
            <Icon name="more" />
            <span class="sr-only">
              Change <PersonName identity={member} />
            </span>
          </summary>
          <div class="row">
            {isAdmin && demote !== undefined && (
              <button type="button" disabled={task.busy} onClick={change(() => demote(member))}>
                Remove as administrator
              </button>
            )}
            {!isAdmin && (
              <button type="button" disabled={task.busy} onClick={change(() => changes.promote(member))}>
                Make an administrator
              </button>
            )}
            <ConfirmButton
              label="Remove"
              question="This person can't read later messages. What was said stays with them."
              busy={task.busy}
              onConfirm={change(() => changes.remove(member))}
            />
          </div>
        </details>
      )}
    </li>
  );
}

function AddMembers({ group, changes, task }: ChangeProps) {
  const { conversations } = useSession();
  const [chosen, setChosen] = useState<readonly PublicKey[]>([]);
  const members = new Set(group.members.map(encodeHex));
  const others = conversations.contacts().filter(({ identity }) => !members.has(encodeHex(identity)));
  if (others.length === 0) return null;
  return (
    <details class="sheet">
      <summary>Add members</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(async () => {
            await changes.add(chosen);
            setChosen([]);
          });
        }}
      >
        <PersonChoice legend="Contacts" people={others} chosen={chosen} onChosen={setChosen} />
        <button type="submit" class="primary" disabled={task.busy || chosen.length === 0}>
          Add
        </button>
      </form>
    </details>
  );
}
