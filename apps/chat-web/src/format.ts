import type { Person } from '@sotto/conversations';
import { compareBytes, type PublicKey } from '@sotto/core';
import { formatKeyText } from '@sotto/identity';
import { crypto } from './session.js';

export function isSame(one: PublicKey, other: PublicKey): boolean {
  return compareBytes(one, other) === 0;
}

/** A key shortened to its beginning and end. Two keys can be made to look alike in it. */
function shortKey(identity: PublicKey): string {
  const text = formatKeyText(crypto, identity, 'base58btc');
  return `${text.slice(0, 8)}…${text.slice(-5)}`;
}

export function nameOf(person: Person): string {
  return person.name || shortKey(person.identity);
}

export function timeOf(milliseconds: number): string {
  const date = new Date(milliseconds);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(
    undefined,
    today ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' },
  ).format(date);
}
