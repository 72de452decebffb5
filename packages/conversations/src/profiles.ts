import {
  type Clock,
  compareBytes,
  copyBytes,
  decodeHex,
  encodeHex,
  errorName,
  isSottoError,
  type Logger,
  LruCache,
  type PublicKey,
  parseObject,
  SerialQueue,
  type Store,
  silentLogger,
  systemClock,
  type Write,
} from '@sotto/core';
import type { Conversation, Group, Messenger, SendOptions } from '@sotto/messenger';
import type { StatusClient } from '@sotto/status-messages/client';
import { parseConversationKey } from './conversation.js';
import type {
  HiddenMessageHandler,
  HiddenMessageOf,
  HiddenMessageOutcome,
  HiddenMessageSource,
} from './hidden-message.js';
import { nameSkeleton, parseProfileName, shownProfileName } from './profile-name.js';
import { type ProfilePictureType, parseProfilePicture, profilePictureType } from './profile-picture.js';
import {
  NO_PROFILE,
  ownProfileRecord,
  pictureRecord,
  profileChangedAfter,
  profileRecord,
  profilesPrefix,
  replacesProfile,
  type StoredPerson,
  type StoredProfile,
  type StoredSent,
  sentPrefix,
  sentRecord,
} from './profile-records.js';
import { put, read } from './storage.js';

/** Most people whose profiles are kept. With the largest pictures that is 16 MB. */
export const PROFILES_MAX = 1_000;
/** Most of them whom the user hasn't accepted: as many as there are message requests. The oldest give way. */
export const STRANGER_PROFILES_MAX = 256;
/** Largest group whose members get our profile, in people: each of them gets a copy of the picture. */
export const PROFILE_GROUP_MAX_MEMBERS = 50;
/** How often the same profile is sent to one person: again only when it was not sent, or they have a new device. */
export const PROFILE_TIMES_MAX = 5;
/** Least time before the same profile is sent to one person again, in milliseconds. */
export const PROFILE_AGAIN_MS = 60 * 60 * 1_000;
/** People of whom it is remembered that they have our profile; who is forgotten gets it once more. */
const SENT_MAX = 4_096;
/** Profiles on their way of which it is remembered for whom they are. */
const ON_THEIR_WAY = 256;

/** A change of conversations, as far as profiles are concerned. */
export interface ProfileChange {
  /** `Change.what`. */
  readonly what: string;
  /** Of the conversation. */
  readonly key?: string | undefined;
  /** What was received. */
  readonly message?: { readonly sender: PublicKey; readonly reference?: string | undefined } | undefined;
}

/** What profiles need of `Conversations`. */
export interface ProfileConversations {
  /** `Conversations.person`. */
  person(identity: PublicKey): {
    readonly name: string;
    readonly contact: boolean;
    readonly blocked: boolean;
  };
  /** `Conversations.contacts`. */
  contacts(): readonly { readonly identity: PublicKey; readonly name: string }[];
  /** `Conversations.get`. */
  get(conversation: Conversation):
    | {
        readonly lastMessage:
          | { readonly own: boolean; readonly installationId: string; readonly number: number }
          | undefined;
        readonly group: Group | undefined;
      }
    | undefined;
  /** `Conversations.subscribe`. */
  subscribe(listener: (change: ProfileChange) => void): () => void;
  /** `Conversations.onHidden`. */
  onHidden(kind: 'profile', handler: HiddenMessageHandler<'profile'>): () => void;
  /** `Conversations.sendHidden`. */
  sendHidden(
    conversation: Conversation,
    message: HiddenMessageOf<'profile'>,
    options?: Pick<SendOptions, 'alongside'>,
  ): Promise<void>;
}

