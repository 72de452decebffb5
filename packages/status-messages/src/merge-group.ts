import { type CryptoProvider, isSottoError, SottoError } from '@sotto/core';
import { checkLimit, malformed } from '@sotto/protocol-codec/internal';
import { parseIdentity } from './identity-text.js';
import {
  GroupReplay,
  MEMBERSHIP_EVENT_TYPE,
  type SignedMembershipEvent,
  type StatusGroup,
} from './membership.js';
import type { StatusProfile } from './profile.js';

/** What members who aren't administrators can add to a group: the rest of `maxEvents` is for administrators. */
export interface MergeLimits {
  /** Members added by members. */
  readonly maxAddedByMembers: number;
  /** Events of one member that stay, but for joining and leaving, of which there are two for each time that someone adds them. */
  readonly maxEventsPerMember: number;
  /** The same of all members together. */
  readonly maxEventsOfMembers: number;
  /** Bytes of a member's event. */
  readonly maxEventBytes: number;
}

/** Events without effect. */
export interface IgnoredEvent {
  readonly event: SignedMembershipEvent;
  readonly error: SottoError;
}

/** What events of several senders come to. `events` are those that still matter, and valid as a whole. */
export interface MergedGroup extends StatusGroup {
  readonly ignored: readonly IgnoredEvent[];
}

/** A later event of the same type replaces them, and permissions don't depend on them. */
const REPLACED: ReadonlySet<number> = new Set([
  MEMBERSHIP_EVENT_TYPE.nameChanged,
  MEMBERSHIP_EVENT_TYPE.colorChanged,
  MEMBERSHIP_EVENT_TYPE.imageChanged,
]);

/**
 * Applies the events of a group in the order of their clocks, and leaves out those that may not be applied. In `openGroup` one invalid event
 * makes all invalid, so that a member who signs two events that contradict each other, and tells each to half of the group, keeps the
 * halves from reading each other.
 * @param profile whose rules apply; clocks are not compared with the time
 * @throws MALFORMED_MESSAGE without a creation
 */
export function mergeGroup(
  crypto: CryptoProvider,
  chatId: string,
  events: readonly SignedMembershipEvent[],
  profile: StatusProfile,
  limits: MergeLimits,
): MergedGroup {
  const sorted = [...events].sort((one, other) => compare(one.clock, other.clock));
  const creation = sorted.find(
    ({ type, from }) => type === MEMBERSHIP_EVENT_TYPE.created && isCreatorOf(chatId, from),
  );
  if (creation === undefined) throw malformed('group', 'no creation by the one whose key ends its id');
  if (creation.clock === 0n) throw malformed('membership event', 'the clock is 0');
  const replay = new GroupReplay();
  const quota = new Quota(limits);
  const applied: SignedMembershipEvent[] = [];
  const ignored: IgnoredEvent[] = [];
  for (const event of [creation, ...sorted.filter((other) => other !== creation)]) {
    try {
      if (compare(event.clock, creation.clock) < 0)
        throw notPermitted('change the group before it was created');
      for (const member of event.members) parseIdentity(crypto, member);
      const isMember = event !== creation && !replay.admins.has(event.from);
      const counts = isMember && quota.check(event, replay);
      replay.apply(event, { profile });
      if (counts) quota.count(event);
      applied.push(event);
    } catch (error) {
      if (!isSottoError(error)) throw error;
      if (event === creation) throw error;
      ignored.push({ event, error });
    }
  }
  return { ...replay.state(), chatId, events: withoutReplaced(applied), ignored };
}

/** What members have used of the limits. */
class Quota {
  readonly #limits: MergeLimits;
  readonly #byMember = new Map<string, number>();
  #all = 0;
  #added = 0;

  constructor(limits: MergeLimits) {
    this.#limits = limits;
  }

  /**
   * Checks an event that is about to be applied.
   * @returns whether to {@link count} it once it is
   * @throws NOT_PERMITTED for someone who is not a member; LIMIT_EXCEEDED
   */
  check(event: SignedMembershipEvent, { members, joined }: Pick<GroupReplay, 'members' | 'joined'>): boolean {
    const { maxEventsPerMember, maxEventsOfMembers, maxAddedByMembers, maxEventBytes } = this.#limits;
    const { type, from } = event;
    if (!members.has(from)) throw notPermitted('change a group as someone who is not a member');
    checkLimit('bytes of an event of a member', event.raw.length, maxEventBytes);
    if (type === MEMBERSHIP_EVENT_TYPE.membersAdded)
      checkLimit('members added by members', this.#added + event.members.length, maxAddedByMembers);
    if (isJoiningOrLeaving(event, joined)) return false;
    checkLimit('events of a member', (this.#byMember.get(from) ?? 0) + 1, maxEventsPerMember);
    checkLimit('events of members', this.#all + 1, maxEventsOfMembers);
    return !REPLACED.has(type);
  }

  count(event: SignedMembershipEvent): void {
    if (event.type === MEMBERSHIP_EVENT_TYPE.membersAdded) this.#added += event.members.length;
    this.#byMember.set(event.from, (this.#byMember.get(event.from) ?? 0) + 1);
    this.#all++;
  }
}

function isJoiningOrLeaving(
  { type, members, from }: SignedMembershipEvent,
  joined: ReadonlySet<string>,
): boolean {
  const { memberJoined, memberRemoved } = MEMBERSHIP_EVENT_TYPE;
  if (type === memberJoined) return !joined.has(from);
  return type === memberRemoved && members.length === 1 && members[0] === from;
}

/** Without names, colours and pictures that a later event replaces. */
function withoutReplaced(events: readonly SignedMembershipEvent[]): readonly SignedMembershipEvent[] {
  const last = new Map(events.map((event) => [event.type, event]));
  return events.filter((event) => !REPLACED.has(event.type) || last.get(event.type) === event);
}

/** Whether the id of a group ends with a key. @param key `0x04…` */
function isCreatorOf(chatId: string, key: string): boolean {
  return chatId.endsWith(`-${key}`) && chatId.length > key.length + 1;
}

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function notPermitted(what: string): SottoError<'NOT_PERMITTED'> {
  return new SottoError('NOT_PERMITTED', `The author of the event may not ${what}.`, { what });
}
