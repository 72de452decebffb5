import { compareBytes } from '@sotto/core';
import { APPLICATION_PREFIX } from '@sotto/messenger';

/*
 * Beside the records of storage.ts, in the same store:
 *
 * app/conversations/profile/own                 StoredProfile: what we show of ourselves
 * app/conversations/profile/of/<identity>       StoredPerson: what somebody shows of themselves
 * app/conversations/profile/picture/<identity>  the picture of either, its bytes
 * app/conversations/profile/sent/<identity>     StoredSent: which of ours somebody has been sent
 */
const ROOT = `${APPLICATION_PREFIX}conversations/profile`;
export const ownProfileRecord = `${ROOT}/own`;
export const profilesPrefix = `${ROOT}/of/`;
export const sentPrefix = `${ROOT}/sent/`;
export const profileRecord = (identity: string) => `${profilesPrefix}${identity}`;
export const pictureRecord = (identity: string) => `${ROOT}/picture/${identity}`;
export const sentRecord = (identity: string) => `${sentPrefix}${identity}`;

export interface StoredProfile {
  /** Empty for none. */
  readonly name: string;
  /** Bytes of its picture; 0 for none. */
  readonly pictureBytes: number;
  /** Seconds since the epoch by the clock of the device that set it; 0: never. */
  readonly changedAt: number;
}

export interface StoredPerson extends StoredProfile {
  /** Milliseconds since the epoch by our clock. */
  readonly receivedAt: number;
  /** Whether the user hadn't accepted them. */
  readonly request: boolean;
  /** What their Status client calls them. */
  readonly statusName?: string | undefined;
}

export interface StoredSent {
  /** `changedAt` of what was sent. */
  readonly changedAt: number;
  /** Milliseconds since the epoch by our clock. */
  readonly at: number;
  /** How often it was sent. */
  readonly times: number;
  /** They have a device that may not have it, or it was not sent after all. */
  readonly again?: true | undefined;
}

export const NO_PROFILE: StoredProfile = { name: '', pictureBytes: 0, changedAt: 0 };

/** How far ahead of our clock a profile may have been set, in milliseconds: later ones don't count, since none could replace them. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1_000;

interface Version {
  readonly changedAt: number;
  readonly name: string;
  readonly picture: Uint8Array;
}

/**
 * Whether a profile replaces the one that is there: the later one counts, of two of the same second always the same one.
 * @param before its picture is asked for only then
 * @param now milliseconds since the epoch
 */
export async function replacesProfile(
  next: Version,
  before: StoredProfile,
  pictureBefore: () => Promise<Uint8Array>,
  now: number,
): Promise<boolean> {
  const isAhead = ({ changedAt }: { readonly changedAt: number }) => changedAt * 1_000 > now + MAX_AHEAD_MS;
  if (isAhead(next)) return false;
  if (isAhead(before) || next.changedAt > before.changedAt) return true;
  if (next.changedAt < before.changedAt) return false;
  if (next.name !== before.name) return next.name > before.name;
  return compareBytes(next.picture, await pictureBefore()) > 0;
}

/** When a profile is set that replaces another, in seconds since the epoch. @param now milliseconds */
export function profileChangedAfter({ changedAt }: StoredProfile, now: number): number {
  const isAhead = changedAt * 1_000 > now + MAX_AHEAD_MS;
  return Math.max(Math.floor(now / 1_000), isAhead ? 0 : changedAt + 1);
}