/** What {@link createProfiles} needs. */
export interface ProfilesOptions {
  /** As `createConversations` made them, of the same messenger and store. */
  readonly conversations: ProfileConversations;
  /** Not started yet. */
  readonly messenger: Messenger;
  /** The messenger's store; the messenger closes it. */
  readonly store: Store;
  /** As given to `createConversations`: what Status clients call people counts where they have no other name. */
  readonly status?: StatusClient | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Receives events and codes, never contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

/** What is set with {@link Profiles.set}. */
export interface OwnProfile {
  /** At most 64 characters; empty for none. */
  readonly name: string;
  /**
   * PNG, JPEG or WebP of at most {@link PROFILE_PICTURE_MAX_BYTES} bytes and {@link PROFILE_PICTURE_MAX_PIXELS} pixels each way, such as 256 by 256 pixels; borrowed when it is given, a copy when it
   * is returned. Scale it down, and remove what cameras write into it. Default: none.
   */
  readonly picture?: Uint8Array | undefined;
}

/** What somebody shows of themselves: not verified, and anybody can take the same. */
export interface Profile {
  /** Empty for none. */
  readonly name: string;
  /** Whether `Profiles.picture` has one. */
  readonly hasPicture: boolean;
  /** When they set it, in seconds since the epoch by their clock; 0 when only a Status client has told the name. */
  readonly changedAt: number;
}

/** A picture of a profile. */
export interface ProfilePicture {
  /** As it arrived: its first bytes are those of the type, and no more was checked. A copy. */
  readonly picture: Uint8Array;
  /** By its first bytes. Show it by what decodes such pictures in a sandbox, as browsers do. */
  readonly mediaType: ProfilePictureType;
}

/** How a person is called on a screen. */
export interface ShownName {
  /** Empty when there is no name: show their key. */
  readonly text: string;
  /** `given`: by the user. `own`: by themselves, so mark it, with a tilde for instance. */
  readonly source: 'given' | 'own' | 'none';
  /**
   * Somebody else who is known by such a name: a contact, or the user. Only of a name of their own. Warn, or show the key beside it.
   * Names of letters that look like others are not found.
   */
  readonly resembles: PublicKey | undefined;
}

/**
 * Keeps the user's profile and those of others. Call it between `createConversations` and `start` of the messenger.
 * @throws INVALID_ARGUMENT, STORE codes
 */
export async function createProfiles(options: ProfilesOptions): Promise<Profiles> {
  parseObject(options, 'options', 'conversations', 'messenger', 'store');
  const profiles = new Profiles(options);
  await profiles.load();
  return profiles;
}

/**
 * The name and picture that the user shows of themselves, and those of others. Made by {@link createProfiles}.
 *
 * The user's goes to a person with the first message that this device sends them, and again with the next one after a change; to the members of
 * a group of at most {@link PROFILE_GROUP_MAX_MEMBERS} in the same way. It goes to nobody else: not to people who only wrote, not to public chats,
 * Status groups, or groups with somebody whom the user has blocked.
 */
export class Profiles {
  readonly #conversations: ProfileConversations;
  readonly #messenger: Messenger;
  readonly #store: Store;
  readonly #status: StatusClient | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #queue = new SerialQueue();
  readonly #listeners = new Set<(identity: PublicKey) => void>();
  readonly #stops: (() => void)[] = [];
  /** By identity in hex, without pictures. */
  readonly #people = new Map<string, StoredPerson>();
  #own: StoredProfile = NO_PROFILE;
  /** Numbers of our last messages that were noted, by conversation. */
  readonly #noted = new Map<string, number>();
  /** Whom a message that carries our profile is for, by its id. */
  readonly #onTheirWay = new LruCache<string, readonly string[]>(ON_THEIR_WAY);
  /** Who is called how, by what names have in common; made when it is asked for. */
  #bySkeleton: Map<string, PublicKey[]> | undefined;
  #closed = false;

