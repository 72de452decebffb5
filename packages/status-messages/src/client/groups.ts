import {
  type CryptoProvider,
  decodeBase64,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  LruCache,
  type PublicKey,
  SottoError,
} from '@sotto/core';
import { checkLimit, malformed } from '@sotto/protocol-codec/internal';
import { parseIdentity } from '../identity-text.js';
import { DEFAULT_STATUS_LIMITS } from '../limits.js';
import {
  decodeMembershipEvent,
  MEMBERSHIP_EVENT_TYPE,
  type MembershipEvent,
  openMembershipEvent,
  type SignedMembershipEvent,
  type StatusGroup,
  signMembershipEvent,
} from '../membership.js';
import { type MergedGroup, mergeGroup } from '../merge-group.js';
import { PROFILE_2024 } from '../profile.js';
import type { StatusGroupInfo } from './contents.js';
import { nowOf, type StatusContext } from './context.js';
import { type Draft, type GroupRecord, groupKey } from './records.js';
import { forNow, isForNow } from './undecided.js';

/** Events whose author is remembered. */
const SIGNERS_KEPT = 4_096;
/** How far an event may be ahead of our clock, in milliseconds, to be waited for. A day: no honest clock is further off. */
const WAITED_FOR_MS = 24n * 60n * 60n * 1000n;

/** Whether a clock of a received event or reaction is further ahead of our time than deployed clients accept. */
export function isAhead(clock: bigint, nowMs: bigint): boolean {
  return clock > nowMs + BigInt(PROFILE_2024.maxClockAheadMs ?? 0);
}

/** The error of a clock that {@link isAhead}: for now, unless it is so far ahead that no clock is wrong. */
export function aheadError(clock: bigint, nowMs: bigint): SottoError<'MALFORMED_MESSAGE'> {
  const error = malformed('message', 'its clock is ahead of ours');
  return clock <= nowMs + WAITED_FOR_MS ? forNow(error) : error;
}

/** Names a Status group as a conversation: KECCAK-256 of its chat id, 64 hex digits. */
export function statusGroupId(crypto: CryptoProvider, chatId: string): string {
  return encodeHex(crypto.keccak256(encodeUtf8(chatId)));
}

