import { expect, it } from 'vitest';
import { PartialLogs } from '../src/groups/partial-logs.js';

const MIB = 1024 * 1024;
const [ALICE, BOB] = ['02'.repeat(33), '03'.repeat(33)] as [string, string];

function bed() {
  const logs = new PartialLogs<{ groupId: string; bytes: number; waitingBytes: number }>();
  const set = (sender: string, groupId: string, bytes = 1, waitingBytes = 0) =>
    logs.set(sender, { groupId, bytes, waitingBytes });
  const kept = (sender: string, ...groups: readonly string[]) =>
    groups.filter((groupId) => logs.get(sender, groupId)?.groupId === groupId).join(' ');
  return { logs, set, kept };
}

it('of one sender four are kept, those that grew last', () => {
  const { logs, set, kept } = bed();
  set(BOB, 'a');
  for (const groupId of ['a', 'b', 'c', 'd']) set(ALICE, groupId);
  expect(kept(ALICE, 'a', 'b', 'c', 'd')).toBe('a b c d');
  set(ALICE, 'a');
  expect(kept(ALICE, 'a', 'b', 'c', 'd')).toBe('a b c d');
  set(ALICE, 'e');
  expect(kept(ALICE, 'a', 'b', 'c', 'd', 'e')).toBe('a c d e');
  expect(kept(BOB, 'a')).toBe('a');
  logs.delete(ALICE, 'a');
  expect([kept(ALICE, 'a', 'c'), kept(BOB, 'a')]).toEqual(['c', 'a']);
});

it('of all senders 16 MiB are kept, with what waits for other changes; the oldest go', () => {
  const { set, kept } = bed();
  set(ALICE, 'a', 3 * MIB, 5 * MIB);
  set(ALICE, 'b', 4 * MIB);
  set(BOB, 'a', 0, 4 * MIB);
  expect([kept(ALICE, 'a', 'b'), kept(BOB, 'a')]).toEqual(['a b', 'a']);
  set(BOB, 'b', 1);
  expect([kept(ALICE, 'a', 'b'), kept(BOB, 'a', 'b')]).toEqual(['b', 'a b']);
  set(BOB, 'c', 12 * MIB - 8192);
  expect([kept(ALICE, 'a', 'b'), kept(BOB, 'a', 'b', 'c')]).toEqual(['', 'a b c']);
  set(BOB, 'd', 17 * MIB);
  expect([kept(BOB, 'a', 'b', 'c', 'd')]).toEqual(['']);
});

it('however small they are, of all senders some thousands are kept', () => {
  const { set, kept } = bed();
  const senders = Array.from({ length: 2049 }, (_, i) => `02${i.toString(16).padStart(64, '0')}`);
  for (const sender of senders) set(sender, 'a', 124);
  expect(senders.map((sender) => kept(sender, 'a')).filter((one) => one === '')).toHaveLength(1);
  expect(kept(senders[0] as string, 'a')).toBe('');
});
