import { PUBLIC_KEY_LENGTH, parseInstallationId } from '@sotto/core';
import type { PeerRecord, StrangersRecord } from './records.js';
import type { Table } from './table.js';
import { peerTable, seenIndexTable, seenTable, strangersTable } from './tables.js';

/** How records of a table move to another device. */
export interface MovingTable {
  /** The value as it moves, without what stays behind. */
  readonly reduce: (value: Uint8Array) => Uint8Array;
  /** Checks a record that came out of a backup. @throws anything */
  readonly check: (segments: readonly string[], value: Uint8Array) => void;
}

/** How one table moves: the form of its keys, checks of its records, and what stays behind. */
export interface MovingRecords<T> {
  /** Whether these are the segments of a key. */
  readonly isKey: (segments: readonly string[]) => boolean;
  /** @throws anything */
  readonly check?: ((record: T) => void) | undefined;
  readonly reduce?: ((record: T) => T) | undefined;
}

/** An entry of a list of tables that move. */
export function moving<T>(
  table: Table<T>,
  { isKey, check = () => {}, reduce }: MovingRecords<T>,
): [string, MovingTable] {
  return [
    table.name,
    {
      reduce: (value) => (reduce ? table.encode(reduce(table.decode(value))) : value),
      check(segments, value) {
        demand(isKey(segments), 'key');
        check(table.decode(value));
      },
    },
  ];
}

/** Keys of one segment. */
export function oneSegment(pattern: RegExp): (segments: readonly string[]) => boolean {
  return ([segment, ...rest]) => rest.length === 0 && pattern.test(segment ?? '');
}

/** Checks one thing about a record. @throws an error that says what does not hold */
export function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not valid: ${what}`);
}

/** An identity as a segment of a key. */
export const IDENTITY_SEGMENT = /^0[23][0-9a-f]{64}$/;
const ALL = /^all$/;
/** Part of what names a message that was seen. */
const MARK = /^[\x21-\x7e]{1,200}$/;

/**
 * The tables of a device that move to another one. Ratchets and prekeys do not: the old device may go on using them, and
 * two devices on one ratchet would use its keys twice. The new one begins sessions of its own.
 */
export const MOVING_DEVICE_TABLES: readonly [string, MovingTable][] = [
  moving(seenTable, { isKey: isSeenKey }),
  moving(seenIndexTable, { isKey: oneSegment(ALL) }),
  moving(strangersTable, { isKey: oneSegment(ALL), check: checkStrangers }),
  moving(peerTable, { isKey: oneSegment(IDENTITY_SEGMENT), check: checkPeer, reduce: withoutSessions }),
];

function isSeenKey(segments: readonly string[]): boolean {
  return segments.length > 1 && segments.every((segment) => MARK.test(segment));
}

function withoutSessions(peer: PeerRecord): PeerRecord {
  const devices = peer.devices.map((device) => ({
    ...device,
    sessions: [],
    hasReplied: false,
    knownVersion: 0,
  }));
  return { ...peer, devices, answeredAt: 0n };
}

function checkPeer({ devices }: PeerRecord): void {
  const ids = devices.map(({ installationId }) => parseInstallationId(installationId));
  demand(new Set(ids).size === ids.length, 'a device twice');
  for (const { signedPreKey, sessions } of devices) {
    demand(signedPreKey.length === 0 || signedPreKey.length === PUBLIC_KEY_LENGTH, 'prekey');
    demand(sessions.length === 0, 'sessions');
  }
}

function checkStrangers({ seen, wrote, known }: StrangersRecord): void {
  const identities = [...seen, ...wrote.map(({ identity }) => identity), ...known];
  demand(
    identities.every((identity) => identity.length === PUBLIC_KEY_LENGTH),
    'identities',
  );
}
