import { decodeBase64, encodeHex, errorName, type PublicKey, SottoError } from '@sotto/core';
import { checkLimit } from '@sotto/protocol-codec/internal';
import { formatIdentity, parseIdentity } from '../identity-text.js';
import {
  encodeMembershipUpdate,
  groupChatId,
  MEMBERSHIP_EVENT_TYPE,
  type MembershipEvent,
} from '../membership.js';
import { MESSAGE_TYPE } from '../metadata.js';
import type { StatusGroupInfo } from './contents.js';
import type { StatusContext } from './context.js';
import { type GroupStates, notPermitted, statusGroupId } from './groups.js';
import { Draft, decodeRecord, type GroupRecord, groupKey, groupsPrefix, partsOf } from './records.js';
import type { StatusSender } from './sender.js';

type Change = Pick<MembershipEvent, 'type'> & Partial<MembershipEvent>;

/**
 * Status groups: `status.groups`. Their rules don't hold against their own members as those of the messenger's groups do; the README says
 * what they don't prevent. All methods reject with STORE codes and CLOSED, and those that change a group with NOT_FOUND and NOT_PERMITTED.
 */
export class StatusGroups {
  readonly #context: StatusContext;
  readonly #sender: StatusSender;
  readonly #states: GroupStates;
  readonly #inTurn: <T>(run: () => Promise<T>) => Promise<T>;

  /** @internal */
  constructor(
    context: StatusContext,
    sender: StatusSender,
    states: GroupStates,
    inTurn: <T>(run: () => Promise<T>) => Promise<T>,
  ) {
    this.#context = context;
    this.#sender = sender;
    this.#states = states;
    this.#inTurn = inTurn;
  }

