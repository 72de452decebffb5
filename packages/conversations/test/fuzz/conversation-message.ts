import type { FuzzTarget } from '@sotto/testing/fuzz';
import { demand } from '@sotto/testing/fuzz';
import { decodeConversationMessage, encodeConversationMessage } from '../../src/conversation-message.js';

const timer = { seconds: 60, changedAt: 1_700_000_000 };

export default {
  about: 'what conversations put into payloads: files, disappearing texts, settings',
  *seeds() {
    yield encodeConversationMessage({ kind: 'text', text: 'hello', replyTo: undefined, timer });
    yield encodeConversationMessage({
      kind: 'file',
      attachment: Uint8Array.of(1, 2),
      text: 'a file',
      timer: undefined,
    });
    yield encodeConversationMessage({ kind: 'timer-change', timer });
  },
  run(data) {
    const message = decodeConversationMessage(data);
    if (message === undefined) return;
    const again = decodeConversationMessage(encodeConversationMessage(message));
    demand(JSON.stringify(again) === JSON.stringify(message), 'What was decoded changes when it is encoded.');
  },
} satisfies FuzzTarget;
