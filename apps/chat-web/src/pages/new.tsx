import type { PublicKey } from '@sotto/core';
import { formatKeyText, parseRecipient } from '@sotto/identity';
import type { LookUpResult, PinnedName } from '@sotto/messenger';
import { type Bundle, encodeContactCode } from '@sotto/protocol-codec';
import { useEffect, useState } from 'preact/hooks';
import { Explained } from '../components/explained.js';
import { Area, Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { Page } from '../components/page.js';
import { PersonChoice } from '../components/person-choice.js';
import { PersonName } from '../components/person-name.js';
import { NameChange } from '../components/pinned-names.js';
import { Portrait } from '../components/portrait.js';
import { Scanner } from '../components/scanner.js';
import { crypto } from '../crypto.js';
import { isSame, nameOf } from '../format.js';
import { readableName } from '../readable-name.js';
import { formatRoute, go } from '../route.js';
import { useSession } from '../session-context.js';
import { usePerson, useRevision } from '../use-revision.js';
import { useTask } from '../use-task.js';

/** Someone's card, key or name; and the ways to the other beginnings. */
export function NewPerson({ text }: { readonly text: string }) {
  return (
    <Page title="New conversation">
      {text === '' && (
        <div class="choices">
          <a class="button" href={formatRoute({ page: 'new-group' })}>
            New group
          </a>
          <a class="button" href={formatRoute({ page: 'new-chat' })}>
            Public chat
          </a>
        </div>
      )}
      <AddPerson text={text} />
      {text === '' && <Contacts />}
    </Page>
  );
}

/** Everyone who can be written to without a card. */
function Contacts() {
  const session = useSession();
  useRevision();
  const contacts = [...session.conversations.contacts()].sort((a, b) =>
    nameOf(session, a.identity).localeCompare(nameOf(session, b.identity)),
  );
  if (contacts.length === 0) return null;
  return (
    <section aria-labelledby="contacts">
      <h2 id="contacts">Your contacts</h2>
      <ul class="lines">
        {contacts.map(({ identity }) => (
          <li key={identity.join()} class="member">
            <a
              class="who"
              href={formatRoute({ page: 'conversation', conversation: { kind: 'direct', peer: identity } })}
            >
              <Portrait identity={identity} />
              <PersonName identity={identity} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function NewChat() {
  return (
    <Page title="Public chat" back={{ page: 'new', text: '' }}>
      <JoinChat />
    </Page>
  );
}

export function NewGroup() {
  return (
    <Page title="New group" back={{ page: 'new', text: '' }}>
      <CreateGroup />
    </Page>
  );
}

/** Someone to be added, as a card, a key or a name says. */
interface Found {
  readonly identity: PublicKey;
  readonly bundle?: Bundle | undefined;
  /** The name by which they were looked up. */
  readonly name?: PinnedName | undefined;
  /** Whether one of their devices was found, when they were looked up. */
  readonly reachable?: boolean;
}

function AddPerson({ text: given }: { readonly text: string }) {
  const { messenger, finding } = useSession();
  const [text, setText] = useState(given);
  const [found, setFound] = useState<Found>();
  const task = useTask();
  const find = async (pasted: string): Promise<Found> => {
    const recipient = parseRecipient(crypto, pasted);
    if (recipient.kind !== 'name' && recipient.kind !== 'address') return recipient;
    if (finding.names === undefined) {
      throw new TypeError('To look up names, set an Ethereum node in the settings: “Names and keys”.');
    }
    return foundBy(await messenger.contacts.lookUp(recipient));
  };
  const read = (pasted: string) => {
    setText(pasted);
    void task.run(async () => setFound(await find(pasted)));
  };
  // A link has said it all.
  useEffect(() => {
    if (given !== '') read(given);
  }, []);
  return (
    <section aria-label="Someone">
      {found === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            read(text);
          }}
        >
          <Scanner onText={read} />
          <Area
            label="Or paste a card, a contact code, a key or a name"
            hint="SOTTO:1/…, zQ3sh…, 0x04…, alice.eth, or the contact code of a Status client"
            value={text}
            onValue={setText}
          />
          <Explained error={task.error} />
          <button type="submit" class="primary" disabled={task.busy || text.trim() === ''}>
            {task.busy ? 'Looking…' : 'Read it'}
          </button>
        </form>
      ) : (
        <FoundPerson found={found} onFound={setFound} onCancel={() => setFound(undefined)} />
      )}
    </section>
  );
}

function foundBy({ identity, name, found }: LookUpResult): Found {
  if (identity === undefined) throw new TypeError("No one has this name, or it doesn't lead to a key.");
  return { identity, name, reachable: found };
}

/** Shows whom a card, a key or a name leads to, before they are added. */
function FoundPerson({
  found,
  onFound,
  onCancel,
}: {
  readonly found: Found;
  onFound(found: Found): void;
  onCancel(): void;
}) {
  const { conversations, messenger, identity } = useSession();
  const known = usePerson(found.identity);
  const [name, setName] = useState(known.name || (found.name?.name ?? ''));
  const task = useTask();
  const isOwn = isSame(identity.publicKey, found.identity);
  const double = conversations
    .contacts()
    .find(
      (person) =>
        person.name === name.trim() && name.trim() !== '' && !isSame(person.identity, found.identity),
    );
  const add = async () => {
    // A bundle in the card is checked as any other: as a contact code.
    const who = found.bundle === undefined ? found.identity : encodeContactCode(found.bundle);
    await conversations.addContact(who, name);
    const conversation = { kind: 'direct', peer: found.identity } as const;
    await conversations.open(conversation);
    // With no bundle, look for one: messages have forward secrecy from the first one on then.
    if (found.bundle === undefined && !found.reachable)
      void messenger.contacts.lookUp(found.identity).catch(() => undefined);
    go({ page: 'conversation', conversation });
  };
  return (
    <form
      class="found"
      onSubmit={(event) => {
        event.preventDefault();
        void task.run(add);
      }}
    >
      <Identicon identity={found.identity} size="large" label="The picture of this key" />
      <p class="key">{formatKeyText(crypto, found.identity, 'base58btc')}</p>
      {found.name !== undefined && (
        <p class="hint">
          <bdi>{found.name.name}</bdi> leads to this key. A name verifies nobody: compare safety numbers.
        </p>
      )}
      {found.name?.changedTo !== undefined && (
        <NameChange
          name={found.name}
          onAnswered={(pinned) => onFound({ identity: pinned.identity, name: pinned })}
        />
      )}
      {found.reachable === false && (
        <p class="hint">
          None of their devices was found. The first message is encrypted to the key of this person alone.
        </p>
      )}
      {isOwn && <p class="notice">This is your own card. You can keep notes to yourself with it.</p>}
      {known.contact && <p class="hint">Already one of your contacts.</p>}
      <Field
        label="Name"
        hint={`Only you see it. Without one, they are “${readableName(crypto, found.identity)}”, made from their key.`}
        value={name}
        onValue={setName}
        autofocus
      />
      {double !== undefined && (
        <p class="notice" role="alert">
          Another contact of yours has this name, with <strong>another key</strong>. If this claims to be the
          same person, compare safety numbers before you trust it.
        </p>
      )}
      <Explained error={task.error} />
      <button type="submit" class="primary" disabled={task.busy || found.name?.changedTo !== undefined}>
        {known.contact ? 'Save and write' : 'Add and write'}
      </button>
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}

function JoinChat() {
  const { conversations } = useSession();
  const [name, setName] = useState('');
  const task = useTask();
  const join = async () => {
    const conversation = { kind: 'public', name: name.trim().replace(/^#/, '') } as const;
    await conversations.open(conversation);
    go({ page: 'conversation', conversation });
  };
  return (
    <section aria-label="Public chat">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(join);
        }}
      >
        <Field
          label="Name of the chat"
          hint="Anyone who knows the name can read and write. Use a to z, 0 to 9 and hyphens."
          autofocus
          value={name}
          onValue={setName}
        />
        <Explained error={task.error} />
        <button type="submit" disabled={task.busy || name.trim() === ''}>
          Join
        </button>
      </form>
    </section>
  );
}

function CreateGroup() {
  const { conversations, messenger } = useSession();
  useRevision();
  const contacts = conversations.contacts();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly PublicKey[]>([]);
  const task = useTask();
  const create = async () => {
    const { group } = await messenger.groups.create(name.trim(), chosen);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await conversations.open(conversation);
    go({ page: 'conversation', conversation });
  };
  return (
    <section aria-label="Private group">
      <p class="hint">Only members can read it. You are its administrator.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(create);
        }}
      >
        <Field label="Name of the group" value={name} onValue={setName} autofocus />
        <PersonChoice legend="Members" people={contacts} chosen={chosen} onChosen={setChosen} />
        <Explained error={task.error} />
        <button type="submit" disabled={task.busy || name.trim() === ''}>
          Create
        </button>
      </form>
    </section>
  );
}
