import type { CatchUp } from '../connection/catch-up.js';
import type { Subscriptions } from '../connection/subscriptions.js';
import type { Outbox } from '../outbound/outbox.js';
import type { Sender } from '../outbound/sender.js';
import type { MessengerContext } from '../runtime/context.js';
import { ChainFanOut } from './chain-fan-out.js';
import { ChainMessages } from './chain-messages.js';
import type { FanOut, FanOutParts } from './fan-out.js';
import { Groups } from './groups.js';
import { MemberChains } from './member-chains.js';
import { MemberSync } from './member-sync.js';
import { OwnChains } from './own-chains.js';
import { GroupRecords } from './records.js';
import { WaitingMessages } from './waiting-messages.js';

/** What only groups need. */
export interface GroupParts extends FanOutParts {
  readonly groups: Groups;
  readonly chainMessages: ChainMessages;
}

/** Parts of the messenger that groups use. */
export interface GroupNeeds {
  /** The queue that these parts put messages into. */
  readonly fanOut: FanOut;
  readonly sender: Sender;
  readonly outbox: Outbox;
  readonly subscriptions: Subscriptions;
  readonly catchUp: CatchUp;
}

export function createGroupParts(context: MessengerContext, needs: GroupNeeds): GroupParts {
  const { fanOut } = needs;
  const records = new GroupRecords(context.settings.crypto);
  const memberSync = new MemberSync(context);
  const ownChains = new OwnChains(context);
  const memberChains = new MemberChains(context);
  const waiting = new WaitingMessages(context);
  const chains = { records, memberSync, ownChains, memberChains, waiting };
  return {
    groups: new Groups(context, { ...needs, ...chains }),
    records,
    memberSync,
    chainFanOut: new ChainFanOut(context, memberSync, ownChains, needs),
    chainMessages: new ChainMessages(context, chains, fanOut),
  };
}
