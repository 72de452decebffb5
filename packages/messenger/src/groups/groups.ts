import { compareBytes, decodeHex, encodeHex, encodeUtf8, type PublicKey, SottoError } from '@sotto/core';
import type { ReadTransaction, Transaction } from '@sotto/device';
import { happenedWithin, storedNow } from '@sotto/device/internal';
import {
  type Applied,
  GROUP_MEMBERS_MAX,
  GROUP_NAME_MAX_BYTES,
  type GroupAction,
  GroupLog,
  type Ineffective,
  parseChange,
  signChange,
} from '@sotto/group-log';
import type { CatchUp } from '../connection/catch-up.js';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { MessengerContext } from '../runtime/context.js';
import type { GroupChangeLost } from '../runtime/events.js';
import type { SendOptions } from '../runtime/options.js';
import type { GroupPayload } from '../runtime/payload.js';
import type { GroupRecord } from '../storage/records.js';
import { groupTable } from '../storage/tables.js';
import type { FanOut, QueuedMessage } from './fan-out.js';
import type { GroupSender } from './group-sender.js';
import type { MemberChains } from './member-chains.js';
import type { MemberSync } from './member-sync.js';
import type { OwnChains } from './own-chains.js';
import { PartialLogs } from './partial-logs.js';
import { type GroupRecords, type KnownGroup, NEW_GROUP } from './records.js';
import { mayAnswer } from './stranger-answers.js';
import { answerTo, toMembers } from './to-members.js';
import type { WaitingMessages } from './waiting-messages.js';

/** Departures that are remembered: as many as a full group has members. */
const DEPARTURES_MAX = 1000;
/** Most changes that are read from a sender unknown to the group: enough to show who added them. */
const STRANGER_CHANGES_MAX = 256;

/** Most chains that are looked for in one question: as many as the messages of one sender that wait can name. */
const WANTED_CHAINS_MAX = 64;

/** Bytes that a smaller message of a stranger counts as, since it takes more than its payload. */
const MESSAGE_LEAST_BYTES = 256;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** A group as applications see it. */
export interface Group {
  /** 64 hex digits. */
  readonly id: string;
  /** As an administrator named it; untrusted text of up to `GROUP_NAME_MAX_BYTES` bytes of UTF-8. */
  readonly name: string;
  /** 33 bytes each, in the order in which they joined. */
  readonly members: readonly PublicKey[];
  /** 33 bytes each, the most senior first: of two who remove each other, the more senior one stays. */
  readonly admins: readonly PublicKey[];
  /** Identifies this state of the group, 64 hex digits: compare with `ReceivedMessage.membershipHash`. */
  readonly membershipHash: string;
  /** Whether we are a member now. */
  readonly joined: boolean;
}

/** What {@link Groups} works with. */
export interface GroupsParts {
  readonly records: GroupRecords;
  readonly memberSync: MemberSync;
  readonly ownChains: OwnChains;
  readonly memberChains: MemberChains;
  readonly waiting: WaitingMessages;
  readonly fanOut: FanOut;
  readonly subscriptions: Subscriptions;
  readonly catchUp: CatchUp;
}

/** The outcome of a message of a group. */
export interface GroupOutcome {
  readonly groupId: string;
  /** Whether the group was changed by it. */
  readonly changed: boolean;
  /** Its sender was no longer a member. */
  readonly late: boolean;
  /** Why its payload is refused although the changes with it are accepted. */
  readonly refused: SottoError | undefined;
  /** It brought a chain that we did not have: messages may wait for it. */
  readonly broughtChain: boolean;
  /** Strangers have added us to the group, and the user has not written to it. */
  readonly uninvited: boolean;
}

/** A change of a group that exists. */
export type OwnChange = Exclude<GroupAction, { readonly kind: 'create' }>;

/**
 * Private groups, docs/group-protocol.md: our changes and messages go into the queue of the {@link FanOut}; received ones are
 * applied, answered and reported to the application.
 */
export class Groups {
  readonly #context: MessengerContext;
  readonly #records: GroupRecords;
  readonly #memberSync: MemberSync;
  readonly #fanOut: FanOut;
  readonly #parts: GroupsParts;
  readonly #ownName: string;
  readonly #partial = new PartialLogs();

