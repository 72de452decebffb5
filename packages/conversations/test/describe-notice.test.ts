import type { PublicKey } from '@sotto/core';
import { expect, it } from 'vitest';
import { describeNotice, type NoticeContent } from '../src/index.js';

const [anna, ben] = [1, 2].map((n) => new Uint8Array(33).fill(n) as PublicKey) as [PublicKey, PublicKey];
const nameFor = (identity: PublicKey) => (identity === anna ? 'Anna' : 'Ben');

it.each<[NoticeContent, string]>([
  [
    { what: 'new-device' } as NoticeContent,
    'A new device of this person appeared. If you did not expect that, ask.',
  ],
  [
    { what: 'group-changed', name: 'Hut trip', joined: [anna, ben], left: [] } as unknown as NoticeContent,
    'The group is called “Hut trip”. Joined: Anna, Ben.',
  ],
  [
    { what: 'group-change-lost', author: anna, subjects: [ben], kind: 'remove' } as unknown as NoticeContent,
    'Anna removed Ben, but without effect: someone else changed the group at the same time.',
  ],
])('%o is told in plain English', (notice, text) => {
  expect(describeNotice(notice, nameFor)).toBe(text);
});
