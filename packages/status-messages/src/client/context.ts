import type { Clock, CryptoProvider, KeyPair, Logger, RandomSource, Store } from '@sotto/core';
import type { Messenger } from '@sotto/messenger';
import type { StatusLimits } from '../limits.js';
import { PROFILE_2020, PROFILE_2024, type StatusProfile } from '../profile.js';
import type { StatusEvents } from './events.js';
import type { StatusClientLimits } from './limits.js';
import { type Draft, NEW_PEER, type PeerRecord, peerKey } from './records.js';

/** What the parts of a client share. */
export interface StatusContext {
  readonly messenger: Messenger;
  readonly store: Store;
  readonly crypto: CryptoProvider;
  readonly identity: KeyPair;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly events: StatusEvents;
  readonly profile: StatusProfile;
  readonly displayName: string;
  readonly limits: StatusClientLimits;
  readonly decodeLimits: Partial<StatusLimits> | undefined;
}

/** The generation of a person, as far as they have shown it. */
export function profileOf(
  context: StatusContext,
  { generation }: Pick<PeerRecord, 'generation'>,
): StatusProfile {
  if (generation === undefined) return context.profile;
  return generation === '2020' ? PROFILE_2020 : PROFILE_2024;
}

/** @param identity hex */
export async function getPeer(draft: Draft, identity: string): Promise<PeerRecord> {
  return (await draft.get<PeerRecord>(peerKey(identity))) ?? NEW_PEER;
}

/** Our time as clocks of messages count it. */
export function nowOf({ clock }: StatusContext): bigint {
  return BigInt(Math.trunc(clock.now()));
}

/** 0 to 1. */
export function randomFraction({ random }: StatusContext): number {
  const [a = 0, b = 0] = random(2);
  return (a * 256 + b) / 65_536;
}
