import type {
  Change,
  Conversations,
  HiddenMessageOf,
  HiddenMessageOutcome,
  HiddenMessageSource,
} from '@sotto/conversations';
import {
  type Clock,
  compareBytes,
  encodeHex,
  errorName,
  isSottoError,
  type Logger,
  type PublicKey,
  parseObject,
  SerialQueue,
  type Store,
  silentLogger,
  systemClock,
  type Write,
} from '@sotto/core';
import type { Messenger } from '@sotto/messenger';
import { answerTo, askAll, askOne } from './anti-entropy.js';
import {
  AT_ONCE,
  DIGEST_INTERVAL_MS,
  DIGEST_PAUSE_MS,
  GATHER_DRAFTS_MS,
  GATHER_MS,
  RETRY_MS,
} from './limits.js';
import { isTransient, LocalState, numberIn, type Place, type Reading } from './local-state.js';
import { Lock } from './lock.js';
import { decodePosition, isLater } from './read-position.js';
import { compareEntries, type Entry, isSafe, isSame, KIND, nameOf, Registers } from './registers.js';
import { clockWrite, entryDeletion, entryWrite, type KeptEntry, readAll } from './storage.js';
import { decodeSyncMessage, encodeSyncMessage, fits, inMessages, type SyncMessage } from './sync-message.js';

/** What {@link createDeviceSync} needs. */
export interface DeviceSyncOptions {
  /** Not started yet: messages that it emits before are missed until its next start. */
  readonly messenger: Messenger;
  /** Over the same messenger, with its option `status` or without. */
  readonly conversations: Conversations;
  /** The messenger's store; the messenger closes it. */
  readonly store: Store;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Receives events and codes, never contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

/**
 * Makes the devices of this identity agree on contacts with their names, what comparing safety numbers has shown, whom the user has
 * accepted or blocked, public chats, muted conversations, drafts and what was read. Call it between `createConversations` and `start` of
 * the messenger. Only devices that the user has enabled take part: `messenger.devices.enable`, or `pairDevice` of
 * `@sotto/device-linking`, on both.
 * @throws INVALID_ARGUMENT, STORE codes
 */
export async function createDeviceSync(options: DeviceSyncOptions): Promise<DeviceSync> {
  parseObject(options, 'options', 'messenger', 'conversations', 'store');
  parseObject(options.messenger, 'messenger', 'on', 'devices');
  parseObject(options.conversations, 'conversations', 'onHidden', 'sendHidden');
  const sync = new DeviceSync(options);
  await sync.load();
  return sync;
}

/** In which order entries are applied: who is who first. */
const ORDER: readonly number[] = [
  KIND.standing,
  KIND.contact,
  KIND.trust,
  KIND.chat,
  KIND.mute,
  KIND.draft,
  KIND.read,
];

/** Entries that are about to be stored, by name. */
type Batch = Map<string, KeptEntry>;

/** Agreement among the devices of one identity. Made by {@link createDeviceSync}. */
export class DeviceSync {
  readonly #messenger: Messenger;
  readonly #conversations: Conversations;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #local: LocalState;
  #registers: Registers<KeptEntry>;
  /** Names of entries that aren't applied here yet. */
  readonly #pending = new Set<string>();
  /** Installation ids of devices that have told something new since they were asked for more. */
  readonly #withNews = new Set<string>();
  /** Held from when entries are compared until what comes of it is stored. Nobody who has it waits for conversations. */
  readonly #lock = new Lock();
  readonly #queue = new SerialQueue();
  readonly #stops: (() => void)[] = [];
  /** Whether everything here is read for the first time. */
  #isFirst = false;
  /** Whether records of earlier runs are damaged, and it isn't known what they said. */
  #hasLost = false;
  /** What may have changed here. */
  readonly #changed = {
    anything: false,
    everyone: false,
    /** Identities in hex. */
    people: new Set<string>(),
    conversations: new Set<string>(),
    drafts: new Set<string>(),
  };
  #cancelFlush: (() => void) | undefined;
  #cancelDrafts: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelAsk = () => {};
  #askAt = Number.POSITIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** @internal */
  constructor({
    messenger,
    conversations,
    store,
    clock = systemClock,
    logger = silentLogger,
  }: DeviceSyncOptions) {
    this.#messenger = messenger;
    this.#conversations = conversations;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.#local = new LocalState(messenger, conversations);
    this.#registers = new Registers(messenger.installationId, 0);
  }