/** The records of Status groups. */
export class GroupStates {
  readonly #context: StatusContext;
  readonly #me: string;
  /** Who signed an event, by its hash: recovering that is what events cost. */
  readonly #signers = new LruCache<string, string>(SIGNERS_KEPT);

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
    const { chatId, name, members, admins, joined, from } = record;
    const keys = (names: readonly string[]) => names.map((key) => parseIdentity(crypto, key));
    return {
      id: statusGroupId(crypto, chatId),
      chatId,
      name,
      members: keys(members),
      admins: keys(admins),
      joined: keys(joined),
      addedBy: parseIdentity(crypto, from),
      state: this.stateOf(record),
    };
  }

  stateOf({ members, joined }: Pick<GroupRecord, 'members' | 'joined'>): StatusGroupInfo['state'] {
    if (joined.includes(this.#me)) return 'joined';
    return members.includes(this.#me) ? 'invited' : 'left';
  }

  /**
   * Adds received events. Those that may not be applied have no effect here, and don't stand in the way of the others.
   * @param by who sent them, `0x04…`: must be a member before or after them
   * @returns `record` when they changed something; `refused` says why not all of them counted, `isPartial` whether some may later
   * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_SIGNATURE; NOT_PERMITTED when the sender, or we, are not in the group
   */
  async receive(
    draft: Draft,
    chatId: string,
    received: readonly Uint8Array[],
    by: string,
  ): Promise<{
    readonly before: GroupRecord | undefined;
    readonly record: GroupRecord | undefined;
    readonly refused: SottoError | undefined;
    readonly isPartial: boolean;
  }> {
    const { crypto } = this.#context;
    const before = await this.get(draft, statusGroupId(crypto, chatId));
    const known = new Set(before?.events);
    const added = new Set(received.map(encodeBase64).filter((raw) => !known.has(raw)));
    if (before !== undefined && added.size === 0) {
      if (!before.members.includes(by)) throw notPermitted('change a group as someone who is not a member');
      return { before, record: undefined, refused: undefined, isPartial: false };
    }
    const fresh = this.#openNew(chatId, [...added].map(decodeBase64));
    const old = [...known].map((raw) => this.#open(chatId, decodeBase64(raw)));
    let { refused } = fresh;
    let group: MergedGroup;
    try {
      group = this.#merge(chatId, [...old, ...fresh.events]);
    } catch (error) {
      throw refused ?? error;
    }
    refused ??= group.ignored[0]?.error;
    const isMember = group.members.has(by) || (before?.members.includes(by) ?? false);
    if (!isMember) throw refused ?? notPermitted('change a group as someone who is not a member');
    if (before === undefined && !group.members.has(this.#me))
      throw refused ?? notPermitted('announce a group that we are not in');
    const isPartial = fresh.refused !== undefined && isForNow(fresh.refused);
    const kept = group.events.map(({ raw }) => encodeBase64(raw));
    const isSame = kept.length === known.size && kept.every((raw) => known.has(raw));
    if (isSame) return { before, record: undefined, refused, isPartial };
    const record = this.#recordOf(group, this.#adderOf(group) ?? by, before);
    draft.put(groupKey(statusGroupId(crypto, chatId)), record);
    return { before, record, refused, isPartial };
  }

  /** Opens events that are new to us, the earliest first: those whose clock isn't ahead of ours, and only so many. */
  #openNew(
    chatId: string,
    added: readonly Uint8Array[],
  ): { readonly events: readonly SignedMembershipEvent[]; readonly refused: SottoError | undefined } {
    const { decodeLimits: limits } = this.#context;
    const now = nowOf(this.#context);
    const clocks = added.map((raw) => ({ raw, clock: decodeMembershipEvent(raw, { limits }).clock }));
    clocks.sort((one, other) => (one.clock < other.clock ? -1 : one.clock > other.clock ? 1 : 0));
    const ahead = clocks.find(({ clock }) => isAhead(clock, now))?.clock;
    let refused: SottoError | undefined = ahead === undefined ? undefined : aheadError(ahead, now);
    let left = this.#context.limits.maxNewEvents;
    const events: SignedMembershipEvent[] = [];
    for (const { raw, clock } of clocks) {
      if (isAhead(clock, now)) break;
      if (this.#signers.get(this.#signerKey(chatId, raw)) === undefined && left-- === 0) {
        refused = forNow(
          new SottoError('LIMIT_EXCEEDED', 'More new events than are looked at in one message.', {
            what: 'new membership events',
            limit: this.#context.limits.maxNewEvents,
            actual: added.length,
          }),
        );
        break;
      }
      events.push(this.#open(chatId, raw));
    }
    return { events, refused };
  }

  #merge(chatId: string, events: readonly SignedMembershipEvent[]): MergedGroup {
    const { crypto, limits, decodeLimits } = this.#context;
    const { maxEventsPerMember, maxEventsOfMembers, maxAddedByMembers, maxMemberEventBytes } = limits;
    const { maxEvents } = { ...DEFAULT_STATUS_LIMITS, ...decodeLimits };
    const group = mergeGroup(crypto, chatId, events, PROFILE_2024, {
      maxEventsPerMember,
      maxEventsOfMembers,
      maxAddedByMembers,
      maxEventBytes: maxMemberEventBytes,
    });
    checkLimit('membership events', group.events.length, maxEvents);
    return group;
  }

  /** Recovers who signed an event, unless that is known. */
  #open(chatId: string, raw: Uint8Array): SignedMembershipEvent {
    const { crypto, decodeLimits: limits } = this.#context;
    const key = this.#signerKey(chatId, raw);
    const from = this.#signers.get(key);
    if (from !== undefined) return { ...decodeMembershipEvent(raw, { limits }), from, raw };
    const event = openMembershipEvent(crypto, chatId, raw, { limits });
    this.#signers.set(key, event.from);
    return event;
  }

  #signerKey(chatId: string, raw: Uint8Array): string {
    return encodeHex(this.#context.crypto.keccak256(encodeUtf8(chatId), raw));
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
    const { crypto, identity } = this.#context;
    const now = nowOf(this.#context);
    const events = (before?.events ?? []).map((raw) => this.#open(chatId, decodeBase64(raw)));
    const last = events.at(-1)?.clock ?? 0n;
    let clock = last < now ? now : last + 1n;
    const ours: SignedMembershipEvent[] = [];
    for (const change of changes) {
      const event = { members: [], name: '', color: '', image: new Uint8Array(0), ...change, clock };
      ours.push(signMembershipEvent(crypto, identity, chatId, event));
      clock += 1n;
    }
    const group = this.#merge(chatId, [...events, ...ours]);
    const ineffective = group.ignored.find(({ event }) => ours.includes(event));
    if (ineffective !== undefined) throw ineffective.error;
    const record = this.#recordOf(group, before?.from ?? this.#me, before);
    draft.put(groupKey(statusGroupId(crypto, chatId)), record);
    return record;
  }

  #recordOf(group: StatusGroup, from: string, before: GroupRecord | undefined): GroupRecord {
    return {
      chatId: group.chatId,
      clock: before?.clock ?? '0',
      events: group.events.map(({ raw }) => encodeBase64(raw)),
      name: group.name,
      members: [...group.members],
      joined: [...group.joined],
      admins: [...group.admins],
      from,
      knownAt: before?.knownAt ?? Math.trunc(this.#context.clock.now()),
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
