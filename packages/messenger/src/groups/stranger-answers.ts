import { compareBytes, type PublicKey } from '@sotto/core';
import type { Transaction } from '@sotto/device';
import type { MessengerContext } from '../runtime/context.js';
import type { GroupRecords, KnownGroup } from './records.js';

/** People whom we don't know and write to of our own accord in a group to which strangers added us, until the user writes to it. */
const ANSWERED_MAX = 4;

/**
 * Whether we may write to somebody of our own accord, because of a group; then it is counted. Strangers can add us to groups, and any number
 * of identities with us; we keep sessions with everybody to whom we write, and listen to them.
 */
export async function mayAnswer(
  tx: Transaction,
  { device }: Pick<MessengerContext, 'device'>,
  records: GroupRecords,
  group: KnownGroup,
  identity: PublicKey,
): Promise<boolean> {
  const { uninvited, strangersAnswered } = group.record;
  if (!uninvited || compareBytes(identity, device.identity) === 0) return true;
  if (await device.isKnown(tx, identity)) return true;
  if (strangersAnswered >= ANSWERED_MAX) return false;
  records.put(tx, group, { ...group.record, strangersAnswered: strangersAnswered + 1 }, []);
  return true;
}