  /** @internal Goes on where an earlier run was, takes in what has changed since, and begins to listen. */
  async load(): Promise<void> {
    const { latest, entries, isComplete } = await readAll(this.#store, this.#logger);
    this.#registers = new Registers(this.#messenger.installationId, latest ?? 0);
    for (const entry of entries) this.#set(entry);
    this.#isFirst = latest === undefined;
    this.#hasLost = !isComplete;
    await this.#apply([...this.#pending]);
    await this.#takeIn(this.#everything());
    if (this.#isFirst) await this.#store.commit([clockWrite(Math.max(1, this.#registers.latest))]);
    this.#isFirst = false;
    this.#hasLost = false;
    const { identity } = this.#messenger;
    const isOurs = (other: Uint8Array) => compareBytes(other, identity) === 0;
    this.#stops.push(
      this.#conversations.onHidden('sync', (message, from) => this.#receive(message, from)),
      this.#conversations.subscribe((change) => this.#note(change)),
      this.#messenger.on('accepted', (event) => {
        this.#local.noteAccepted(event.identity);
        this.#notePerson(event.identity);
      }),
      this.#messenger.on('blocked', (event) => {
        if (event.blocked) this.#local.noteBlocked(event.identity);
        this.#notePerson(event.identity);
      }),
      this.#messenger.on('deviceEnabled', ({ enabled }) => {
        if (enabled) this.#ask(0);
      }),
      this.#messenger.on('status', (status) => {
        if (status === 'connected') this.#askSoon();
      }),
      this.#messenger.on('decryptionFailed', ({ sender }) => {
        if (isOurs(sender)) this.#askSoon();
      }),
      this.#messenger.on('sessionReset', (event) => {
        if (isOurs(event.identity)) this.#askSoon();
      }),
    );
    this.#ask(0);
  }

  /**
   * Sends what has changed here now, rather than half a second later, drafts five seconds. Resolves when it is stored, and what has come
   * from other devices is applied.
   * @throws STORE codes, CLOSED
   */
  async flush(): Promise<void> {
    await this.#queue.run(() => this.#flush(true));
  }

  /**
   * Compares with the other devices now. That happens by itself at the start, with a new connection, with a newly enabled device, after a
   * message that can't be read, and every six hours.
   */
  async compare(): Promise<void> {
    await this.#queue.run(() => this.#sendQuestion());
  }

  /** Takes in what has changed, stops listening, and waits for what is in progress. Close conversations and messenger after it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    for (const stop of this.#stops.splice(0)) stop();
    await this.flush().catch(() => undefined);
    this.#closed = true;
    this.#cancelFlush?.();
    this.#cancelDrafts?.();
    this.#cancelRetry?.();
    this.#cancelAsk();
    await this.#queue.settled();
  }

  // Changes here

  #note(change: Change): void {
    if (change.what === 'people') {
      this.#changed.everyone = true;
      this.#flushLater();
      return;
    }
    if (change.what === 'received') {
      const name = nameOf({ kind: KIND.read, key: change.key });
      const { pending = false, value } = this.#registers.get(name) ?? {};
      // The message that its read position has waited for.
      const isAwaited = pending && value !== undefined && decodePosition(value)?.id === change.message.id;
      if (isAwaited) this.#inBackground(() => this.#apply([name]));
      return;
    }
    this.#changed.conversations.add(change.key);
    this.#changed.drafts.add(change.key);
    this.#flushLater();
  }

  /** They need not be in any list. */
  #notePerson(identity: PublicKey): void {
    this.#changed.people.add(encodeHex(identity));
    this.#flushLater();
  }

  #flushLater(): void {
    this.#cancelFlush ??= this.#clock.after(GATHER_MS, () => {
      this.#cancelFlush = undefined;
      this.#inBackground(() => this.#flush(false));
    });
    this.#cancelDrafts ??= this.#clock.after(GATHER_DRAFTS_MS, () => {
      this.#cancelDrafts = undefined;
      this.#inBackground(() => this.#flush(true));
    });
  }

  /** @param withDrafts also those that are being written; others go at once */
  async #flush(withDrafts: boolean): Promise<void> {
    const { anything, everyone, people, conversations, drafts } = this.#changed;
    const places: Place[] = anything ? [...this.#everything()] : everyone ? this.#people() : [];
    for (const key of people) places.push(...this.#local.person(key));
    this.#changed.anything = false;
    this.#changed.everyone = false;
    people.clear();
    for (const key of conversations)
      places.push(...this.#local.conversation(key).filter(({ kind }) => kind !== KIND.draft));
    conversations.clear();
    for (const key of drafts) {
      const place = { kind: KIND.draft, key };
      const isOver = (await this.#local.read(place))?.value === undefined;
      if (!withDrafts && !isOver) continue;
      drafts.delete(key);
      places.push(place);
    }
    try {
      await this.#takeIn(places);
    } catch (error) {
      this.#changed.anything = true;
      throw error;
    }
    if (anything || everyone) await this.#apply(this.#waitingForPeople());
  }

  /** People here, and those that there were. */
  #people(): Place[] {
    const kept = [...this.#registers.all()].filter(({ kind }) => kind <= KIND.standing);
    return distinct([...this.#local.people(), ...kept]);
  }

  #everything(): readonly Place[] {
    return distinct([...this.#local.people(), ...this.#local.conversations(), ...this.#registers.all()]);
  }

  /** Notes what was changed here, and tells the other devices. */
  async #takeIn(places: readonly Place[]): Promise<void> {
    for (let i = 0; i < places.length; i += AT_ONCE) {
      await this.#lock.run(async () => {
        const batch: Batch = new Map();
        for (const place of places.slice(i, i + AT_ONCE)) await this.#stampIfChanged(place, batch);
        await this.#commit(batch);
      });
    }
  }

  /** Adds an entry when the user has changed something that was not applied just now. */
  async #stampIfChanged(place: Place, batch: Batch): Promise<void> {
    const name = nameOf(place);
    const before = batch.get(name) ?? this.#registers.get(name);
    if (before?.pending) return;
    const reading = await this.#local.read(place, before?.seen);
    if (reading === undefined || !isChanged(place.kind, reading, before)) return;
    this.#stamp(place, reading, batch);
  }

  #stamp({ kind, key }: Place, { value, seen }: Reading, batch: Batch): void {
    if (!fits({ key, value })) return;
    // What was so before anything was agreed is earlier than everything else. So is what was agreed at a time that isn't known any more,
    // except on the safe side.
    const isLost = this.#hasLost && !this.#registers.get(nameOf({ kind, key })) && !isSafe({ kind, value });
    const stamped: Entry =
      this.#isFirst || isLost
        ? { kind, key, value, time: 1, device: this.#messenger.installationId }
        : this.#registers.stamp(kind, key, value, this.#clock.now());
    batch.set(nameOf(stamped), { ...stamped, pending: false, seen });
  }

  /** Stores entries of this device, and sends them. */
  async #commit(batch: Batch): Promise<void> {
    const room = this.#makeRoom(batch);
    if (batch.size === 0) return;
    const writes = this.#writes(batch, room);
    const messages = (await this.#hasOthers())
      ? inMessages([...batch.values()]).map((entries) => ({ kind: 'changes', entries, more: false }) as const)
      : [];
    const [first, ...rest] = messages;
    if (first === undefined || !(await this.#send(first, writes))) await this.#store.commit(writes);
    this.#keep(batch, room);
    for (const message of rest) await this.#send(message);
  }

  /** The names that are deleted to make room. What has none is taken out of the batch. */
  #makeRoom(batch: Batch): readonly string[] {
    const deleted = new Set<string>();
    for (const [name, entry] of [...batch]) {
      const room = this.#registers.roomFor(entry, new Set([...batch.keys(), ...deleted]));
      if (room === undefined) {
        this.#logger.warn('no room for what other devices should know');
        batch.delete(name);
      } else for (const other of room) deleted.add(other);
    }
    return [...deleted];
  }

  #writes(batch: Batch, deleted: readonly string[]): readonly Write[] {
    const latest = Math.max(this.#registers.latest, ...[...batch.values()].map(({ time }) => time));
    return [
      ...deleted.map(entryDeletion),
      ...[...batch.values()].map(entryWrite),
      ...(this.#isFirst ? [] : [clockWrite(latest)]),
    ];
  }

  #keep(batch: Batch, deleted: readonly string[]): void {
    for (const name of deleted) {
      this.#registers.delete(name);
      this.#pending.delete(name);
    }
    for (const entry of batch.values()) this.#set(entry);
  }

  #set(entry: KeptEntry): void {
    const name = nameOf(entry);
    this.#registers.set(entry);
    if (entry.pending) this.#pending.add(name);
    else this.#pending.delete(name);
  }

  // Messages of other devices

  async #receive(
    { content }: HiddenMessageOf<'sync'>,
    from: HiddenMessageSource,
  ): Promise<HiddenMessageOutcome> {
    const nothing: HiddenMessageOutcome = { writes: [] };
    if (!(await this.#isFromEnabledDevice(from))) return nothing;
    let message: SyncMessage;
    try {
      message = decodeSyncMessage(content);
    } catch (error) {
      this.#logger.warn('a message of another device of ours is not valid', { error: errorName(error) });
      return nothing;
    }
    if (message.kind === 'digest') {
      const digest = message;
      const answer = () => this.#answer(digest, from.senderInstallation);
      return { writes: [], committed: () => this.#inBackground(answer) };
    }
    return this.#receiveChanges(message.entries, from.senderInstallation, message.more);
  }

  /** Whether a device of ours has sent it that the user has enabled. */
  async #isFromEnabledDevice({
    ownCopy,
    sender,
    senderInstallation,
    conversation,
    protection,
  }: HiddenMessageSource): Promise<boolean> {
    const { identity, installationId, devices } = this.#messenger;
    if (!ownCopy || compareBytes(sender, identity) !== 0 || senderInstallation === installationId)
      return false;
    if (conversation.kind !== 'direct' || compareBytes(conversation.peer, identity) !== 0) return false;
    if (protection === 'public') return false;
    return (await devices.list()).some((one) => one.enabled && one.installationId === senderInstallation);
  }

  /** @param more whether the sender has more */
  async #receiveChanges(
    entries: readonly Entry[],
    sender: string,
    more: boolean,
  ): Promise<HiddenMessageOutcome> {
    const release = await this.#lock.acquire();
    try {
      const batch: Batch = new Map();
      const news: string[] = [];
      for (const entry of entries) {
        if (!this.#registers.isNews(entry)) continue;
        const name = nameOf(entry);
        // What the user has changed here meanwhile counts from now, before it is compared.
        await this.#stampIfChanged(entry, batch);
        const before = batch.get(name) ?? this.#registers.get(name);
        if (before !== undefined && !isNewer(entry, before)) continue;
        batch.set(name, { ...entry, pending: true, seen: before?.seen });
        news.push(name);
      }
      const room = this.#makeRoom(batch);
      if (batch.size === 0) {
        release();
        return { writes: [], committed: () => this.#inBackground(() => this.#askForMore(sender, more)) };
      }
      const ours = [...batch.values()].filter(({ pending }) => !pending);
      return {
        writes: this.#writes(batch, room),
        committed: () => {
          this.#keep(batch, room);
          release();
          this.#withNews.add(sender);
          this.#inBackground(async () => {
            for (const own of inMessages(ours))
              await this.#send({ kind: 'changes', entries: own, more: false });
            await this.#apply(news);
            await this.#askForMore(sender, more);
          });
        },
        failed: release,
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Asks a device that has left something out, unless nothing of what it sent was new: it would send the same. */
  async #askForMore(sender: string, more: boolean): Promise<void> {
    if (more && this.#withNews.delete(sender)) await this.#send(askOne(this.#registers, sender));
  }

  async #answer(digest: Extract<SyncMessage, { readonly kind: 'digest' }>, from: string): Promise<void> {
    const { installationId } = this.#messenger;
    for (const message of answerTo(this.#registers, digest, from, installationId)) await this.#send(message);
  }

  // Applying

  /** Applies entries that came from other devices, as far as it is possible now. */
  async #apply(names: readonly string[]): Promise<void> {
    const rank = (name: string) => ORDER.indexOf(this.#registers.get(name)?.kind ?? 0);
    const sorted = names.filter((name) => this.#pending.has(name)).sort((a, b) => rank(a) - rank(b));
    let arePeople = false;
    for (const name of sorted) {
      const entry = this.#registers.get(name);
      if (entry === undefined || !ORDER.includes(entry.kind)) continue;
      await this.#applyOne(name, entry);
      arePeople ||= entry.kind <= KIND.standing;
    }
    if (!arePeople) return;
    const waiting = this.#waitingForPeople().filter((name) => !names.includes(name));
    if (waiting.length > 0) await this.#apply(waiting);
  }

  #waitingForPeople(): readonly string[] {
    return [...this.#pending].filter((name) => {
      const { kind } = this.#registers.get(name) as KeptEntry;
      return kind === KIND.contact || kind === KIND.trust;
    });
  }

  async #applyOne(name: string, entry: KeptEntry): Promise<void> {
    try {
      const seen = await this.#outcomeOf(entry);
      if (seen === 'later') return;
      await this.#lock.run(async () => {
        // A later one has come meanwhile.
        if (this.#registers.get(name) !== entry) return;
        const settled = { ...entry, pending: false, seen: seen.seen };
        await this.#store.commit([entryWrite(settled)]);
        this.#set(settled);
      });
      // The user may have changed it at the same time, or something else because of it.
      await this.#takeIn([entry]);
    } catch (error) {
      if (!isTransient(error) || isSottoError(error, 'CLOSED')) throw error;
      this.#retryLater();
    }
  }

  /** What is seen here once an entry is applied. */
  async #outcomeOf(entry: KeptEntry): Promise<Pick<Reading, 'seen'> | 'later'> {
    const before = await this.#local.read(entry);
    if (before !== undefined && isSame(before.value, entry.value)) return before;
    const isRead = entry.kind === KIND.read;
    const isChangedHere = before !== undefined && isChanged(entry.kind, before, entry);
    // The user has changed it since it came: that counts, so it isn't applied any more.
    if (isChangedHere && !isRead) return { seen: entry.seen };
    const outcome = await this.#local.apply(entry);
    switch (outcome.what) {
      case 'done':
        if (!isRead || before === undefined) return outcome;
        // More was read here: others are told when they judge that position to be later, too.
        return isLaterPosition(before.value, entry.value) ? outcome : before;
      case 'refused':
        this.#logger.warn('something that another device has set is not possible here', {
          kind: entry.kind,
          error: outcome.code,
        });
        return (await this.#local.read(entry)) ?? { seen: entry.seen };
      case 'later':
        if (outcome.hasFailed) this.#retryLater();
        return isChangedHere ? { seen: entry.seen } : 'later';
    }
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#cancelRetry ??= this.#clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      this.#inBackground(async () => {
        await this.#flush(false);
        await this.#apply([...this.#pending]);
      });
    });
  }

  // Sending

  async #hasOthers(): Promise<boolean> {
    return (await this.#messenger.devices.list()).some(({ enabled }) => enabled);
  }

  /**
   * Sends a message to our other devices. A digest makes up for one that can't be sent.
   * @param writes stored in the same commit
   * @returns whether it was stored
   * @throws STORE codes, CLOSED
   */
  async #send(message: SyncMessage, writes: readonly Write[] = []): Promise<boolean> {
    const ourselves = { kind: 'direct', peer: this.#messenger.identity } as const;
    const content = encodeSyncMessage(message);
    try {
      await this.#conversations.sendHidden(ourselves, { kind: 'sync', content }, { alongside: () => writes });
      return true;
    } catch (error) {
      if (isTransient(error)) throw error;
      this.#logger.warn('other devices were not told', { error: errorName(error) });
      return false;
    }
  }

  async #sendQuestion(): Promise<void> {
    this.#askedAt = this.#clock.now();
    if (await this.#hasOthers()) await this.#send(askAll(this.#registers));
  }

  #askSoon(): void {
    const since = this.#clock.now() - this.#askedAt;
    // A clock that was set back: as if it were long ago.
    this.#ask(since >= 0 && since < DIGEST_PAUSE_MS ? DIGEST_PAUSE_MS - since : GATHER_MS);
  }

  /** Compares with the other devices in some milliseconds, and every six hours from then on. */
  #ask(wait: number): void {
    if (this.#closed) return;
    const at = this.#clock.now() + wait;
    const isDueBefore = this.#askAt <= at && this.#askAt > this.#clock.now();
    if (isDueBefore) return;
    this.#cancelAsk();
    const ask = () => {
      this.#askAt = Number.POSITIVE_INFINITY;
      this.#inBackground(() => this.#sendQuestion());
      this.#ask(DIGEST_INTERVAL_MS);
    };
    if (wait === 0) {
      ask();
      return;
    }
    this.#askAt = at;
    this.#cancelAsk = this.#clock.after(wait, ask);
  }

  #inBackground(run: () => Promise<void>): void {
    if (this.#closed) return;
    this.#queue.run(run).catch((error: unknown) => {
      if (this.#closed || isSottoError(error, 'CLOSED')) return;
      this.#logger.warn('not done', { error: errorName(error) });
      this.#retryLater();
    });
  }
}

function isNewer(entry: Entry, before: Entry): boolean {
  return compareEntries(entry, before) > 0;
}

/** Whether the user has changed something here since it was last seen. */
function isChanged(
  kind: number,
  { seen, hasBegunAgain = false }: Reading,
  before: Pick<KeptEntry, 'seen'> | undefined,
): boolean {
  if (kind !== KIND.read) return !isSame(seen, before?.seen);
  return hasBegunAgain || numberIn(seen) > numberIn(before?.seen);
}

function isLaterPosition(ours: Uint8Array | undefined, theirs: Uint8Array | undefined): boolean {
  const [a, b] = [ours && decodePosition(ours), theirs && decodePosition(theirs)];
  return a !== undefined && b !== undefined && isLater(a, b);
}

function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map(({ kind, key }) => [nameOf({ kind, key }), { kind, key }])).values()];
}
