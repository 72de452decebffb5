import { explainCode, type Message } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { clockTimeOf } from '../format.js';
import { formatRoute } from '../route.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';
import { Explained } from './explained.js';
import { MessageContent } from './message-content.js';
import { MessageMenu } from './message-menu.js';
import { PersonName } from './person-name.js';
import { Portrait } from './portrait.js';
import { Quote } from './quote.js';
import { Time } from './time.js';
import { TimerOfMessage } from './timer.js';

const STATES: Readonly<Record<Message['state'], readonly [sign: string, words: string]>> = {
  received: ['', ''],
  pending: ['◷', 'Waiting to be sent'],
  sent: ['✓', 'Sent'],
  delivered: ['✓✓', 'Delivered'],
  read: ['✓✓', 'Read'],
  failed: ['!', 'Could not be sent'],
};

interface BubbleProps {
  readonly conversation: Conversation;
  readonly message: Message;
  /** Whether the sender is named: not in a conversation of two. */
  readonly named: boolean;
  /** Whether it is the first, and the last, of a group of messages of one person. */
  readonly first: boolean;
  readonly last: boolean;
  /** Whether it was searched for. */
  readonly found: boolean;
}

/** A message. */
export function Bubble({ conversation, message, named, first, last, found }: BubbleProps) {
  const { own, protection, state, late, sender, sentAt, number } = message;
  const [sign, words] = STATES[state];
  const isNamed = named && first && !own;
  const classes = [
    'bubble',
    own ? 'own' : 'other',
    state,
    first && 'first',
    last && 'last',
    found && 'found',
  ];
  return (
    <div class={classes.filter(Boolean).join(' ')} data-number={number}>
      {isNamed && (
        <a
          class="sender"
          href={formatRoute({ page: 'details', conversation: { kind: 'direct', peer: sender } })}
        >
          <Portrait identity={sender} />
          <PersonName identity={sender} />
        </a>
      )}
      {!isNamed && <span class="sr-only">{own ? 'You' : <PersonName identity={sender} />} wrote:</span>}
      {message.replyTo !== undefined && <Quote conversation={conversation} replyTo={message.replyTo} />}
      <MessageContent conversation={conversation} message={message} />
      <span class="meta">
        {protection === 'dh' && (
          <span title="This message had no forward secrecy">no forward secrecy · </span>
        )}
        {late && <span title="Its author was removed from the group shortly before">after removal · </span>}
        <TimerOfMessage message={message} />
        <Time at={sentAt} as={clockTimeOf} />
        {words !== '' && (
          <span class="state" title={words}>
            <span aria-hidden="true"> {sign}</span>
            <span class="sr-only">, {words}</span>
          </span>
        )}
      </span>
      {state === 'failed' && <Failed message={message} />}
      <MessageMenu conversation={conversation} message={message} />
    </div>
  );
}

/** Why a message was not sent, and what can be done about it. */
function Failed({ message: { id, failure } }: { readonly message: Message }) {
  const { conversations } = useSession();
  const task = useTask();
  return (
    <div class="failure" role="alert">
      <p>{explainCode(failure ?? 'TRANSPORT_REFUSED')}</p>
      <div class="row">
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.retry(id))}
        >
          Try again
        </button>
        <button
          type="button"
          disabled={task.busy}
          onClick={() => void task.run(() => conversations.giveUp(id))}
        >
          Delete
        </button>
      </div>
      <Explained error={task.error} />
    </div>
  );
}
