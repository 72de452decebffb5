import { conversationKey, type Entry, openTimeline, type Timeline } from '@sotto/conversations';
import type { PublicKey } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isSame, nameOf } from '../format.js';
import { useSession } from '../session-context.js';
import { useRevision } from '../use-revision.js';
import { Icon } from './icon.js';
import { type Drawn, linesOf } from './log-lines.js';
import { OutgoingFilesOf } from './outgoing.js';

/** With more unread messages than this, the conversation opens at the first of them. Less are on the page anyway. */
const UNREAD_ON_PAGE = 40;
/** So near to an end of what is loaded, in pixels, the next page is read. */
const NEAR_PX = 300;
/** What was seen is marked as read at most once in so many milliseconds. */
const READ_EVERY_MS = 300;
/** Within so many pixels of the bottom, one is at the end. */
const AT_END_PX = 40;

/** Lets the page of a log tell it that a message is being sent. */
export interface LogControl {
  showEnd(): void;
}

interface LogProps {
  readonly conversation: Conversation;
  /** Number of an entry to begin at. */
  readonly at?: number | undefined;
  readonly control: { current: LogControl | undefined };
}

/** The entries of a conversation: a window that moves with the scrolling. New ones are read out as they come. */
export function Log({ conversation, at, control }: LogProps) {
  const session = useSession();
  const { conversations, identity } = session;
  const log = useRef<HTMLDivElement>(null);
  const timeline = useRef<Timeline | undefined>(undefined);
  const [shown, setShown] = useState<Shown>();
  /** Number of the first entry that is new to the user: a line stands above it. */
  const [firstNew, setFirstNew] = useState<number>();
  const [isAtEnd, setAtEnd] = useState(false);
  /** What stays where it is when entries are drawn: the end, or an entry, at so many pixels from the top. */
  const keep = useRef<'end' | Place>('end');
  /** Whether the place was chosen, rather than found: it is gone to when the entries are there. */
  const chosen = useRef(false);
  const moving = useRef(false);
  /** When something was last marked as read, in milliseconds since the epoch. */
  const readAt = useRef(0);
  const key = conversationKey(conversation);
  useRevision();

  useEffect(() => {
    let over = false;
    const open = async () => {
      const { unread = 0, next = 0 } = conversations.get(conversation) ?? {};
      const beginning = at ?? (unread > UNREAD_ON_PAGE ? Math.max(0, next - unread) : undefined);
      const opened = await openTimeline(conversations, conversation, {
        at: beginning,
        onChange: (changed) => {
          if (over) return;
          note();
          setShown({ ...viewOf(changed) });
        },
      });
      if (over) return opened.close();
      timeline.current = opened;
      const before = opened.entries.filter(({ number }) => number < next);
      const first = beginning !== undefined && at === undefined ? beginning : firstUnread(before, unread);
      setFirstNew(first);
      const start = at ?? first;
      keep.current = start === undefined ? 'end' : { number: start, top: 80 };
      chosen.current = true;
      setShown(viewOf(opened));
    };
    // A store that was closed meanwhile: the page is going away.
    void open().catch(() => undefined);
    return () => {
      over = true;
      timeline.current?.close();
      timeline.current = undefined;
    };
  }, [conversations, key, at]);

  /** Notes what has to stay in its place while entries change. */
  const note = () => {
    const { current: element } = log;
    if (element === null || chosen.current) return;
    // As it is now: the event of the last scrolling may be still to come.
    keep.current = endIsSeen(element, timeline.current) ? 'end' : (placeOf(element) ?? keep.current);
  };

  useLayoutEffect(() => {
    const { current: element } = log;
    if (element === null || shown === undefined) return;
    chosen.current = false;
    if (keep.current === 'end') element.scrollTop = element.scrollHeight;
    else {
      const { number, top } = keep.current;
      element.scrollTop += (topOf(element, number) ?? top) - top;
    }
    onScroll();
  }, [shown]);

  const onScroll = () => {
    const { current: element } = log;
    const { current: window } = timeline;
    if (element === null || window === undefined) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const below = scrollHeight - clientHeight - scrollTop;
    const atEnd = endIsSeen(element, window);
    window.following = atEnd;
    setAtEnd(atEnd);
    if (scrollTop < NEAR_PX && window.hasEarlier) move(() => window.earlier());
    else if (below < NEAR_PX && window.hasLater) move(() => window.later());
  };

  const move = (run: () => Promise<void>) => {
    if (moving.current) return;
    moving.current = true;
    void run()
      .catch(() => undefined)
      .finally(() => {
        moving.current = false;
      });
  };

  /** By its button, which may have been reached by keyboard from further down: what was first stays in sight. */
  const earlier = () => {
    const [first] = shown?.entries ?? [];
    const { current: element } = log;
    if (first === undefined || element === null) return;
    const top = Math.max(0, topOf(element, first.number) ?? 0);
    move(async () => {
      keep.current = { number: first.number, top: Math.min(top, element.clientHeight / 2) };
      chosen.current = true;
      await timeline.current?.earlier();
    });
  };

  const showEnd = () => {
    keep.current = 'end';
    chosen.current = true;
    void timeline.current?.toEnd().catch(() => undefined);
  };
  control.current = {
    showEnd() {
      setFirstNew(undefined);
      showEnd();
    },
  };

  // What is at the end and can be seen was read.
  const { unread = 0, next = 0 } = conversations.get(conversation) ?? {};
  useEffect(() => {
    // Of a message that has arrived but isn't shown yet, nothing was seen.
    if (shown === undefined || !isAtEnd || unread === 0 || (shown.entries.at(-1)?.number ?? 0) < next - 1)
      return;
    const read = () => {
      if (document.visibilityState !== 'visible') {
        // What comes while nobody looks is new when they are back.
        setFirstNew((first) => first ?? firstUnread(shown.entries, unread));
        return;
      }
      readAt.current = Date.now();
      void conversations.markRead(conversation).catch(() => undefined);
    };
    // The first at once; of many that come together, not each.
    const timer = setTimeout(read, Math.max(0, readAt.current + READ_EVERY_MS - Date.now()));
    document.addEventListener('visibilitychange', read);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', read);
    };
  }, [shown, isAtEnd, unread, next]);

  const drawn = useRef(new Map<number, Drawn>());
  const nameFor = (person: PublicKey) =>
    isSame(person, identity.publicKey) ? 'you' : nameOf(session, person);
  return (
    <div class="log-frame">
      <div
        class="log"
        role="log"
        aria-label="Messages"
        // What is new is read out, and not what was looked for further up.
        aria-live={isAtEnd ? 'polite' : 'off'}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to get there
        tabIndex={0}
        ref={log}
        onScroll={onScroll}
      >
        {shown?.hasEarlier && (
          <button type="button" class="earlier" onClick={earlier}>
            Earlier messages
          </button>
        )}
        {shown !== undefined && shown.entries.length === 0 && (
          <p class="happened">No messages yet. Write the first one.</p>
        )}
        {shown !== undefined &&
          linesOf(drawn.current, {
            conversation,
            entries: shown.entries,
            firstNew,
            found: at,
            nameFor,
          })}
        <OutgoingFilesOf conversation={conversation} />
      </div>
      {shown !== undefined && !isAtEnd && (
        <button type="button" class="to-end" onClick={showEnd}>
          <Icon name="down" />
          {unread > 0 ? `${unread} new` : 'To the end'}
        </button>
      )}
    </div>
  );
}