  /** All groups, those that we left included. Damaged ones are left out. */
  async list(): Promise<readonly StatusGroupInfo[]> {
    return (await this.#records()).map(([, record]) => this.#states.describe(record));
  }

  /** A group by its id, 64 hex digits; `undefined` for one that is not a Status group, or not known. */
  async get(groupId: string): Promise<StatusGroupInfo | undefined> {
    const record = await this.#states.get(Draft.of(this.#context.store), groupId);
    return record && this.#states.describe(record);
  }

  /**
   * Creates a group, with us as its administrator.
   * @param members 33 or 65 bytes each
   * @throws INVALID_TEXT for an empty name; INVALID_PUBLIC_KEY; LIMIT_EXCEEDED
   */
  async create(name: string, members: readonly Uint8Array[]): Promise<StatusGroupInfo> {
    if (name.trim() === '') {
      throw new SottoError('INVALID_TEXT', 'A group needs a name.', { what: 'text', reason: 'empty' });
    }
    const keys = members.map((member) => this.#keyOf(member));
    const me = this.#keyOf(this.#context.identity.publicKey);
    const chatId = groupChatId(uuid(this.#context.random(16)), me);
    const types = MEMBERSHIP_EVENT_TYPE;
    const added = keys.filter((key) => key !== me);
    const changes: Change[] = [{ type: types.created, name }];
    if (added.length > 0) changes.push({ type: types.membersAdded, members: added });
    return this.#inTurn(() => this.#change(chatId, undefined, changes));
  }

  /** Accepts to be in a group, and tells its members. Nothing can be written before. */
  async join(groupId: string): Promise<void> {
    await this.#inTurn(() => this.joinNow(groupId));
  }

  /** Names a group. */
  async rename(groupId: string, name: string): Promise<StatusGroupInfo> {
    return this.#changeKnown(groupId, [{ type: MEMBERSHIP_EVENT_TYPE.nameChanged, name }]);
  }

  /** Adds members. @param members 33 or 65 bytes each */
  async add(groupId: string, members: readonly Uint8Array[]): Promise<StatusGroupInfo> {
    return this.#changeKnown(groupId, [this.#about(MEMBERSHIP_EVENT_TYPE.membersAdded, members)]);
  }

  /** Removes members who are no administrators. @param members 33 or 65 bytes each */
  async remove(groupId: string, members: readonly Uint8Array[]): Promise<StatusGroupInfo> {
    return this.#changeKnown(groupId, [this.#about(MEMBERSHIP_EVENT_TYPE.memberRemoved, members)]);
  }

  /** Makes members administrators; only they themselves can end that. @param members 33 or 65 bytes each */
  async promote(groupId: string, members: readonly Uint8Array[]): Promise<StatusGroupInfo> {
    return this.#changeKnown(groupId, [this.#about(MEMBERSHIP_EVENT_TYPE.adminsAdded, members)]);
  }

  /** Leaves a group. */
  async leave(groupId: string): Promise<StatusGroupInfo> {
    const me = [this.#context.identity.publicKey];
    return this.#changeKnown(groupId, [this.#about(MEMBERSHIP_EVENT_TYPE.memberRemoved, me)]);
  }

  /** @internal */
  async joinNow(groupId: string): Promise<void> {
    const record = await this.#states.get(Draft.of(this.#context.store), groupId);
    if (record === undefined) throw notFound(groupId);
    if (this.#states.stateOf(record) === 'joined') return;
    await this.#change(record.chatId, record, [{ type: MEMBERSHIP_EVENT_TYPE.memberJoined }]);
  }

  /** @internal Joins the groups to which a person, whom the user has accepted, added us. */
  async joinThoseOf(identity: PublicKey): Promise<void> {
    const key = this.#keyOf(identity);
    for (const [groupId, record] of await this.#records())
      if (record.from === key && this.#states.stateOf(record) === 'invited') await this.joinNow(groupId);
  }

  /** @internal Joins what an earlier run could not join any more. */
  async joinInvited(): Promise<void> {
    const { crypto, messenger } = this.#context;
    for (const [groupId, record] of await this.#records()) {
      if (this.#states.stateOf(record) !== 'invited') continue;
      if (await messenger.requests.isAccepted(parseIdentity(crypto, record.from)))
        await this.joinNow(groupId);
    }
  }

  /**
   * @internal Makes room for a group that is new to us.
   * @param isUninvited whether someone added us whom the user hasn't accepted
   * @throws LIMIT_EXCEEDED
   */
  async makeRoom(draft: Draft, isUninvited: boolean): Promise<void> {
    const { limits, messenger, crypto, events } = this.#context;
    const records = [...(await this.#records())].sort(([, one], [, other]) => one.knownAt - other.knownAt);
    const inState = (...states: readonly StatusGroupInfo['state'][]) =>
      records.filter(([, record]) => states.includes(this.#states.stateOf(record)));
    const left = inState('left');
    const forgotten = left.slice(0, Math.max(0, left.length - limits.maxGroups)).map(([groupId]) => groupId);
    if (isUninvited) {
      const uninvited: string[] = [];
      for (const [groupId, { from }] of inState('invited'))
        if (!(await messenger.requests.isAccepted(parseIdentity(crypto, from)))) uninvited.push(groupId);
      forgotten.push(...uninvited.slice(0, Math.max(0, uninvited.length + 1 - limits.maxUninvitedGroups)));
    }
    const staying = inState('joined', 'invited').filter(([groupId]) => !forgotten.includes(groupId));
    checkLimit('groups', staying.length + 1, limits.maxGroups);
    for (const groupId of forgotten) draft.delete(groupKey(groupId));
    draft.onCommit(() => {
      for (const groupId of forgotten) events.emit('groupForgotten', { groupId });
    });
  }

  async #changeKnown(groupId: string, changes: readonly Change[]): Promise<StatusGroupInfo> {
    return this.#inTurn(async () => {
      const record = await this.#states.get(Draft.of(this.#context.store), groupId);
      if (record === undefined) throw notFound(groupId);
      if (this.#states.stateOf(record) === 'left') throw notPermitted('change a group after leaving it');
      return this.#change(record.chatId, record, changes);
    });
  }

  async #change(
    chatId: string,
    before: GroupRecord | undefined,
    changes: readonly Change[],
  ): Promise<StatusGroupInfo> {
    const { crypto, store } = this.#context;
    const draft = Draft.of(store);
    const record = this.#states.change(draft, chatId, before, changes);
    const events = record.events.map(decodeBase64);
    const update = { chatId, events, message: undefined, emojiReaction: undefined };
    const signed = this.#sender.sign(MESSAGE_TYPE.membershipUpdate, encodeMembershipUpdate(update));
    const groupId = statusGroupId(crypto, chatId);
    // Those who are removed learn it, too.
    const recipients = new Set([...(before?.members ?? []), ...record.members]);
    await this.#sender.sendToAll(draft, recipients, signed, {
      clock: 0n,
      conversation: { kind: 'group', groupId },
      unasked: true,
    });
    const group = this.#states.describe(record);
    this.#context.events.emit('groupChanged', { group });
    return group;
  }

  async #records(): Promise<readonly (readonly [string, GroupRecord])[]> {
    const { store, logger } = this.#context;
    const found: (readonly [string, GroupRecord])[] = [];
    for await (const { key, value } of store.list(groupsPrefix)) {
      try {
        found.push([partsOf(key, groupsPrefix)[0] as string, decodeRecord<GroupRecord>(value)]);
      } catch (error) {
        logger.warn('a group is damaged', { error: errorName(error) });
      }
    }
    return found;
  }

  #about(type: number, members: readonly Uint8Array[]): Change {
    return { type, members: members.map((member) => this.#keyOf(member)) };
  }

  #keyOf(identity: Uint8Array): string {
    const { crypto } = this.#context;
    return formatIdentity(crypto, crypto.secp256k1.parsePublicKey(identity));
  }
}

function notFound(id: string): SottoError<'NOT_FOUND'> {
  return new SottoError('NOT_FOUND', 'No such group exists.', { what: 'group', id });
}

/** A random UUID, version 4. @param bytes 16, random */
function uuid(bytes: Uint8Array): string {
  const hex = encodeHex(bytes);
  const variant = '89ab'[(bytes[8] as number) & 3];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join('-');
}
