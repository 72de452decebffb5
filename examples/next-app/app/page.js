'use client';

import { defaultProvider } from '@sotto/crypto';
import { createMessenger, readAccount, writeAccount } from '@sotto/messenger';
import { createIndexedDbStore } from '@sotto/store-adapters/indexeddb';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { useEffect, useState } from 'react';

export default function Page() {
  const [lines, setLines] = useState([]);
  useEffect(() => {
    const opened = open((text) => setLines((before) => [...before, { text, number: before.length }]));
    return () => void opened.then((messenger) => messenger.close());
  }, []);
  return (
    <ul>
      {lines.map(({ text, number }) => (
        <li key={number}>{text}</li>
      ))}
    </ul>
  );
}

/** The messenger of this browser. It asks the server for a message to itself. */
async function open(show) {
  const crypto = defaultProvider();
  const store = await createIndexedDbStore({ name: 'alerts', whenLocked: 'hand-over' });
  let identity = await readAccount(store, crypto);
  if (identity === undefined) {
    identity = crypto.secp256k1.generateKeyPair();
    await writeAccount(store, identity, crypto);
  }
  const url = process.env.NEXT_PUBLIC_RELAY_URL ?? 'ws://127.0.0.1:8547';
  const transport = createSealedTransport(createRelayCarrier({ url }));
  const messenger = await createMessenger({ identity, store, transport });
  messenger.on('message', async (message) => {
    show(new TextDecoder().decode(message.payload));
    await message.acknowledge();
  });
  await messenger.start({ retry: true });
  const to = await messenger.contacts.ownCode();
  await fetch('/api/notify', {
    method: 'POST',
    body: JSON.stringify({ to, text: 'Hello from the server.' }),
  });
  return messenger;
}
