import { type Clock, SerialQueue, systemClock } from '@sotto/core';
import type { Conversation } from '@sotto/messenger';
import { conversationKey } from './conversation.js';
import type { Change, Conversations } from './conversations.js';
import type { Entry } from './entry.js';

/** What {@link openTimeline} needs. */
export interface TimelineOptions {
  /** Called when `entries`, `hasEarlier` or `hasLater` have changed. */
  readonly onChange: (timeline: Timeline) => void;
  /** Number of an entry to begin at, such as the first unread one, with a page around it. Default: the latest page. */
  readonly at?: number | undefined;
  /** Entries read at once. Default 50: two screens of short messages. */
  readonly pageSize?: number | undefined;
  /** Most entries held; those at the other end are dropped. Default 200, which browsers lay out in some milliseconds. */
  readonly maxEntries?: number | undefined;
  /** Changes that come within this many milliseconds are read together. Default 50: imperceptible. */
  readonly gatherMs?: number | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
}

/**
 * A window on the entries of a conversation, kept current. It holds a bounded number of entries, and reads only those that
 * are new or have changed, so an arriving message costs the same however long the conversation is and however much of it was
 * looked at. Entries that have not changed stay the same objects.
 */
export interface Timeline {
  /** The entries of the window, in order. */
  readonly entries: readonly Entry[];
  /** Whether there are entries before the window. */
  readonly hasEarlier: boolean;
  /** Whether there are entries after the window. */
  readonly hasLater: boolean;
  /**
   * Whether the end is being looked at: then new entries push the oldest out of a full window. Otherwise a full window stays
   * where it is, and `hasLater` says that there are more. Default `true`; set it as the user scrolls.
   */
  following: boolean;
  /** Moves the window a page towards the beginning. @throws STORE codes */
  earlier(): Promise<void>;
  /** Moves the window a page towards the end. @throws STORE codes */
  later(): Promise<void>;
  /** Shows the latest page. @throws STORE codes */
  toEnd(): Promise<void>;
  /** Shows a page around an entry. @throws STORE codes */
  around(number: number): Promise<void>;
  /** Stops listening. */
  close(): void;
}

/**
 * Opens a window on a conversation.
 * @throws STORE_UNAVAILABLE, CLOSED
 */
export async function openTimeline(
  conversations: Conversations,
  conversation: Conversation,
  options: TimelineOptions,
): Promise<Timeline> {
  const timeline = new Window(conversations, conversation, options);
  await (options.at === undefined ? timeline.toEnd() : timeline.around(options.at));
  return timeline;
}

class Window implements Timeline {
  entries: readonly Entry[] = [];
  following = true;
  readonly #conversations: Conversations;
  readonly #conversation: Conversation;
  readonly #key: string;
  readonly #onChange: (timeline: Timeline) => void;
  readonly #pageSize: number;
  readonly #maxEntries: number;
  readonly #gatherMs: number;
  readonly #clock: Clock;
  readonly #queue = new SerialQueue();
  /** The numbers of the window: from one up to, but not including, another. Deleted entries leave gaps. */
  #from = 0;
  #to = 0;
  /** Number of the next entry when entries were last read. */
  #end = 0;
  /** Numbers of entries that have changed since they were read. */
  #changed: Set<number> | 'any' = new Set();
  /** Cancels the reading of changes that is due. */
  #cancel: (() => void) | undefined;
  readonly #stop: () => void;
  #closed = false;

  constructor(
    conversations: Conversations,
    conversation: Conversation,
    { onChange, pageSize = 50, maxEntries = 200, gatherMs = 50, clock = systemClock }: TimelineOptions,
  ) {
    this.#conversations = conversations;
    this.#conversation = conversation;
    this.#key = conversationKey(conversation);
    this.#onChange = onChange;
    this.#pageSize = pageSize;
    this.#maxEntries = Math.max(maxEntries, 2 * pageSize);
    this.#gatherMs = gatherMs;
    this.#clock = clock;
    this.#stop = conversations.subscribe((change) => this.#note(change));
  }

  get hasEarlier(): boolean {
    return this.#from > 0;
  }

  get hasLater(): boolean {
    return this.#to < this.#end;
  }

