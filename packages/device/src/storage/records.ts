import {
  PeerRecord as PeerMessage,
  Standing as StandingNumber,
} from '../generated/sotto/device/v1/storage.js';
import type { RecordCodec } from './table.js';

export type {
  DeviceRecord,
  HybridPreKeyPairs,
  PeerDevice,
  PreKeyRecord,
  SeenIndexRecord,
  SessionRecord,
  SessionSummary,
  StrangerEntry,
  StrangersRecord,
} from '../generated/sotto/device/v1/storage.js';

/**
 * How far the user has accepted an identity: `stranger`, who wrote or was seen, and whose record is evicted when there are
 * too many; `known`, to whom we wrote, as a member of a group for instance; `accepted`, whom the user added, accepted, or
 * wrote to.
 */
export type Standing = (typeof STANDINGS)[number];

/** From the lowest. */
const STANDINGS = ['stranger', 'known', 'accepted'] as const;
const STANDING_NUMBERS = {
  stranger: StandingNumber.STANDING_UNSPECIFIED,
  known: StandingNumber.STANDING_KNOWN,
  accepted: StandingNumber.STANDING_ACCEPTED,
} as const;

/** Whether one standing is as high as another, or higher. */
export function isAtLeast(standing: Standing, least: Standing): boolean {
  return STANDING_NUMBERS[standing] >= STANDING_NUMBERS[least];
}

/** What is known of an identity, our own included. */
export interface PeerRecord extends Omit<PeerMessage, 'standing'> {
  readonly standing: Standing;
}

export const peerCodec: RecordCodec<PeerRecord> = {
  encode: (peer) => PeerMessage.encode({ ...peer, standing: STANDING_NUMBERS[peer.standing] }).finish(),
  decode(bytes) {
    const peer = PeerMessage.decode(bytes);
    return { ...peer, standing: STANDINGS[peer.standing] ?? 'stranger' };
  },
};

/**
 * How a received message was protected: in a session of the hybrid suite (`pq`) or of the deployed one (`dr`), with the identity key alone
 * (`dh`), or not at all.
 */
export type Protection = 'pq' | 'dr' | 'dh' | 'public';
