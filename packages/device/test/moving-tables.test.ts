import { encodeHex } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { newPeerDevice } from '../src/peers.js';
import { MOVING_DEVICE_TABLES, type MovingTable } from '../src/storage/moving-tables.js';
import type { PeerRecord } from '../src/storage/records.js';
import { peerTable, strangersTable } from '../src/storage/tables.js';
import { crypto } from './world.js';

const tables = new Map(MOVING_DEVICE_TABLES);
const moved = (name: string) => tables.get(name) as MovingTable;

const identity = crypto.secp256k1.generateKeyPair().publicKey;
const name = encodeHex(identity);
const session = {
  id: new Uint8Array(16),
  initiator: true,
  signedPreKey: identity,
  order: new Uint8Array(8),
  lost: false,
  epoch: 0,
  suite: 0,
  peerPreKey: identity,
};
const peer: PeerRecord = {
  devices: [
    { ...newPeerDevice('phone', true), signedPreKey: identity, hasReplied: true, sessions: [session] },
  ],
  answeredAt: 5n,
  verified: true,
  standing: 'accepted',
  requestMessages: 0,
  requestBytes: 0n,
  requestedAt: 0n,
};

describe('what a device hands over to another one', () => {
  it('of a peer: its devices and what the user decided, without sessions', () => {
    const reduced = moved('peer').reduce(peerTable.encode(peer));
    expect(peerTable.decode(reduced)).toEqual({
      ...peer,
      devices: [{ ...peer.devices[0], hasReplied: false, sessions: [] }],
      answeredAt: 0n,
    });
    expect(() => moved('peer').check([name], reduced)).not.toThrow();
  });

  it('of a device of which no prekey is known what there is; not of one without a name', () => {
    const named = (id: string) => peerTable.encode({ ...peer, devices: [newPeerDevice(id, true)] });
    expect(() => moved('peer').check([name], named('phone'))).not.toThrow();
    expect(() => moved('peer').check([name], named(''))).toThrow();
  });

  it('neither ratchets nor prekeys', () => {
    expect([...tables.keys()].toSorted()).toEqual(['peer', 'seen', 'seenindex', 'strangers']);
  });
});

describe('a record that comes out of a backup is refused', () => {
  const [device] = peer.devices;
  it.each<[string, readonly string[], Uint8Array]>([
    ['under a key that names no identity', ['someone'], peerTable.encode({ ...peer, devices: [] })],
    ['under a key of two parts', [name, name], peerTable.encode({ ...peer, devices: [] })],
    ['with sessions', [name], peerTable.encode(peer)],
    [
      'with a device twice',
      [name],
      peerTable.encode({ ...peer, devices: [newPeerDevice('phone', true), newPeerDevice('phone', true)] }),
    ],
    [
      'with a prekey of another length',
      [name],
      peerTable.encode({
        ...peer,
        devices: [
          { ...(device as (typeof peer.devices)[0]), sessions: [], signedPreKey: new Uint8Array(32) },
        ],
      }),
    ],
  ])('of a peer, %s', (_, segments, value) => {
    expect(() => moved('peer').check(segments, value)).toThrow();
  });

  it('of strangers, with an identity of another length', () => {
    const record = { seen: [identity], wrote: [], known: [], answeredAt: [] };
    expect(() => moved('strangers').check(['all'], strangersTable.encode(record))).not.toThrow();
    const bad = new Uint8Array(32);
    for (const change of [
      { seen: [bad] },
      { seen: [identity, bad] },
      { known: [bad] },
      { wrote: [{ identity: bad, answered: false, skippedKeys: 0 }] },
    ]) {
      const short = strangersTable.encode({ ...record, ...change });
      expect(() => moved('strangers').check(['all'], short)).toThrow('identities');
    }
    expect(() => moved('strangers').check(['some'], strangersTable.encode(record))).toThrow();
  });

  it('of messages that were seen, under a key of one part', () => {
    expect(() => moved('seen').check(['19000'], new Uint8Array(0))).toThrow();
    expect(() => moved('seen').check(['19000', 'mark'], new Uint8Array(0))).not.toThrow();
    for (const segments of [
      ['19000', 'a mark'],
      ['19000', ''],
      ['d'.repeat(201), 'mark'],
    ]) {
      expect(() => moved('seen').check(segments, new Uint8Array(0))).toThrow('key');
    }
  });
});
