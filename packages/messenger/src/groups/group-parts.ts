import type { MessengerContext } from '../runtime/context.js';
import type { FanOut, FanOutParts } from './fan-out.js';
import { Groups } from './groups.js';
import { MemberSync } from './member-sync.js';
import { GroupRecords } from './records.js';

/** What only groups need. */
export interface GroupParts extends FanOutParts {
  readonly groups: Groups;
}

/** @param fanOut the queue that these parts put messages into */
export function createGroupParts(context: MessengerContext, fanOut: FanOut): GroupParts {
  const records = new GroupRecords(context.settings.crypto);
  const memberSync = new MemberSync(context);
  return { groups: new Groups(context, records, memberSync, fanOut), records, memberSync };
}
