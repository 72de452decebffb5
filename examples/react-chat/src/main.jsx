import { createIndexedDbStore } from '@sotto/store-adapters/indexeddb';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { createRoot } from 'react-dom/client';
import { Chat } from './chat.jsx';
import { openSession } from './session.js';

const url = new URLSearchParams(location.search).get('relay') ?? 'ws://127.0.0.1:8547';
// One tab at a time has the store; the tab opened last gets it.
const store = await createIndexedDbStore({ name: 'chat', whenLocked: 'hand-over' });
const session = await openSession({ store, transport: createSealedTransport(createRelayCarrier({ url })) });
createRoot(document.getElementById('root')).render(<Chat session={session} />);
