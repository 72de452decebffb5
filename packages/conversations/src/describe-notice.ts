import type { PublicKey } from '@sotto/core';
import type { NoticeContent } from './entry.js';

/**
 * Describes a notice in plain English.
 * @param nameFor the name of a person; a group's name, which others chose, is inserted unchanged
 */
export function describeNotice(notice: NoticeContent, nameFor: (identity: PublicKey) => string): string {
  switch (notice.what) {
    case 'decryption-failed':
      return notice.answered
        ? 'A message could not be read on this device. The sender was told; the next one will be readable.'
        : 'A message could not be read on this device.';
    case 'new-device':
      return 'A new device of this person appeared. If you did not expect that, ask.';
    case 'disappearing-changed': {
      const who = nameFor(notice.by);
      return notice.seconds === undefined
        ? `${who} set new messages not to disappear any more.`
        : `${who} set new messages to disappear ${describeDuration(notice.seconds)} after they are read.`;
    }
    case 'group-change-lost': {
      const who = nameFor(notice.author);
      const whom = notice.subjects.map(nameFor).join(', ');
      const change = {
        create: 'created the group',
        rename: 'renamed the group',
        add: `added ${whom}`,
        remove: `removed ${whom}`,
        promote: `made ${whom} an administrator`,
        demote: `removed ${whom} as administrator`,
        leave: 'left the group',
      }[notice.kind];
      return `${who} ${change}, but without effect: someone else changed the group at the same time.`;
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

const UNITS = [
  [7 * 24 * 60 * 60, 'week'],
  [24 * 60 * 60, 'day'],
  [60 * 60, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

/**
 * Describes a time in plain English, in the largest unit of which it is a whole number: `1 hour`, `90 seconds`.
 * @param seconds a whole number above 0
 */
export function describeDuration(seconds: number): string {
  const [length, unit] = UNITS.find(([length]) => seconds % length === 0) ?? UNITS[4];
  const count = seconds / length;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