  /** @internal */
  constructor({
    conversations,
    messenger,
    store,
    status,
    clock = systemClock,
    logger = silentLogger,
  }: ProfilesOptions) {
    this.#conversations = conversations;
    this.#messenger = messenger;
    this.#store = store;
    this.#status = status;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @internal Reads what is stored and begins to listen. */
  async load(): Promise<void> {
    this.#own = (await this.#get<StoredProfile>(ownProfileRecord)) ?? NO_PROFILE;
    for (const [identity, person] of await this.#all<StoredPerson>(profilesPrefix))
      this.#people.set(identity, person);
    await this.#forgetSent();
    const messenger = this.#messenger;
    this.#stops.push(
      this.#conversations.onHidden('profile', (message, from) => this.#take(message, from)),
      this.#conversations.subscribe((change) => this.#note(change)),
      messenger.on('accepted', ({ identity }) => this.#run(() => this.#noteAccepted(encodeHex(identity)))),
      messenger.on('blocked', ({ identity, blocked }) =>
        blocked ? this.#run(() => this.#forget(encodeHex(identity))) : undefined,
      ),
      messenger.on('deviceAdded', ({ identity, own, firstContact }) =>
        own || firstContact ? undefined : this.#run(() => this.#sendAgain([encodeHex(identity)])),
      ),
      messenger.on('deviceEnabled', ({ enabled }) =>
        enabled ? this.#run(() => this.#tellOwn()) : undefined,
      ),
      messenger.on('sendFailed', ({ id }) => this.#run(() => this.#noteFailed(id))),
    );
  }

  /** Resolves when what has begun so far is done: what was to be sent is in the messenger's outbox. */
  async settled(): Promise<void> {
    await this.#queue.settled();
  }

  /** Stops listening, and waits for what is in progress. Call it before `close` of the conversations. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    await this.settled();
    this.#listeners.clear();
  }

  /** Adds a listener for whose profile has changed, also the user's own; the returned function removes it. */
  subscribe(listener: (identity: PublicKey) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // The user's own

  /**
   * Sets what the user shows of themselves, in place of all that was there. Others get it with the next message to them, our other devices
   * at once.
   * @throws INVALID_TEXT, LIMIT_EXCEEDED, INVALID_ARGUMENT for a picture of another format; STORE codes. Nothing is changed then
   */
  async set(profile: OwnProfile): Promise<void> {
    const { name, picture } = parseObject(profile, 'profile', 'name');
    const [parsed, bytes] = [parseProfileName(name), parseProfilePicture(picture)];
    await this.#queue.run(async () => {
      const changedAt = profileChangedAfter(this.#own, this.#clock.now());
      await this.#putOwn({ name: parsed, picture: bytes, changedAt });
    });
    this.#run(() => this.#tellOwn());
  }

  /** What the user shows of themselves. @throws STORE codes */
  async own(): Promise<OwnProfile> {
    const { name, pictureBytes } = this.#own;
    return pictureBytes === 0 ? { name } : { name, picture: await this.#pictureOf(this.#messenger.identity) };
  }

  // Others

  /** What somebody shows of themselves; `undefined` when nothing is known of it. @param identity 33 bytes */
  get(identity: PublicKey): Profile | undefined {
    const person = this.#people.get(encodeHex(identity));
    if (person === undefined) return undefined;
    const { name, statusName = '', pictureBytes, changedAt, request } = person;
    return { name: name || statusName, hasPicture: pictureBytes > 0 && !request, changedAt };
  }

  /** The picture of somebody whom the user has accepted, or who is in a group with them. @throws STORE codes */
  async picture(identity: PublicKey): Promise<ProfilePicture | undefined> {
    if (this.get(identity)?.hasPicture !== true) return undefined;
    const picture = await this.#pictureOf(identity);
    const mediaType = profilePictureType(picture);
    return mediaType && { picture, mediaType };
  }

  /** How to call a person on a screen: as the user does, else as they do. @param identity 33 bytes */
  shownName(identity: PublicKey): ShownName {
    const given = this.#conversations.person(identity).name;
    if (given !== '') return { text: given, source: 'given', resembles: undefined };
    const own = this.get(identity)?.name ?? '';
    if (own === '') return { text: '', source: 'none', resembles: undefined };
    return { text: own, source: 'own', resembles: this.#resembled(identity, own) };
  }

  #resembled(identity: PublicKey, name: string): PublicKey | undefined {
    const skeleton = nameSkeleton(name);
    this.#bySkeleton ??= this.#knownNames();
    return this.#bySkeleton.get(skeleton)?.find((other) => compareBytes(other, identity) !== 0);
  }

  /** The names that the user may take for those of people they know. */
  #knownNames(): Map<string, PublicKey[]> {
    const known = new Map<string, PublicKey[]>();
    const add = (name: string, identity: PublicKey) => {
      const skeleton = nameSkeleton(name);
      if (skeleton !== '') known.set(skeleton, [...(known.get(skeleton) ?? []), identity]);
    };
    add(this.#own.name, this.#messenger.identity);
    for (const { identity, name } of this.#conversations.contacts()) {
      add(name, identity);
      add(this.get(identity)?.name ?? '', identity);
    }
    return known;
  }

  // Receiving

  async #take(message: HiddenMessageOf<'profile'>, from: HiddenMessageSource): Promise<HiddenMessageOutcome> {
    if (from.ownCopy) return this.#takeOwn(message, from);
    const name = encodeHex(from.sender);
    const before = this.#people.get(name);
    const next = { ...message, name: shownProfileName(message.name) };
    if (profilePictureType(next.picture) === undefined) next.picture = new Uint8Array(0);
    const pictureBefore = () => this.#pictureOf(from.sender);
    const isNews = await replacesProfile(next, before ?? NO_PROFILE, pictureBefore, this.#clock.now());
    if (!isNews) return { writes: [] };
    const { changedAt, picture } = next;
    const person: StoredPerson = {
      ...(before?.statusName !== undefined && { statusName: before.statusName }),
      ...{ name: next.name, pictureBytes: picture.length, changedAt },
      receivedAt: this.#clock.now(),
      request: from.request,
    };
    const evicted = this.#excess(name, person);
    return {
      writes: [
        put(profileRecord(name), person),
        pictureWrite(name, picture),
        ...evicted.flatMap((one) => deletion(one)),
      ],
      committed: () => {
        for (const one of evicted) this.#people.delete(one);
        this.#people.set(name, person);
        this.#changed(from.sender);
      },
    };
  }

  /** Another device of ours has set our profile, or has sent it to somebody. */
  async #takeOwn(
    message: HiddenMessageOf<'profile'>,
    { conversation, senderInstallation }: HiddenMessageSource,
  ): Promise<HiddenMessageOutcome> {
    const devices = await this.#messenger.devices.list();
    if (!devices.some(({ installationId, enabled }) => enabled && installationId === senderInstallation))
      return { writes: [] };
    const { identity } = this.#messenger;
    const { name, picture, changedAt } = message;
    const isFit = picture.length === 0 || profilePictureType(picture) !== undefined;
    const pictureBefore = () => this.#pictureOf(identity);
    const isNews = isFit && (await replacesProfile(message, this.#own, pictureBefore, this.#clock.now()));
    const writes: Write[] = [];
    const next: StoredProfile = { name, pictureBytes: picture.length, changedAt };
    const own = encodeHex(identity);
    if (isNews) {
      const told = await this.#sentWrite(own, changedAt, true);
      writes.push(put(ownProfileRecord, next), pictureWrite(own, picture), told);
    }
    const isForSomebody =
      conversation.kind === 'direct' && compareBytes(conversation.peer, identity) !== 0
        ? conversation.peer
        : undefined;
    if (isForSomebody !== undefined) writes.push(await this.#sentWrite(encodeHex(isForSomebody), changedAt));
    return {
      writes,
      committed: () => {
        if (!isNews) return;
        if (this.#own.changedAt <= changedAt) {
          this.#own = next;
          this.#changed(identity);
        } else this.#run(() => this.#restoreOwn());
      },
    };
  }

  /** The user has set a later one here just as an earlier one arrived. */
  async #restoreOwn(): Promise<void> {
    await this.#store.commit([put(ownProfileRecord, this.#own)]);
  }

  /** Whom to forget when a person is added: people whom the user hasn't accepted first, of each kind the oldest. */
  #excess(added: string, person: StoredPerson): readonly string[] {
    const all = [...new Map(this.#people).set(added, person)].sort(
      ([, a], [, b]) => a.receivedAt - b.receivedAt,
    );
    const oldest = (fits: (entry: (typeof all)[number]) => boolean, most: number) => {
      const some = all.filter(([name, one]) => fits([name, one]) && name !== added);
      const excess = all.filter(fits).length - most;
      return some.slice(0, Math.max(0, excess)).map(([name]) => name);
    };
    const strangers = oldest(([, { request }]) => request, STRANGER_PROFILES_MAX);
    const others = Math.max(0, all.length - strangers.length - PROFILES_MAX);
    if (others === 0) return strangers;
    const isContact = (name: string) => this.#conversations.person(decodeHex(name) as PublicKey).contact;
    const rest = all
      .map(([name]) => name)
      .filter((name) => name !== added && !strangers.includes(name))
      .map((name) => [name, isContact(name)] as const)
      .sort(([, a], [, b]) => Number(a) - Number(b));
    return [...strangers, ...rest.slice(0, others).map(([name]) => name)];
  }

  async #noteAccepted(name: string): Promise<void> {
    const person = this.#people.get(name);
    if (person?.request !== true) return;
    await this.#putPerson(name, { ...person, request: false });
  }

  async #forget(name: string): Promise<void> {
    if (!this.#people.has(name)) return;
    await this.#store.commit(deletion(name));
    this.#people.delete(name);
    this.#changed(decodeHex(name) as PublicKey);
  }

  async #putPerson(name: string, person: StoredPerson): Promise<void> {
    await this.#store.commit([put(profileRecord(name), person)]);
    this.#people.set(name, person);
    this.#changed(decodeHex(name) as PublicKey);
  }

  /** What a Status client calls somebody who has written. */
  async #noteStatusName(identity: PublicKey): Promise<void> {
    const { displayName } = (await this.#status?.contacts.get(identity)) ?? { displayName: '' };
    const statusName = shownProfileName(displayName);
    const name = encodeHex(identity);
    const before = this.#people.get(name);
    if (statusName === '' || before?.statusName === statusName) return;
    const request = !(await this.#messenger.requests.isAccepted(identity));
    const person = before ?? { ...NO_PROFILE, receivedAt: this.#clock.now(), request };
    const evicted = this.#excess(name, person);
    if (evicted.length > 0) await this.#store.commit(evicted.flatMap((one) => deletion(one)));
    for (const one of evicted) this.#people.delete(one);
    await this.#putPerson(name, { ...person, statusName });
  }

  // Sending

  #note({ what, key, message }: ProfileChange): void {
    if (what === 'people') this.#bySkeleton = undefined;
    // Status clients give their messages a reference.
    if (what === 'received' && this.#status !== undefined && message?.reference !== undefined)
      this.#run(() => this.#noteStatusName(message.sender));
    if (key === undefined) return;
    if (what === 'removed') this.#noted.delete(key);
    if (what === 'conversation') this.#noteConversation(key);
  }

  #noteConversation(key: string): void {
    const conversation = parseConversationKey(key);
    if (conversation.kind === 'public' || this.#own.changedAt === 0) return;
    const last = this.#conversations.get(conversation)?.lastMessage;
    // Another device of ours sends its own.
    const isOurs = last?.own === true && last.installationId === this.#messenger.installationId;
    if (!isOurs || this.#noted.get(key) === last.number) return;
    this.#noted.set(key, last.number);
    this.#run(() => this.#offer(conversation));
  }

  /** Sends our profile to those in a conversation who don't have it. */
  async #offer(conversation: Exclude<Conversation, { readonly kind: 'public' }>): Promise<void> {
    if (await this.#lacks(encodeHex(this.#messenger.identity))) await this.#tellOwn();
    const people = await this.#audienceOf(conversation);
    const lacking = await Promise.all(people.map((identity) => this.#lacks(encodeHex(identity))));
    if (!lacking.includes(true)) return;
    const { name, changedAt } = this.#own;
    const picture = await this.#pictureOf(this.#messenger.identity);
    const names = people.map(encodeHex);
    const sent = await Promise.all(names.map((one) => this.#sentWrite(one, changedAt)));
    await this.#conversations.sendHidden(
      conversation,
      { kind: 'profile', name, picture, changedAt },
      {
        alongside: ({ id }) => {
          this.#onTheirWay.set(id, names);
          return sent;
        },
      },
    );
  }

  /** Everyone in a conversation to whom our profile may go. */
  async #audienceOf(
    conversation: Exclude<Conversation, { readonly kind: 'public' }>,
  ): Promise<readonly PublicKey[]> {
    const { identity } = this.#messenger;
    const isOther = (other: PublicKey) => compareBytes(other, identity) !== 0;
    if (conversation.kind === 'direct') {
      const { peer } = conversation;
      return isOther(peer) && (await this.#messenger.requests.isAccepted(peer)) ? [peer] : [];
    }
    const group = this.#conversations.get(conversation)?.group;
    // A Status group has no membership that could be hashed.
    if (group === undefined || !group.joined || group.membershipHash === '') return [];
    const others = group.members.filter(isOther);
    if (others.length > PROFILE_GROUP_MAX_MEMBERS) return [];
    return others.some((other) => this.#conversations.person(other).blocked) ? [] : others;
  }

  async #lacks(name: string): Promise<boolean> {
    const sent = await this.#get<StoredSent>(sentRecord(name));
    if (sent === undefined || sent.changedAt !== this.#own.changedAt) return true;
    const hasWaited = Math.abs(this.#clock.now() - sent.at) >= PROFILE_AGAIN_MS;
    return sent.again === true && hasWaited && sent.times < PROFILE_TIMES_MAX;
  }

  async #sentWrite(name: string, changedAt: number, again = false): Promise<Write> {
    const before = await this.#get<StoredSent>(sentRecord(name));
    const times = before?.changedAt === changedAt ? before.times + 1 : 1;
    const sent = { changedAt, at: this.#clock.now(), times };
    return put<StoredSent>(sentRecord(name), again ? { ...sent, again } : sent);
  }

  /** People have to get it once more, with a later message: they have a new device, or it was not sent. */
  async #sendAgain(names: readonly string[]): Promise<void> {
    const writes: Write[] = [];
    for (const name of names) {
      const sent = await this.#get<StoredSent>(sentRecord(name));
      if (sent !== undefined) writes.push(put<StoredSent>(sentRecord(name), { ...sent, again: true }));
    }
    if (writes.length > 0) await this.#store.commit(writes);
  }

  async #noteFailed(id: string): Promise<void> {
    const names = this.#onTheirWay.get(id);
    if (names === undefined) return;
    this.#onTheirWay.delete(id);
    await this.#sendAgain(names);
    // Nobody would retry it.
    await this.#messenger.outbox.giveUp(id);
  }

  /** Tells our other devices what we show of ourselves. */
  async #tellOwn(): Promise<void> {
    const { name, changedAt } = this.#own;
    const { identity } = this.#messenger;
    const isAlone = !(await this.#messenger.devices.list()).some(({ enabled }) => enabled);
    if (changedAt === 0 || isAlone) return;
    const picture = await this.#pictureOf(identity);
    const peer: Conversation = { kind: 'direct', peer: identity };
    const own = encodeHex(identity);
    // A device that hasn't enabled this one yet takes no notice.
    const sent = await this.#sentWrite(own, changedAt, true);
    await this.#conversations.sendHidden(
      peer,
      { kind: 'profile', name, picture, changedAt },
      { alongside: () => [sent] },
    );
  }

  async #putOwn({ name, picture, changedAt }: Omit<HiddenMessageOf<'profile'>, 'kind'>): Promise<void> {
    const next: StoredProfile = { name, pictureBytes: picture.length, changedAt };
    const { identity } = this.#messenger;
    await this.#store.commit([put(ownProfileRecord, next), pictureWrite(encodeHex(identity), picture)]);
    this.#own = next;
    this.#changed(identity);
  }

  /** Forgets of the oldest that they have our profile, beyond a bound. */
  async #forgetSent(): Promise<void> {
    const sent = [...(await this.#all<StoredSent>(sentPrefix))].sort(([, a], [, b]) => a.at - b.at);
    const excess = sent.slice(0, Math.max(0, sent.length - SENT_MAX));
    if (excess.length > 0)
      await this.#store.commit(excess.map(([name]) => ({ type: 'delete', key: sentRecord(name) })));
  }

  // Records

  async #pictureOf(identity: PublicKey): Promise<Uint8Array> {
    try {
      return copyBytes(
        (await this.#store.get(pictureRecord(encodeHex(identity))))?.value ?? new Uint8Array(0),
      );
    } catch (error) {
      this.#reportDamage(error);
      return new Uint8Array(0);
    }
  }

  async #get<T extends object>(key: string): Promise<T | undefined> {
    try {
      const record = await this.#store.get(key);
      return record && read<T>(record.value);
    } catch (error) {
      this.#reportDamage(error);
      return undefined;
    }
  }

  /** The records under a prefix, by the rest of their keys; damaged ones are logged and left out. */
  async #all<T extends object>(prefix: string): Promise<ReadonlyMap<string, T>> {
    const found = new Map<string, T>();
    try {
      for await (const { key, value } of this.#store.list(prefix)) {
        try {
          found.set(key.slice(prefix.length), read<T>(value));
        } catch (error) {
          this.#reportDamage(error);
        }
      }
    } catch (error) {
      // A store that finds records damaged lists the others first.
      this.#reportDamage(error);
    }
    return found;
  }

  #reportDamage(error: unknown): void {
    const { code } = error as { code?: string };
    if (code !== 'STATE_CORRUPT' && code !== 'STORE_CORRUPT' && code !== 'STORE_ROLLBACK') throw error;
    this.#logger.warn('a record of a profile is damaged', { error: code });
  }

  /** Runs something after what is in progress. What fails is tried again with the next message. */
  #run(run: () => Promise<void>): void {
    this.#queue
      .run(async () => (this.#closed ? undefined : run()))
      .catch((error) => {
        if (!isSottoError(error, 'CLOSED'))
          this.#logger.warn('profile not sent or kept', { error: errorName(error) });
      });
  }

  #changed(identity: PublicKey): void {
    this.#bySkeleton = undefined;
    for (const listener of this.#listeners) {
      try {
        listener(identity);
      } catch (error) {
        this.#logger.error('listener failed', { error: errorName(error) });
      }
    }
  }
}

function pictureWrite(name: string, picture: Uint8Array): Write {
  const key = pictureRecord(name);
  return picture.length === 0 ? { type: 'delete', key } : { type: 'put', key, value: picture };
}

function deletion(name: string): readonly Write[] {
  return [
    { type: 'delete', key: profileRecord(name) },
    { type: 'delete', key: pictureRecord(name) },
  ];
}
