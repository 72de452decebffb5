import type { PublicKey } from '@sotto/core';
import { type ContactCard, formatKeyText, parseContact } from '@sotto/identity';
import { encodeContactCode } from '@sotto/protocol-codec';
import { useState } from 'preact/hooks';
import { Explained } from '../components/explained.js';
import { Area, Field } from '../components/field.js';
import { Identicon } from '../components/identicon.js';
import { Page } from '../components/page.js';
import { PersonChoice } from '../components/person-choice.js';
import { Scanner } from '../components/scanner.js';
import { isSame } from '../format.js';
import { go } from '../route.js';
import { crypto } from '../session.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';

/** The ways to begin: someone's card, a public chat, a private group. */
export function New({ text }: { readonly text: string }) {
  return (
    <Page title="New conversation">
      <AddPerson text={text} />
      <JoinChat />
      <CreateGroup />
    </Page>
  );
}

function AddPerson({ text: given }: { readonly text: string }) {
  const [text, setText] = useState(given);
  const [card, setCard] = useState<ContactCard>();
  const task = useTask();
  const read = (pasted: string) => {
    setText(pasted);
    void task.run(async () => setCard(parseContact(crypto, pasted)));
  };
  return (
    <section aria-labelledby="add-person">
      <h2 id="add-person">Someone</h2>
      {card === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            read(text);
          }}
        >
          <Scanner onText={read} />
          <Area
            label="Or paste a card, a contact code or a key"
            hint="SOTTO:1/…, zQ3sh…, 0x04…, or the contact code of a Status client"
            value={text}
            onValue={setText}
          />
          <Explained error={task.error} />
          <button type="submit" class="primary" disabled={task.busy || text.trim() === ''}>
            Read it
          </button>
        </form>
      ) : (
        <FoundPerson card={card} onCancel={() => setCard(undefined)} />
      )}
    </section>
  );
}

/** Shows who the card names, before they are added. */
function FoundPerson({ card, onCancel }: { readonly card: ContactCard; readonly onCancel: () => void }) {
  const { conversations, messenger, identity } = useSession();
  const known = conversations.person(card.identity);
  const [name, setName] = useState(known.name);
  const task = useTask();
  const isOwn = isSame(identity.publicKey, card.identity);
  const double = conversations
    .contacts()
    .find(
      (person) =>
        person.name === name.trim() && name.trim() !== '' && !isSame(person.identity, card.identity),
    );
  const add = async () => {
    // A bundle in the card is checked as any other: as a contact code.
    const who = card.bundle === undefined ? card.identity : encodeContactCode(card.bundle);
    await conversations.addContact(who, name);
    const conversation = { kind: 'direct', peer: card.identity } as const;
    await conversations.open(conversation);
    // With no bundle, look for one: messages have forward secrecy from the first one on then.
    if (card.bundle === undefined) void messenger.contacts.lookUp(card.identity).catch(() => undefined);
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
      <Identicon identity={card.identity} size="large" label="The picture of this key" />
      <p class="key">{formatKeyText(crypto, card.identity, 'base58btc')}</p>
      {isOwn && <p class="notice">This is your own card. You can keep notes to yourself with it.</p>}
      {known.contact && <p class="hint">Already among your contacts.</p>}
      <Field label="Name" hint="Only you see it." value={name} onValue={setName} />
      {double !== undefined && (
        <p class="notice" role="alert">
          Another contact of yours has this name, with <strong>another key</strong>. If this claims to be the
          same person, compare safety numbers before you trust it.
        </p>
      )}
      <Explained error={task.error} />
      <button type="submit" class="primary" disabled={task.busy}>
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
    <section aria-labelledby="join-chat">
      <h2 id="join-chat">Public chat</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(join);
        }}
      >
        <Field
          label="Name of the chat"
          hint="Whoever knows the name can read and write: a to z, 0 to 9 and hyphens."
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
  const { conversations, messenger, revision } = useSession();
  void revision.value;
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
    <section aria-labelledby="create-group">
      <h2 id="create-group">Private group</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void task.run(create);
        }}
      >
        <Field label="Name of the group" value={name} onValue={setName} />
        <PersonChoice legend="Members" people={contacts} chosen={chosen} onChosen={setChosen} />
        <Explained error={task.error} />
        <button type="submit" disabled={task.busy || name.trim() === ''}>
          Create
        </button>
      </form>
    </section>
  );
}
