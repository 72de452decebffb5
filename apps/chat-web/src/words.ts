import type { NoticeContent, Person } from '@sotto/conversations';
import { compareBytes, type PublicKey } from '@sotto/core';
import { formatKeyText } from '@sotto/identity';
import { crypto } from './session.js';

export function isSame(one: PublicKey, other: PublicKey): boolean {
  return compareBytes(one, other) === 0;
}

/** A key as people can tell it apart: its beginning and end. Two keys can be made to look alike in it. */
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

/** What happened to a conversation, in a sentence. */
export function sentenceOf(notice: NoticeContent, nameFor: (identity: PublicKey) => string): string {
  switch (notice.what) {
    case 'decryption-failed':
      return notice.answered
        ? 'A message could not be read on this device. The sender was told; the next one will be readable.'
        : 'A message could not be read on this device.';
    case 'new-device':
      return 'A new device of this person appeared. If you did not expect that, ask.';
    case 'group-change-lost': {
      const who = nameFor(notice.author);
      const whom = notice.subjects.map(nameFor).join(', ');
      const change = {
        create: 'created the group',
        rename: 'renamed the group',
        add: `added ${whom}`,
        remove: `removed ${whom}`,
        promote: `made ${whom} an administrator`,
        demote: `took administration from ${whom}`,
        leave: 'left the group',
      }[notice.kind];
      return `It has no effect that ${who} ${change}: somebody else changed the group at the same time.`;
    }
    case 'group-changed': {
      const { name, joined, left } = notice;
      const parts = [
        ...(name === undefined ? [] : [`The group is called “${name}”.`]),
        ...(joined.length > 0 ? [`Joined: ${joined.map(nameFor).join(', ')}.`] : []),
        ...(left.length > 0 ? [`Left: ${left.map(nameFor).join(', ')}.`] : []),
      ];
      return parts.join(' ');
    }
  }
}
