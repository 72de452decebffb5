import {
  type CryptoProvider,
  decodeBase64,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  type PublicKey,
  SottoError,
} from '@sotto/core';
import { checkLimit } from '@sotto/protocol-codec/internal';
import { parseIdentity } from '../identity-text.js';
import {
  MEMBERSHIP_EVENT_TYPE,
  type MembershipEvent,
  openGroup,
  type StatusGroup,
  signMembershipEvent,
} from '../membership.js';
import { PROFILE_2024 } from '../profile.js';
import type { StatusGroupInfo } from './contents.js';
import { nowOf, type StatusContext } from './context.js';
import { type Draft, type GroupRecord, groupKey } from './records.js';

/** Names a Status group as a conversation: KECCAK-256 of its chat id, 64 hex digits. */
export function statusGroupId(crypto: CryptoProvider, chatId: string): string {
  return encodeHex(crypto.keccak256(encodeUtf8(chatId)));
}

/** The records of Status groups. */
export class GroupStates {
  readonly #context: StatusContext;
  readonly #me: string;

  /** @param me `0x04…` */
  constructor(context: StatusContext, me: string) {
    this.#context = context;
    this.#me = me;
  }

  async get(draft: Draft, groupId: string): Promise<GroupRecord | undefined> {
    return draft.get<GroupRecord>(groupKey(groupId));
  }

  /** As applications see it. */
  describe(record: GroupRecord): StatusGroupInfo {
    const { crypto } = this.#context;
    const { chatId, name, members, admins, joined } = record;
    const keys = (names: readonly string[]) => names.map((key) => parseIdentity(crypto, key));
    return {
      id: statusGroupId(crypto, chatId),
      chatId,
      name,
      members: keys(members),
      admins: keys(admins),
      joined: keys(joined),
      state: this.stateOf(record),
    };
  }

  stateOf({ members, joined }: Pick<GroupRecord, 'members' | 'joined'>): StatusGroupInfo['state'] {
    if (joined.includes(this.#me)) return 'joined';
    return members.includes(this.#me) ? 'invited' : 'left';
  }

  /**
   * Adds received events. All must be valid together; otherwise nothing changes.
   * @param by who sent them, 33 bytes and `0x04…`: must be a member before or after them
   * @param counts how many groups there are, and how many of them we have not joined
   * @returns what changed; `undefined` when no event is new
   * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_SIGNATURE, NOT_PERMITTED
   */
  async receive(
    draft: Draft,
    chatId: string,
    received: readonly Uint8Array[],
    by: string,
    counts: () => Promise<{ readonly all: number; readonly uninvited: number }>,
  ): Promise<GroupRecord | undefined> {
    const { crypto, limits, decodeLimits } = this.#context;
    const groupId = statusGroupId(crypto, chatId);
    const before = await this.get(draft, groupId);
    const events = new Set(before?.events);
    const known = events.size;
    for (const event of received) events.add(encodeBase64(event));
    if (before !== undefined && events.size === known) {
      if (!before.members.includes(by)) throw notPermitted('change a group as someone who is not a member');
      return undefined;
    }
    const group = openGroup(
      crypto,
      chatId,
      [...events].map(decodeBase64),
      { profile: PROFILE_2024, nowMs: nowOf(this.#context) },
      { limits: decodeLimits },
    );
    const isMember = group.members.has(by) || (before?.members.includes(by) ?? false);
    if (!isMember) throw notPermitted('change a group as someone who is not a member');
    if (before === undefined) {
      if (!group.members.has(this.#me)) throw notPermitted('announce a group that we are not in');
      const { all, uninvited } = await counts();
      checkLimit('groups', all + 1, limits.maxGroups);
      if (!group.joined.has(this.#me))
        checkLimit('groups not joined', uninvited + 1, limits.maxUninvitedGroups);
    }
    const record = this.#recordOf(group, this.#adderOf(group) ?? by, before?.clock ?? '0');
    draft.put(groupKey(groupId), record);
    return record;
  }

  /** Who added us last, `0x04…`: whoever only passes on the events doesn't count. */
  #adderOf({ events }: StatusGroup): string | undefined {
    const { created, membersAdded } = MEMBERSHIP_EVENT_TYPE;
    return events.findLast(
      ({ type, from, members }) =>
        (type === membersAdded && members.includes(this.#me)) || (type === created && from === this.#me),
    )?.from;
  }

  /**
   * Adds events of our own.
   * @throws NOT_PERMITTED, MALFORMED_MESSAGE, LIMIT_EXCEEDED
   */
  change(
    draft: Draft,
    chatId: string,
    before: GroupRecord | undefined,
    changes: readonly (Pick<MembershipEvent, 'type'> & Partial<MembershipEvent>)[],
  ): GroupRecord {
    const { crypto, identity, decodeLimits } = this.#context;
    const now = nowOf(this.#context);
    const events = (before?.events ?? []).map(decodeBase64);
    let last = 0n;
    if (events.length > 0) {
      const opened = openGroup(crypto, chatId, events, { profile: PROFILE_2024, nowMs: now });
      last = opened.events.at(-1)?.clock ?? 0n;
    }
    let clock = last < now ? now : last + 1n;
    for (const change of changes) {
      const event = { members: [], name: '', color: '', image: new Uint8Array(0), ...change, clock };
      events.push(signMembershipEvent(crypto, identity, chatId, event).raw);
      clock += 1n;
    }
    const group = openGroup(
      crypto,
      chatId,
      events,
      { profile: PROFILE_2024, nowMs: clock > now ? clock : now },
      { limits: decodeLimits },
    );
    const record = this.#recordOf(group, before?.from ?? this.#me, before?.clock ?? '0');
    draft.put(groupKey(statusGroupId(crypto, chatId)), record);
    return record;
  }

  #recordOf(group: StatusGroup, from: string, clock: string): GroupRecord {
    return {
      chatId: group.chatId,
      clock,
      events: group.events.map(({ raw }) => encodeBase64(raw)),
      name: group.name,
      members: [...group.members],
      joined: [...group.joined],
      admins: [...group.admins],
      from,
    };
  }
}

/** The members except one, as keys. */
export function othersIn(
  crypto: CryptoProvider,
  members: Iterable<string>,
  me: string,
): readonly PublicKey[] {
  return [...new Set(members)].filter((key) => key !== me).map((key) => parseIdentity(crypto, key));
}

export function notPermitted(what: string): SottoError<'NOT_PERMITTED'> {
  return new SottoError('NOT_PERMITTED', `The sender may not ${what}.`, { what });
}