  /** Number of the next entry of the conversation. */
  get #next(): number {
    return this.#conversations.get(this.#conversation)?.next ?? 0;
  }

  earlier(): Promise<void> {
    return this.#run(() => this.#addEarlier());
  }

  later(): Promise<void> {
    return this.#run(async () => {
      const before = this.entries.at(-1);
      // Many deleted entries may be next to each other.
      while (this.hasLater && this.entries.at(-1) === before)
        await this.#addUpTo(Math.min(this.#end, this.#to + this.#pageSize));
    });
  }

  toEnd(): Promise<void> {
    return this.#run(async () => {
      const page = await this.#pageBefore(this.#end);
      this.#show(page, this.#startOf(page), this.#end);
    });
  }

  around(number: number): Promise<void> {
    return this.#run(async () => {
      const from = Math.max(0, number - Math.floor(this.#pageSize / 2));
      const to = Math.min(this.#end, from + this.#pageSize);
      this.#show(await this.#read(from, to), from, to);
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#stop();
  }

  #run(change: () => Promise<void>): Promise<void> {
    return this.#queue.run(async () => {
      this.#end = this.#next;
      await change();
      this.#tell();
    });
  }

  /** The page before a number, whatever was deleted between. */
  #pageBefore(number: number): Promise<readonly Entry[]> {
    return this.#conversations.entries(this.#conversation, { before: number, limit: this.#pageSize });
  }

  /** Where a window begins that begins with a page. */
  #startOf(page: readonly Entry[]): number {
    return page.length < this.#pageSize ? 0 : (page[0] as Entry).number;
  }

  async #addEarlier(): Promise<void> {
    const page = await this.#pageBefore(this.#from);
    const all = [...page, ...this.entries];
    this.entries = all.slice(0, this.#maxEntries);
    this.#from = this.#startOf(page);
    if (all.length > this.#maxEntries) this.#to = (this.entries.at(-1) as Entry).number + 1;
  }

  async #addUpTo(to: number): Promise<void> {
    const all = [...this.entries, ...(await this.#read(this.#to, to))];
    this.entries = all.slice(-this.#maxEntries);
    if (all.length > this.#maxEntries) this.#from = (this.entries[0] as Entry).number;
    this.#to = to;
  }

  /** Makes the window span these numbers. Entries that it had stay the same objects. */
  #show(entries: readonly Entry[], from: number, to: number): void {
    const old = new Map(this.entries.map((entry) => [entry.number, entry]));
    this.entries = entries.map((entry) => old.get(entry.number) ?? entry);
    this.#from = from;
    this.#to = to;
  }

  async #read(from: number, to: number): Promise<readonly Entry[]> {
    if (from >= to) return [];
    return this.#conversations.entries(this.#conversation, { from, before: to, limit: to - from });
  }

  #note(change: Change): void {
    if (change.what === 'removed' && change.key === this.#key) this.#changed = 'any';
    else if (change.what === 'conversation' && change.key === this.#key) {
      if (change.numbers === undefined) this.#changed = 'any';
      else if (this.#changed !== 'any') for (const number of change.numbers) this.#changed.add(number);
      if (change.numbers?.length === 0) return;
    } else return;
    this.#cancel ??= this.#clock.after(this.#gatherMs, () => {
      this.#cancel = undefined;
      // A store that was closed meanwhile: so is the conversation.
      this.#queue.run(() => this.#catchUp()).catch(() => undefined);
    });
  }

  async #catchUp(): Promise<void> {
    if (this.#closed) return;
    const changed = this.#changed;
    this.#changed = new Set();
    const next = this.#next;
    if (changed === 'any' || next < this.#to) {
      const to = Math.min(this.#to, next);
      this.entries = await this.#read(this.#from, to);
      this.#to = to;
      this.#from = Math.min(this.#from, to);
      this.#end = Math.min(this.#end, next);
    } else {
      const old = [...changed].filter((number) => number >= this.#from && number < this.#to);
      for (const number of old) this.#replace(number, (await this.#read(number, number + 1))[0]);
    }
    await this.#append(next);
    // Those in the window may all have disappeared.
    if (this.entries.length === 0 && this.hasEarlier) await this.#addEarlier();
    this.#tell();
  }

  #replace(number: number, entry: Entry | undefined): void {
    this.entries = this.entries.flatMap((other) => {
      if (other.number !== number) return [other];
      return entry === undefined ? [] : [entry];
    });
  }

  /** Takes in what was added to the conversation, unless the window had not reached its end before. */
  async #append(next: number): Promise<void> {
    const wasAtEnd = this.#to >= this.#end;
    this.#end = next;
    if (!wasAtEnd || next <= this.#to) return;
    const room = this.#maxEntries - (next - this.#to);
    if (this.following && room < 0) {
      const from = next - this.#maxEntries;
      this.#show(await this.#read(from, next), from, next);
    } else if (this.following || this.entries.length <= room) await this.#addUpTo(next);
  }

  #tell(): void {
    if (!this.#closed) this.#onChange(this);
  }
}