  constructor(context: MessengerContext, parts: GroupsParts) {
    this.#context = context;
    this.#records = parts.records;
    this.#memberSync = parts.memberSync;
    this.#fanOut = parts.fanOut;
    this.#parts = parts;
    this.#ownName = encodeHex(context.device.identity);
  }

  /** @throws NOT_FOUND */
  async get(tx: ReadTransaction, groupId: string): Promise<Group> {
    return this.#describe((await this.#get(tx, groupId)).log);
  }

  async list(tx: ReadTransaction): Promise<readonly Group[]> {
    const groups: Group[] = [];
    for (const [groupId] of await tx.keys(groupTable)) {
      groups.push(this.#describe((await this.#get(tx, groupId as string)).log));
    }
    return groups;
  }

  /**
   * Creates a group with us as its administrator.
   * @throws INVALID_PUBLIC_KEY, LIMIT_EXCEEDED
   */
  create(
    tx: Transaction,
    name: string,
    members: readonly PublicKey[],
    options?: SendOptions,
  ): { readonly groupId: string; readonly queued: QueuedMessage } {
    checkName(name);
    const { crypto, identity, clock } = this.#context.settings;
    const others = this.#identities(members).filter((one) => !this.#isOwn(one));
    checkMembers(others.length + 1);
    const encoded = signChange(crypto, identity, {
      groupId: undefined,
      parents: [],
      time: clock.now(),
      action: { kind: 'create', name, members: others },
      salt: crypto.randomBytes(16),
    });
    const groupId = parseChange(crypto, encoded).id;
    const applied = GroupLog.empty(crypto, groupId).apply([encoded], this.#ownName);
    checkTaken(applied);
    const { log } = this.#records.put(tx, undefined, NEW_GROUP, [applied]);
    this.#parts.subscriptions.subscribeGroup(tx, groupId);
    this.#emitChanged(tx, groupId);
    return {
      groupId,
      queued: this.#fanOut.enqueue(tx, toMembers(log.state.members, groupId), options),
    };
  }

  /**
   * Changes a group: signs the change, and sends it to all members, including those whom it removes. Members who have it
   * already are skipped.
   *
   * @returns `undefined` when the change would have no effect
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY
   */
  async change(
    tx: Transaction,
    groupId: string,
    wanted: OwnChange,
    options?: SendOptions,
  ): Promise<QueuedMessage | undefined> {
    if (wanted.kind === 'rename') checkName(wanted.name);
    const found = await this.#get(tx, groupId);
    const before = found.log;
    const applied: Applied[] = [];
    const sign = (log: GroupLog, action: OwnChange): GroupLog => {
      const one = log.apply([this.#sign(log, action)], this.#ownName);
      checkTaken(one);
      applied.push(one);
      return one.log;
    };
    if (wanted.kind === 'leave' && found.record.uninvited && !before.isMember(this.#ownName)) {
      // Someone whom the user never accepted added us and removed us again: nothing of that has to stay.
      await this.#forget(tx, found);
      return undefined;
    }
    let log = before;
    const leads = log.isAdmin(this.#ownName);
    const claims = wanted.kind !== 'leave' && log.mayClaim(this.#ownName);
    if (!log.isMember(this.#ownName) || (wanted.kind !== 'leave' && !leads && !claims)) {
      throw new SottoError('NOT_PERMITTED', 'Only an administrator of the group may do this.', {
        what: wanted.kind,
      });
    }
    if (claims) log = sign(log, { kind: 'promote', identities: [this.#context.settings.identity.publicKey] });
    const action = this.#leftToDo(log, wanted);
    if (action !== undefined) log = sign(log, action);
    if (applied.length === 0) return undefined;
    const record = await this.#noteDepartures(tx, { ...found.record, uninvited: false }, before, log);
    this.#records.put(tx, found, record, applied);
    this.#emitChanged(tx, groupId);
    if (wanted.kind === 'leave') {
      this.#parts.subscriptions.unsubscribeGroup(tx, groupId);
      await this.#parts.ownChains.forget(tx, groupId);
    }
    // Our own identity, too, for our other devices.
    const members = new Set([...before.state.members, ...log.state.members]);
    return this.#fanOut.enqueue(tx, toMembers(members, groupId), options);
  }

  /**
   * Sends a payload to the members of a group.
   * @throws NOT_FOUND, NOT_PERMITTED when we are not a member
   */
  async send(
    tx: Transaction,
    groupId: string,
    payload: Uint8Array,
    options?: SendOptions,
  ): Promise<QueuedMessage> {
    const found = await this.#get(tx, groupId);
    if (!found.log.isMember(this.#ownName)) {
      throw new SottoError('NOT_PERMITTED', 'Only members may write to the group.', { what: 'send' });
    }
    if (found.record.uninvited) this.#records.put(tx, found, { ...found.record, uninvited: false }, []);
    const byChain = this.#parts.ownChains.isFor(found.log);
    const message = { ...toMembers(byChain ? [] : found.log.state.members, groupId), payload, byChain };
    return this.#fanOut.enqueue(tx, message, options);
  }

  /**
   * Processes a message of a group: first whether its sender has anything to do with the group, then the changes, then
   * whether the sender may write.
   *
   * @throws MALFORMED_MESSAGE, INVALID_SIGNATURE when nothing of it is acceptable; NOT_FOUND when the group is not
   *   known, and the changes don't create it; NOT_PERMITTED when the sender has nothing to do with it; LIMIT_EXCEEDED when
   *   strangers have added us to too many groups
   */
  async receive(tx: Transaction, from: GroupSender, payload: GroupPayload): Promise<GroupOutcome> {
    if (payload.groupId.length !== 32 || payload.membershipHash.length !== 32) {
      throw new SottoError('MALFORMED_MESSAGE', 'Not a valid message of a group.', {
        what: 'GroupPayload',
        reason: 'an id or hash of a wrong length',
      });
    }
    const groupId = encodeHex(payload.groupId);
    const name = encodeHex(from.sender);
    const before = await this.#records.find(tx, groupId);
    const applied = this.#apply(before?.log, groupId, name, payload);
    const found =
      before === undefined
        ? await this.#join(tx, from.sender, payload, applied as Applied)
        : await this.#keep(tx, before, applied);
    if (found === undefined) {
      return {
        groupId,
        changed: false,
        late: false,
        refused: undefined,
        broughtChain: false,
        uninvited: true,
      };
    }
    const { log } = found;
    this.#follow(tx, before?.log, log, from.sentAt);
    const isMember = log.isMember(name);
    const isLate = !isMember && this.#isInGrace(found.record, from.sender);
    const hasPayload = payload.payload !== undefined;
    if (isMember) await this.#answer(tx, found, from, payload);
    else await this.#notifyExcluded(tx, found, from.sender);
    const mayWrite = isMember || isLate;
    const refused = hasPayload ? await this.#refusal(tx, groupId, from.sender, payload, mayWrite) : undefined;
    const broughtChain =
      payload.senderKey.length > 0 &&
      mayWrite &&
      (await this.#parts.memberChains.accept(tx, groupId, from, payload.senderKey));
    if (isMember && payload.wantedChains.length > 0)
      await this.#answerChains(tx, groupId, from.sender, payload);
    const newcomers = applied === undefined ? [] : this.#newcomersTo(before?.log, applied);
    if (newcomers.length > 0) this.#fanOut.enqueue(tx, answerTo(newcomers, groupId));
    const changed =
      applied !== undefined &&
      (before === undefined || encodeHex(before.log.membershipHash) !== encodeHex(log.membershipHash));
    if (changed) this.#emitChanged(tx, groupId);
    if (applied !== undefined) this.#emitLost(tx, groupId, applied);
    const { uninvited } = found.record;
    return { groupId, changed, late: isLate && hasPayload, refused, broughtChain, uninvited };
  }

  /** Why the payload of a message is refused; otherwise it is counted. */
  async #refusal(
    tx: Transaction,
    groupId: string,
    sender: PublicKey,
    { payload = NO_BYTES }: GroupPayload,
    mayWrite: boolean,
  ): Promise<SottoError | undefined> {
    if (!mayWrite) {
      return new SottoError('NOT_PERMITTED', 'The sender is not a member of the group.', { what: 'send' });
    }
    const { device, settings } = this.#context;
    const found = await this.#get(tx, groupId);
    if (!found.record.uninvited || (await device.isAccepted(tx, sender))) return undefined;
    const limit = settings.limits.maxUninvitedBytes;
    const actual = Number(found.record.strangerBytes) + Math.max(MESSAGE_LEAST_BYTES, payload.length);
    if (actual > limit) {
      return new SottoError('LIMIT_EXCEEDED', 'Strangers have written too much to this group.', {
        what: 'bytes by strangers in a group',
        limit,
        actual,
      });
    }
    this.#records.put(tx, found, { ...found.record, strangerBytes: BigInt(actual) }, []);
    return undefined;
  }

  /** Members whom others added while we changed the group: those who added them could not send them our change. */
  #newcomersTo(before: GroupLog | undefined, { log, effective }: Applied): readonly string[] {
    if (before === undefined || !effective.some((id) => log.isConcurrent(id, this.#ownName))) return [];
    return log.state.members.filter((name) => name !== this.#ownName && !before.isMember(name));
  }

  /** Permission first: who the sender is decides which of the changes are read. */
  #apply(
    known: GroupLog | undefined,
    groupId: string,
    sender: string,
    { changes }: GroupPayload,
  ): Applied | undefined {
    if (known === undefined) {
      if (changes.length === 0) throw notFound(groupId);
      const log =
        this.#partial.get(sender, groupId) ?? GroupLog.empty(this.#context.settings.crypto, groupId);
      return log.apply(changes, sender);
    }
    const isStranger = sender !== this.#ownName && !known.names(sender);
    const stranger = () =>
      new SottoError('NOT_PERMITTED', 'The sender has nothing to do with the group.', { what: 'send' });
    if (isStranger && (changes.length === 0 || changes.length > STRANGER_CHANGES_MAX)) throw stranger();
    if (changes.length === 0) return undefined;
    const applied = known.apply(changes, sender);
    // A new member's message may arrive before the change that added them; or they were added without permission, and have
    // to learn that. Nothing else of a stranger is kept.
    if (isStranger && !applied.log.names(sender)) throw stranger();
    const [refused] = applied.refused;
    if (refused !== undefined && applied.added.length === 0 && applied.pending.length === 0)
      throw refused.error;
    return applied;
  }

  /** A group that was not known: stored when both the sender and we are members. `undefined` while parts are missing. */
  async #join(
    tx: Transaction,
    sender: PublicKey,
    payload: GroupPayload,
    applied: Applied,
  ): Promise<KnownGroup | undefined> {
    const { log } = applied;
    const name = encodeHex(sender);
    if (!log.isMember(name) || !log.isMember(this.#ownName)) {
      const [refused] = applied.refused;
      if (refused !== undefined && !log.isCreated && log.waiting === 0) throw refused.error;
      this.#partial.set(name, log);
      // The other parts may be on their way; a message can't wait for them.
      if (payload.payload === undefined) return undefined;
      throw notFound(log.groupId);
    }
    const isInvited = this.#isOwn(sender) || (await this.#context.device.isAccepted(tx, sender));
    if (!isInvited) await this.#checkUninvited(tx);
    tx.onCommit('state', () => this.#partial.delete(name, log.groupId));
    // What came in earlier messages, too.
    const whole = { ...applied, added: log.stored(), evicted: [] };
    return this.#records.put(tx, undefined, { ...NEW_GROUP, uninvited: !isInvited }, [whole]);
  }

  async #checkUninvited(tx: ReadTransaction): Promise<void> {
    const limit = this.#context.settings.limits.maxUninvitedGroups;
    let count = 1;
    for await (const { value } of tx.list(groupTable, [], () => {})) if (value.uninvited) count++;
    if (count > limit) {
      throw new SottoError('LIMIT_EXCEEDED', 'Strangers have added this identity to too many groups.', {
        what: 'groups by strangers',
        limit,
        actual: count,
      });
    }
  }

  async #keep(tx: Transaction, found: KnownGroup, applied: Applied | undefined): Promise<KnownGroup> {
    if (applied === undefined) return found;
    if (applied.added.length === 0 && applied.evicted.length === 0)
      return this.#records.note(found, applied.log);
    const record = await this.#noteDepartures(tx, found.record, found.log, applied.log);
    return this.#records.put(tx, found, record, [applied]);
  }

  /** Sends a member the changes they lack, by the membership they named, and asks for those we lack. */
  async #answer(
    tx: Transaction,
    group: KnownGroup,
    { sender, senderInstallation, protection }: GroupSender,
    { membershipHash, request }: GroupPayload,
  ): Promise<void> {
    const { log, record } = group;
    const { groupId } = log;
    const ours = log.membershipHash;
    if (protection === 'dr' || protection === 'pq') {
      await this.#memberSync.acknowledged(tx, groupId, sender, senderInstallation, membershipHash);
    }
    const complete = request && (await this.#memberSync.mayAgain(tx, groupId, sender, 'answeredAt'));
    const differs = compareBytes(membershipHash, ours) !== 0;
    const isPast = record.past.some(({ hash }) => compareBytes(hash, membershipHash) === 0);
    const asks = differs && !isPast && (await this.#memberSync.mayAgain(tx, groupId, sender, 'askedAt'));
    const sends = differs && (await this.#memberSync.isDue(tx, groupId, sender, ours));
    if (!complete && !asks && !sends) return;
    if (!(await mayAnswer(tx, this.#context, this.#records, group, sender))) return;
    this.#fanOut.enqueue(tx, { ...answerTo([encodeHex(sender)], groupId), request: asks, complete });
  }

  /** Gives a member the chains of ours that they lack, once in a while. */
  async #answerChains(
    tx: Transaction,
    groupId: string,
    sender: PublicKey,
    { wantedChains }: GroupPayload,
  ): Promise<void> {
    const wanted = new Map(wantedChains.slice(0, WANTED_CHAINS_MAX).map((name) => [encodeHex(name), name]));
    const givenChains: Uint8Array[] = [];
    // Others are of our other devices, or gone.
    for (const name of wanted.values()) {
      if (await this.#parts.ownChains.isOwn(tx, groupId, name)) givenChains.push(name);
    }
    if (givenChains.length === 0) return;
    if (!(await this.#memberSync.mayAgain(tx, groupId, sender, 'chainsAnsweredAt'))) return;
    this.#fanOut.enqueue(tx, { ...answerTo([encodeHex(sender)], groupId), givenChains });
  }

  /** Subscribes to the channel of a group that we have become a member of, and fetches what was sent on it meanwhile. */
  #follow(tx: Transaction, before: GroupLog | undefined, log: GroupLog, sentAt: number): void {
    if (before?.isMember(this.#ownName) === true || !log.isMember(this.#ownName)) return;
    const { subscriptions, catchUp } = this.#parts;
    if (!subscriptions.subscribeGroup(tx, log.groupId)) return;
    const from = sentAt - this.#context.settings.limits.maxClockAheadMs;
    tx.onCommit('send', () => catchUp.fetch([subscriptions.groupChannel(log.groupId)], from));
  }

  /** Deletes all that is stored of a group. */
  async #forget(tx: Transaction, found: KnownGroup): Promise<void> {
    const { groupId } = found.log;
    const { memberChains, ownChains, subscriptions, waiting } = this.#parts;
    await this.#records.forget(tx, found);
    await ownChains.forget(tx, groupId);
    await memberChains.forget(tx, groupId);
    await waiting.forget(tx, groupId);
    subscriptions.unsubscribeGroup(tx, groupId);
  }

  /** Sends a former member who doesn't know it the changes that removed them, nothing else, and rarely. */
  async #notifyExcluded(tx: Transaction, found: KnownGroup, sender: PublicKey): Promise<void> {
    const name = encodeHex(sender);
    if (this.#isOwn(sender) || found.log.exclusionOf(name) === undefined) return;
    if (found.record.uninvited && !(await this.#context.device.isKnown(tx, sender))) return;
    const exclusionNotices = this.#memberSync.noteExclusion(found.record, name);
    if (exclusionNotices === undefined) return;
    this.#records.put(tx, found, { ...found.record, exclusionNotices }, []);
    this.#fanOut.enqueue(tx, answerTo([name], found.log.groupId));
  }

  /**
   * Notes who is no longer a member: for our chains, and for the record, which is returned, with when we learnt it; and in that whether we
   * are one.
   */
  async #noteDepartures(
    tx: Transaction,
    record: GroupRecord,
    before: GroupLog,
    after: GroupLog,
  ): Promise<GroupRecord> {
    const gone = before.state.members.filter((name) => !after.isMember(name));
    if (gone.length > 0) await this.#parts.ownChains.noteGone(tx, after.groupId, new Set(gone));
    const known = record.departures.filter(
      ({ identity, learntAt }) => !after.isMember(encodeHex(identity)) && this.#isRecent(learntAt),
    );
    const left = !after.isMember(this.#ownName);
    if (gone.length === 0 && known.length === record.departures.length) return { ...record, left };
    const learntAt = storedNow(this.#context.settings.clock);
    const departures = [...known, ...gone.map((name) => ({ identity: decodeHex(name), learntAt }))];
    return { ...record, left, departures: departures.slice(-DEPARTURES_MAX) };
  }

  #isInGrace({ departures }: GroupRecord, identity: PublicKey): boolean {
    return departures.some(
      (one) => compareBytes(one.identity, identity) === 0 && this.#isRecent(one.learntAt),
    );
  }

  #isRecent(learntAt: bigint): boolean {
    return happenedWithin(learntAt, this.#context.settings.limits.groupGraceMs, this.#context.settings);
  }

  #emitChanged(tx: Transaction, groupId: string): void {
    this.#context.events.emitOnCommit(tx, 'groupChanged', { groupId });
  }

  /** Reports changes without effect if we made them or they are about us. */
  #emitLost(tx: Transaction, groupId: string, { lost, void: voided, overruled }: Applied): void {
    for (const one of [...lost, ...voided, ...overruled]) {
      if (one.author !== this.#ownName && !one.names.includes(this.#ownName)) continue;
      const event: GroupChangeLost = { groupId, change: one.id, by: one.by, ...describeLoss(one) };
      this.#context.events.emitOnCommit(tx, 'groupChangeLost', event);
    }
  }

  /** The part of a change that isn't in effect already. */
  #leftToDo(log: GroupLog, action: OwnChange): OwnChange | undefined {
    if (!('identities' in action)) return action;
    const isLeft = (name: string) => {
      if (action.kind === 'add') return !log.isMember(name);
      if (action.kind === 'remove') return log.isMember(name);
      return log.isAdmin(name) === (action.kind === 'demote');
    };
    const identities = this.#identities(action.identities).filter((one) => isLeft(encodeHex(one)));
    if (action.kind === 'add') checkMembers(log.state.members.length + identities.length);
    return identities.length === 0 ? undefined : { kind: action.kind, identities };
  }

  #sign(log: GroupLog, action: OwnChange): Uint8Array {
    const { crypto, identity, clock } = this.#context.settings;
    const parents = log.parentsFor(this.#ownName, action);
    return signChange(crypto, identity, { groupId: log.groupId, parents, time: clock.now(), action });
  }

  async #get(tx: ReadTransaction, groupId: string): Promise<KnownGroup> {
    const found = await this.#records.find(tx, groupId);
    if (found === undefined) throw notFound(groupId);
    return found;
  }

  #describe(log: GroupLog): Group {
    const { name, members, admins } = log.state;
    const keys = (names: readonly string[]) => names.map((one) => decodeHex(one) as PublicKey);
    return {
      id: log.groupId,
      name,
      members: keys(members),
      admins: keys(admins),
      membershipHash: encodeHex(log.membershipHash),
      joined: log.isMember(this.#ownName),
    };
  }

  #isOwn(identity: Uint8Array): boolean {
    return compareBytes(identity, this.#context.settings.identity.publicKey) === 0;
  }

  /** Each once, 33 bytes. @throws INVALID_PUBLIC_KEY */
  #identities(identities: readonly Uint8Array[]): readonly PublicKey[] {
    const parsed = identities.map((one) => this.#context.settings.crypto.secp256k1.parsePublicKey(one));
    return [...new Map(parsed.map((one) => [encodeHex(one), one])).values()];
  }
}

function describeLoss({ kind, author, names, reason }: Ineffective) {
  return {
    kind,
    author: decodeHex(author) as PublicKey,
    subjects: names.map((one) => decodeHex(one) as PublicKey),
    reason,
  };
}

/** @throws the error with which the log refused a change of ours */
function checkTaken({ refused }: Applied): void {
  if (refused[0] !== undefined) throw refused[0].error;
}

function notFound(groupId: string): SottoError {
  return new SottoError('NOT_FOUND', 'No such group is known here.', { what: 'group', id: groupId });
}

function checkMembers(count: number): void {
  if (count > GROUP_MEMBERS_MAX) {
    throw new SottoError('LIMIT_EXCEEDED', 'The group would have too many members.', {
      what: 'members of a group',
      limit: GROUP_MEMBERS_MAX,
      actual: count,
    });
  }
}

function checkName(name: string): void {
  const { length } = encodeUtf8(name);
  if (length > GROUP_NAME_MAX_BYTES) {
    throw new SottoError('LIMIT_EXCEEDED', 'The name of the group is too long.', {
      what: 'bytes of a group name',
      limit: GROUP_NAME_MAX_BYTES,
      actual: length,
    });
  }
}
