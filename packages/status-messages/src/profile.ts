/** A generation of deployed Status clients: what it sends and accepts, as data. */
export interface StatusProfile {
  /** As people named it. */
  readonly name: '2020' | '2024';
  /** Most code points of a text that it accepts. No one should send more than 4096. */
  readonly maxTextCodePoints: number | undefined;
  /** Milliseconds that a clock may be ahead of the envelope, or of our own time where there is none. */
  readonly maxClockAheadMs: number | undefined;
  /** Whether an empty signature counts as an absent one; it is refused otherwise. */
  readonly emptySignatureIsAbsent: boolean;
  /** Whether it knows images in messages, which need no text. */
  readonly hasImages: boolean;
  /** Whether display names are checked. */
  readonly checksDisplayNames: boolean;
  /** Whether a message to a group needs its author and reader to have joined; members otherwise. */
  readonly messagesNeedJoining: boolean;
  /** Whether any member may rename a group, add members, and change its colour and image; only admins otherwise. */
  readonly membersMayChangeGroups: boolean;
  /** The last type of a membership event that it knows. */
  readonly lastMembershipEvent: number;
  /** Whether public messages travel in a ProtocolMessage; bare otherwise. Both read the former. */
  readonly wrapsPublicMessages: boolean;
  /** Whether large messages are cut into segments. */
  readonly segments: boolean;
  /** Milliseconds until a message without acknowledgement is sent again, the n-th time, n from 1; `random` is 0 to 1. */
  repeatDelayMs(n: number, random: number): number;
}

/** Clients of January 2020, on Whisper. */
export const PROFILE_2020: StatusProfile = Object.freeze({
  name: '2020',
  maxTextCodePoints: undefined,
  maxClockAheadMs: undefined,
  emptySignatureIsAbsent: false,
  hasImages: false,
  checksDisplayNames: false,
  messagesNeedJoining: true,
  membersMayChangeGroups: false,
  lastMembershipEvent: 7,
  wrapsPublicMessages: false,
  segments: false,
  repeatDelayMs: (n: number) => 2_100 * 2.2 ** (n - 1),
});

/** Clients of October 2024, on Waku. */
export const PROFILE_2024: StatusProfile = Object.freeze({
  name: '2024',
  maxTextCodePoints: 4096,
  maxClockAheadMs: 120_000,
  emptySignatureIsAbsent: true,
  hasImages: true,
  checksDisplayNames: true,
  messagesNeedJoining: false,
  membersMayChangeGroups: true,
  lastMembershipEvent: 9,
  wrapsPublicMessages: true,
  segments: true,
  repeatDelayMs: (n: number, random: number) => 27_000 * 2 ** (n - 1) + 9_000 * random,
});
