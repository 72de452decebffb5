import { useEffect, useState } from 'react';
import { useConversations, useEntries } from './use-chat.js';

export function Chat({ session: { messenger, conversations } }) {
  const list = useConversations(conversations);
  const [key, open] = useState();
  const [code, setCode] = useState('');
  const opened = list.find((one) => one.key === key) ?? list[0];
  useEffect(() => {
    messenger.contacts.ownCode().then(setCode);
  }, [messenger]);

  async function add(form) {
    const person = await conversations.addContact(form.get('code').trim(), form.get('name'));
    await conversations.open({ kind: 'direct', peer: person.identity });
  }

  return (
    <main>
      <p>
        My contact code: <output>{code}</output>
      </p>
      <form action={add}>
        <input name="code" placeholder="Contact code" required />
        <input name="name" placeholder="Name" required />
        <button type="submit">Add</button>
      </form>
      <nav>
        {list.map((one) => (
          <button type="button" key={one.key} onClick={() => open(one.key)}>
            {titleOf(conversations, one)} {one.unread > 0 && `(${one.unread})`}
          </button>
        ))}
      </nav>
      {opened && <Conversation key={opened.key} conversations={conversations} of={opened} />}
    </main>
  );
}

function Conversation({ conversations, of: { conversation } }) {
  const entries = useEntries(conversations, conversation);
  const send = (form) => conversations.send(conversation, form.get('text'));
  return (
    <section>
      <ol>
        {entries.map((entry) =>
          entry.kind === 'message' && entry.content.kind === 'text' ? (
            <li key={entry.number}>
              {entry.own ? 'You: ' : ''}
              {entry.content.text}
            </li>
          ) : null,
        )}
      </ol>
      <form action={send}>
        <input name="text" placeholder="Message" required />
        <button type="submit">Send</button>
      </form>
    </section>
  );
}

function titleOf(conversations, { conversation, group }) {
  if (conversation.kind === 'public') return `#${conversation.name}`;
  if (conversation.kind === 'group') return group?.name ?? 'A group';
  return conversations.person(conversation.peer).name || 'Somebody unknown';
}
