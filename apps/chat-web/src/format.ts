import type { Profiles } from '@sotto/conversations/profile';
import { compareBytes, LruCache, type PublicKey } from '@sotto/core';
import { crypto } from './crypto.js';
import { readableName } from './readable-name.js';

export function isSame(one: PublicKey, other: PublicKey): boolean {
  return compareBytes(one, other) === 0;
}

/** Whoever knows names: a session. */
interface Named {
  readonly profiles: Pick<Profiles, 'shownName'>;
}

/** The name that the user gave someone; until then, the one that they gave themselves, with a tilde; else one made from their key. */
export function nameOf({ profiles }: Named, identity: PublicKey): string {
  const { text, source } = profiles.shownName(identity);
  if (source === 'none') return readableName(crypto, identity);
  return source === 'own' ? `~${text}` : text;
}

const DAY_MS = 86_400_000;
// Making one of these takes longer than to format with it many times.
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const shortDate = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });
const fullTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });

/** Time zones and their changes are multiples of a quarter of an hour: within one, the day is the same. */
const QUARTER_MS = 15 * 60_000;
const midnights = new LruCache<number, number>(1_000);

/** When the day of a moment began. A long conversation asks for it thousands of times, and calendars are slow. */
function midnight(milliseconds: number): number {
  const quarter = Math.floor(milliseconds / QUARTER_MS);
  const known = midnights.get(quarter);
  if (known !== undefined) return known;
  const began = new Date(milliseconds).setHours(0, 0, 0, 0);
  midnights.set(quarter, began);
  return began;
}

/** Days between today and that day, by the calendar of this device; negative in the future. */
function daysAgo(milliseconds: number): number {
  return Math.round((midnight(Date.now()) - midnight(milliseconds)) / DAY_MS);
}

/** The time of day: `14:05`. */
export function clockTimeOf(milliseconds: number): string {
  return clockTime.format(milliseconds);
}

/** Date and time in full, for a tooltip. */
export function fullTimeOf(milliseconds: number): string {
  return fullTime.format(milliseconds);
}

/** The day, as a heading between messages: `Today`, `Monday`, `12 March 2026`. */
export function dayOf(milliseconds: number): string {
  const ago = daysAgo(milliseconds);
  if (ago === 0) return 'Today';
  if (ago === 1) return 'Yesterday';
  return ago > 1 && ago < 7 ? weekday.format(milliseconds) : longDate.format(milliseconds);
}

/** The most that is needed of a moment, in a list: the time today, then the day. */
export function shortTimeOf(milliseconds: number): string {
  const ago = daysAgo(milliseconds);
  if (ago === 0) return clockTime.format(milliseconds);
  if (ago === 1) return 'Yesterday';
  return ago > 1 && ago < 7 ? weekday.format(milliseconds) : shortDate.format(milliseconds);
}

/** A moment within a sentence: the time today, else with its date. */
export function timeOf(milliseconds: number): string {
  const time = clockTime.format(milliseconds);
  return daysAgo(milliseconds) === 0 ? time : `${longDate.format(milliseconds)}, ${time}`;
}

const DURATIONS = [
  [7 * 86_400, 'w'],
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** About so many seconds, as shortly as can be: `30 s`, `5 min`, `2 h`. */
export function shortDuration(seconds: number): string {
  const [length, unit] = DURATIONS.find(([one]) => seconds >= one) ?? DURATIONS[4];
  return `${Math.round(seconds / length)} ${unit}`;
}
