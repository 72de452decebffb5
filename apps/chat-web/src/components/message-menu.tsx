import { conversationKey, type Message } from '@sotto/conversations';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { fullTimeOf } from '../format.js';
import { useSession } from '../session-context.js';
import { useTask } from '../use-task.js';
import { ConfirmButton } from './confirm-button.js';
import { Explained } from './explained.js';
import { Icon } from './icon.js';
import { isOwn, REACTIONS } from './message-content.js';

/** Pixels that stay free between a menu and the edge of the window. */
const MARGIN_PX = 8;

interface MessageMenuProps {
  readonly conversation: Conversation;
  readonly message: Message;
}

/** What can be done with a message, and what is known of it. */
export function MessageMenu({ conversation, message }: MessageMenuProps) {
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = ({ target }: Event) => {
      if (!menu.current?.contains(target as Node)) setOpen(false);
    };
    // Wherever the focus is: that of a question is lost with it.
    const closeByKey = ({ key }: KeyboardEvent) => {
      if (key !== 'Escape') return;
      setOpen(false);
      menu.current?.querySelector('button')?.focus();
    };
    document.addEventListener('keydown', closeByKey);
    document.addEventListener('pointerdown', close);
    document.addEventListener('focusin', close);
    return () => {
      document.removeEventListener('keydown', closeByKey);
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('focusin', close);
    };
  }, [open]);
  return (
    <div class="message-menu" ref={menu}>
      <button
        type="button"
        class="more"
        aria-label="Message menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="more" />
      </button>
      {open && <Menu conversation={conversation} message={message} onClose={() => setOpen(false)} />}
    </div>
  );
}

/** The six reactions; one that we made is taken back. */
function Reacting({ conversation, message, onClose }: MessageMenuProps & { onClose(): void }) {
  const { conversations, identity } = useSession();
  const task = useTask();
  const ours = new Set(
    message.reactions.filter((one) => isOwn(one, identity.publicKey)).map(({ reaction }) => reaction),
  );
  const react = async (number: number) => {
    await conversations.react(conversation, message, number, { retracted: ours.has(number) });
    onClose();
  };
  return (
    <>
      <fieldset class="reacting" aria-label="React">
        {[...REACTIONS].map(([number, [sign, words]]) => (
          <button
            key={number}
            type="button"
            aria-label={words}
            aria-pressed={ours.has(number)}
            disabled={task.busy}
            onClick={() => void task.run(() => react(number))}
          >
            {sign}
          </button>
        ))}
      </fieldset>
      <Explained error={task.error} />
    </>
  );
}

function Menu({ conversation, message, onClose }: MessageMenuProps & { onClose(): void }) {
  const { conversations, withStatus, writing } = useSession();
  const task = useTask();
  const write = (what: 'reply' | 'edit') => {
    writing.value = { key: conversationKey(conversation), what, message };
    onClose();
  };
  const { content, own, reference, protection, sealedSender, sentAt, storedAt, verified } = message;
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => (element.current === null ? undefined : keepInWindow(element.current, onClose)), []);
  return (
    <div class="menu" ref={element}>
      {content.kind === 'text' && (
        <button
          type="button"
          onClick={() => {
            void navigator.clipboard.writeText(content.text);
            onClose();
          }}
        >
          Copy the text
        </button>
      )}
      {withStatus && reference !== undefined && (
        <Reacting conversation={conversation} message={message} onClose={onClose} />
      )}
      {withStatus && reference !== undefined && content.kind !== 'deleted' && (
        <button type="button" onClick={() => write('reply')}>
          Reply
        </button>
      )}
      {withStatus && reference !== undefined && own && content.kind === 'text' && (
        <button type="button" onClick={() => write('edit')}>
          Edit
        </button>
      )}
      {withStatus && reference !== undefined && own && content.kind !== 'deleted' && (
        <ConfirmButton
          label="Delete for all"
          question="Delete what stands in it for everyone? Programs that don't know this go on showing it."
          busy={task.busy}
          onConfirm={() => void task.run(() => conversations.deleteForAll(conversation, message))}
        />
      )}
      <ConfirmButton
        label="Delete here"
        question="Delete this message on this device? Whoever else has it keeps it."
        busy={task.busy}
        onConfirm={() => void task.run(() => conversations.deleteForMe(conversation, message))}
      />
      <Explained error={task.error} />
      <dl>
        <dt>Sent</dt>
        <dd>{fullTimeOf(sentAt)}</dd>
        {!own && (
          <>
            <dt>Arrived</dt>
            <dd>{fullTimeOf(storedAt)}</dd>
          </>
        )}
        <dt>Protection</dt>
        <dd>{PROTECTIONS[protection]}</dd>
        {sealedSender && (
          <>
            <dt>On its way</dt>
            <dd>sealed: only its sender and recipient can tell who sent it</dd>
          </>
        )}
        {!own && (
          <>
            <dt>Sender</dt>
            <dd>{verified ? 'was verified' : 'was not verified'}</dd>
          </>
        )}
      </dl>
    </div>
  );
}

/**
 * Places a menu below its button, above it where there is no room, and always within the window. It follows when the log is scrolled, such
 * as by a new message, and is closed when its button goes out of sight. Returns what ends that.
 */
function keepInWindow(menu: HTMLElement, onClose: () => void): () => void {
  const button = menu.parentElement?.querySelector('.more');
  const log = menu.closest('.log');
  if (!button || !log) return () => {};
  const place = () => {
    const at = button.getBoundingClientRect();
    const frame = log.getBoundingClientRect();
    if (at.bottom < frame.top || at.top > frame.bottom) return onClose();
    const { width, height } = menu.getBoundingClientRect();
    const below = at.bottom;
    const above = at.top - height;
    const fitsBelow = below + height + MARGIN_PX <= innerHeight;
    menu.style.top = `${within(fitsBelow ? below : above, innerHeight - height)}px`;
    // Towards the middle of the log, as its button is beside the message.
    const isOwn = menu.closest('.own') !== null;
    menu.style.left = `${within(isOwn ? at.right - width : at.left, innerWidth - width)}px`;
  };
  // A question makes it higher.
  const observer = new ResizeObserver(place);
  observer.observe(menu);
  log.addEventListener('scroll', place);
  addEventListener('resize', place);
  place();
  return () => {
    observer.disconnect();
    log.removeEventListener('scroll', place);
    removeEventListener('resize', place);
  };
}

/** A place on the screen, moved to where it keeps the margin from both ends. */
function within(place: number, end: number): number {
  return Math.max(MARGIN_PX, Math.min(place, end - MARGIN_PX));
}

const PROTECTIONS: Readonly<Record<Message['protection'], string>> = {
  pq: 'forward secrecy, post-quantum',
  dr: 'forward secrecy',
  dh: 'encrypted, no forward secrecy',
  public: 'none: public',
};