/** An entry, and how many pixels it is below the top. */
interface Place {
  readonly number: number;
  readonly top: number;
}

function endIsSeen(
  { scrollTop, scrollHeight, clientHeight }: HTMLElement,
  timeline: Timeline | undefined,
): boolean {
  return scrollHeight - clientHeight - scrollTop < AT_END_PX && timeline?.hasLater !== true;
}

interface Shown {
  readonly entries: readonly Entry[];
  readonly hasEarlier: boolean;
}

function viewOf({ entries, hasEarlier }: Timeline): Shown {
  return { entries, hasEarlier };
}

/** How many pixels an entry is below the top of what is shown; `undefined` when it isn't drawn. */
function topOf(log: HTMLElement, number: number): number | undefined {
  const entry = log.querySelector(`[data-number="${number}"]`);
  return entry === null ? undefined : entry.getBoundingClientRect().top - log.getBoundingClientRect().top;
}

/** The first entry that can be seen, and where. */
function placeOf(log: HTMLElement): Place | undefined {
  const { top } = log.getBoundingClientRect();
  for (const entry of log.querySelectorAll<HTMLElement>('[data-number]')) {
    const place = entry.getBoundingClientRect();
    if (place.bottom > top) return { number: Number(entry.dataset['number']), top: place.top - top };
  }
  return undefined;
}

/** The number of the first of so many unread messages; `undefined` when there is none. */
function firstUnread(entries: readonly Entry[], unread: number): number | undefined {
  if (unread === 0) return undefined;
  const others = entries.filter((entry) => entry.kind === 'message' && !entry.own);
  return others.at(-Math.min(unread, others.length))?.number;
}
