import { encodeHex, type KeyPair, silentLogger } from '@sotto/core';
import { openMessengerDevice } from '@sotto/device/internal';
import { type GroupAction, GroupLog, parseChange, signChange } from '@sotto/group-log';
import { decodeContactCode } from '@sotto/protocol-codec';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { MemberSync } from '../src/groups/member-sync.js';
import { NEW_GROUP } from '../src/groups/records.js';
import { toMembers } from '../src/groups/to-members.js';
import { DEFAULT_LIMITS } from '../src/index.js';
import { Events } from '../src/runtime/events.js';
import { Runtime } from '../src/runtime/runtime.js';
import type { GroupRecord } from '../src/storage/records.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, keptStore, MINUTE, newNode, START } from './world.js';

const { groupNewsIntervalMs, groupAskIntervalMs, groupTellIntervalMs } = DEFAULT_LIMITS;
const alice = crypto.secp256k1.generateKeyPair();
const bob = crypto.secp256k1.generateKeyPair();
const carol = crypto.secp256k1.generateKeyPair();
const LONG = 'n'.repeat(200);

/** A group that Alice leads, with what she remembers of its earlier states. */
class Club {
  log: GroupLog;
  record: GroupRecord = NEW_GROUP;

  constructor(...members: readonly KeyPair[]) {
    const action = { kind: 'create', name: 'g', members: members.map(({ publicKey }) => publicKey) } as const;
    const root = signChange(crypto, alice, {
      groupId: undefined,
      parents: [],
      time: START,
      action,
      salt: new Uint8Array(16),
    });
    this.log = GroupLog.empty(crypto, parseChange(crypto, root).id);
    this.#take(root);
  }

  change(action: Exclude<GroupAction, { kind: 'create' }>): void {
    const parents = this.log.parentsFor(encodeHex(alice.publicKey), action);
    this.#take(signChange(crypto, alice, { groupId: this.log.groupId, parents, time: START, action }));
  }

  rename(times: number, name = LONG): void {
    for (let at = 0; at < times; at++) this.change({ kind: 'rename', name: `${name}${at}` });
  }

  get hash(): Uint8Array {
    return this.log.membershipHash;
  }

  #take(change: Uint8Array): void {
    this.log = this.log.apply([change], encodeHex(alice.publicKey)).log;
    const past = [...this.record.past, { hash: this.log.membershipHash, nextNumber: this.log.nextNumber }];
    this.record = { ...this.record, past };
  }
}

async function bed({ maxPayloadBytes = 1024 * 1024, devices = [] as readonly string[] } = {}) {
  const clock = manualClock(START);
  const device = await openMessengerDevice({ identity: alice, store: keptStore().store, crypto, clock });
  const network = createMemoryNetwork({ clock, seed: 1, maxPayloadBytes });
  const settings = settingsOf(alice, clock, {}, network.transport());
  const events = new Events(silentLogger);
  const sync = new MemberSync({ device, events, runtime: new Runtime(device, events, clock), settings });
  for (const name of devices) {
    const node = await newNode(name, { identity: bob });
    const bundle = await node.device.read((tx) => node.device.contactCode(tx));
    await device.transaction((tx) => device.processBundle(tx, decodeContactCode(bundle)));
  }
  const bobName = bob.publicKey;
  return {
    clock,
    sync,
    /** What is sent to Bob: for each message the number of changes, with `+` for a payload. */
    send: async (
      club: Club,
      { payload, ...rest }: { payload?: Uint8Array | undefined; request?: boolean; complete?: boolean } = {},
    ) => {
      const parts = await device.transaction((tx) =>
        sync.partsFor(
          tx,
          {
            ...toMembers([], club.log.groupId),
            id: new Uint8Array(16),
            payload,
            ...rest,
          },
          club,
          bobName,
        ),
      );
      for (const part of parts) expect(part.membershipHash).toEqual(club.hash);
      return parts;
    },
    ack: (club: Club, hash: Uint8Array, installation = '') =>
      device.transaction((tx) => sync.acknowledged(tx, club.log.groupId, bobName, installation, hash)),
    isDue: (club: Club) => device.read((tx) => sync.isDue(tx, club.log.groupId, bobName, club.hash)),
    mayAgain: (club: Club, what: 'askedAt' | 'answeredAt') =>
      device.transaction((tx) => sync.mayAgain(tx, club.log.groupId, bobName, what)),
  };
}

const counts = (parts: readonly { changes: readonly Uint8Array[]; payload?: Uint8Array | undefined }[]) =>
  parts.map(({ changes, payload }) => `${changes.length}${payload === undefined ? '' : '+'}`);
const sizeOf = ({ changes }: { changes: readonly Uint8Array[] }) =>
  changes.reduce((sum, { length }) => sum + length, 0);
const hello = { payload: bytesOf('hello') };

describe('what a member is sent of the changes of a group', () => {
  it('few bytes of them with every message until it shows that it has them', async () => {
    const club = new Club(bob);
    const { send, ack } = await bed();
    expect(counts(await send(club, hello))).toEqual(['1+']);
    expect(counts(await send(club))).toEqual(['1']);
    await ack(club, club.hash);
    expect(counts(await send(club, hello))).toEqual(['0+']);
    expect(await send(club)).toEqual([]);
    expect(counts(await send(club, { request: true }))).toEqual(['0']);
    club.rename(2, 'x');
    expect(counts(await send(club, hello))).toEqual(['2+']);
    // It names a state that we do not know, or no longer.
    await ack(club, new Uint8Array(32));
    expect(counts(await send(club, hello))).toEqual(['3+']);
  });

  it('many bytes of them once in a while, and from what it has or was sent', async () => {
    const club = new Club(bob);
    const { send, ack, clock, isDue } = await bed();
    club.rename(20);
    expect(await isDue(club)).toBe(true);
    expect(counts(await send(club, hello))).toEqual(['21+']);
    expect(await isDue(club)).toBe(false);
    expect(counts(await send(club, hello))).toEqual(['0+']);
    // News since are sent without what is on its way.
    club.rename(3);
    expect(counts(await send(club, hello))).toEqual(['3+']);
    clock.advance(groupNewsIntervalMs - 1);
    expect(counts(await send(club, hello))).toEqual(['0+']);
    clock.advance(1);
    expect(counts(await send(club, hello))).toEqual(['24+']);
    await ack(club, club.record.past[3]!.hash);
    club.rename(20);
    clock.advance(groupNewsIntervalMs);
    expect(counts(await send(club, hello))).toEqual(['40+']);
    await ack(club, club.hash);
    expect(await isDue(club)).toBe(false);
    expect(counts(await send(club, hello))).toEqual(['0+']);
  });

  it('up to 4 KiB count as few', async () => {
    const { send, ack } = await bed();
    const club = new Club(bob);
    await ack(club, club.hash);
    club.rename(1, 'm'.repeat(199));
    const beside = club.log.changes()[1]!.length - 200;
    await ack(club, club.hash);
    // Eleven changes of 4 KiB in all, all of them with names of about the same length.
    const letters = 4096 - 11 * beside;
    for (let at = 0; at < 11; at++) {
      club.rename(1, 'm'.repeat(Math.floor(letters / 11) - 1 + (at < letters % 11 ? 1 : 0)));
    }
    expect(sizeOf({ changes: club.log.changes().slice(2) })).toBe(4096);
    for (let round = 0; round < 2; round++) expect(counts(await send(club, hello))).toEqual(['11+']);
    const larger = new Club(bob);
    await ack(larger, larger.hash);
    while (sizeOf({ changes: larger.log.changes().slice(1) }) <= 4096) larger.rename(1);
    expect(counts(await send(larger, hello))).not.toEqual(['0+']);
    expect(counts(await send(larger, hello))).toEqual(['0+']);
  });

  it('all of them when it asks for that, whatever it has', async () => {
    const club = new Club(bob);
    const { send, ack } = await bed();
    club.rename(20);
    await ack(club, club.hash);
    expect(counts(await send(club, { complete: true }))).toEqual(['21']);
  });

  it('what each of its devices lacks: those that have all are sent nothing for it', async () => {
    const club = new Club(bob);
    const { send, ack, isDue } = await bed({ devices: ['bob-1', 'bob-2'] });
    club.rename(2, 'x');
    await ack(club, club.hash, 'bob-1');
    expect(await isDue(club)).toBe(true);
    await ack(club, club.record.past[1]!.hash, 'bob-2');
    expect(counts(await send(club, hello))).toEqual(['1+']);
    await ack(club, club.hash, 'bob-2');
    expect([await isDue(club), counts(await send(club, hello))]).toEqual([false, ['0+']]);
  });

  it('what the device that has least of them lacks, few or many', async () => {
    const club = new Club(bob);
    const { send, ack, clock } = await bed({ devices: ['bob-1', 'bob-2'] });
    club.rename(3, 'x');
    await ack(club, club.record.past[2]!.hash, 'bob-1');
    await ack(club, club.record.past[0]!.hash, 'bob-2');
    expect(counts(await send(club, hello))).toEqual(['3+']);
    club.rename(20);
    clock.advance(groupNewsIntervalMs);
    expect(counts(await send(club, hello))).toEqual(['23+']);
    // Now both were sent all; one shows that it has them, and what is new since is little for the other as well.
    await ack(club, club.hash, 'bob-1');
    club.rename(1, 'y');
    expect(counts(await send(club, hello))).toEqual(['1+']);
  });

  it('those of the latest membership where they are few, whoever has them', async () => {
    const club = new Club(bob);
    const { sync } = await bed();
    const latest = () => sync.latest(club.record, club.log).map((change) => change.length);
    expect(latest()).toEqual(club.log.changes().map(({ length }) => length));
    club.rename(3, 'x');
    expect(latest()).toEqual([club.log.changes().at(-1)?.length]);
    // One that names many people is not little.
    const identities = Array.from({ length: 125 }, () => crypto.secp256k1.generateKeyPair().publicKey);
    club.change({ kind: 'add', identities });
    expect(club.log.changes().at(-1)?.length).toBeGreaterThan(4096);
    expect(latest()).toEqual([]);
  });

  it('of a removal that and what it builds on, without a payload; who never was there nothing', async () => {
    const club = new Club(bob, carol);
    const { send } = await bed();
    club.rename(2, 'before');
    club.change({ kind: 'remove', identities: [bob.publicKey] });
    club.rename(2, 'a secret');
    expect(counts(await send(club))).toEqual(['4']);
    expect(await send(club, hello)).toEqual([]);
    expect(await send(new Club(carol))).toEqual([]);
    expect(await send(new Club(carol), hello)).toEqual([]);
  });
});

describe('changes over the size of a message', () => {
  const overhead = 8 * 1024;

  it.each([
    ['what the transport takes', overhead + 10_000, [], 10_000],
    ['the same for each device', overhead + 10_000, ['bob-1', 'bob-2'], 5_000],
    ['1 KiB at least', overhead + 100, [], 1024],
    ['64 KiB at most', 1024 * 1024, [], 64 * 1024],
  ] as const)('go in parts of %s', async (_, maxPayloadBytes, devices, budget) => {
    const club = new Club(bob);
    club.rename(budget > 20_000 ? 260 : 60);
    const { send } = await bed({ maxPayloadBytes, devices });
    const parts = await send(club);
    expect(parts.flatMap(({ changes }) => changes)).toEqual(club.log.changes());
    const largest = Math.max(...club.log.changes().map(({ length }) => length));
    for (const [at, part] of parts.entries()) {
      expect(sizeOf(part)).toBeLessThanOrEqual(budget);
      if (at < parts.length - 1) expect(sizeOf(part) + largest).toBeGreaterThan(budget);
      expect([part.request, part.payload]).toEqual([false, undefined]);
    }
  });

  it('a payload goes with the last of them where it fits, and in a message of its own otherwise', async () => {
    const club = new Club(bob);
    club.rename(3, 'x');
    const bytes = sizeOf({ changes: club.log.changes() });
    const { send } = await bed({ maxPayloadBytes: overhead + 4096 });
    const payload = (length: number) => ({ payload: new Uint8Array(length), request: true });
    const [one] = await send(club, payload(4096 - bytes));
    expect(one).toMatchObject({ request: true, changes: { length: 4 }, payload: { length: 4096 - bytes } });
    const two = await send(club, payload(4096 - bytes + 1));
    expect(counts(two)).toEqual(['4', '0+']);
    expect(two.map(({ request }) => request)).toEqual([false, true]);
    const quiet = await bed({ maxPayloadBytes: overhead + 4096 });
    await quiet.ack(club, club.hash);
    expect(counts(await quiet.send(club, payload(5000)))).toEqual(['0+']);
  });
});

describe('how often a member is asked, and answered', () => {
  it('is once in an interval, each apart', async () => {
    const { mayAgain, clock } = await bed();
    const club = new Club(bob);
    expect([await mayAgain(club, 'askedAt'), await mayAgain(club, 'askedAt')]).toEqual([true, false]);
    expect([await mayAgain(club, 'answeredAt'), await mayAgain(club, 'answeredAt')]).toEqual([true, false]);
    clock.advance(groupAskIntervalMs - 1);
    expect(await mayAgain(club, 'askedAt')).toBe(false);
    clock.advance(1);
    expect([await mayAgain(club, 'askedAt'), await mayAgain(club, 'askedAt')]).toEqual([true, false]);
    expect(await mayAgain(new Club(bob, carol), 'askedAt')).toBe(true);
  });

  it('what is known of 16 devices of it is remembered, the latest ones', async () => {
    const devices = Array.from({ length: 17 }, (_, i) => `d${i}`);
    const club = new Club(bob);
    const { ack, isDue, send } = await bed({ devices: ['d0'] });
    await ack(club, club.hash, 'd0');
    for (const name of devices.slice(1, 16)) await ack(club, club.hash, name);
    expect(await isDue(club)).toBe(false);
    await ack(club, club.hash, 'd16');
    expect(await isDue(club)).toBe(true);
    expect(counts(await send(club, hello))).toEqual(['1+']);
  });

  it('former members are told once in an interval, and so many of them at most', async () => {
    const { sync, clock } = await bed();
    const first = sync.noteExclusion(NEW_GROUP, 'a') as GroupRecord['exclusionNotices'];
    expect([...first]).toEqual([['a', BigInt(START)]]);
    const record = { ...NEW_GROUP, exclusionNotices: first };
    expect(sync.noteExclusion(record, 'a')).toBeUndefined();
    clock.advance(MINUTE);
    expect([...sync.noteExclusion(record, 'b')!.keys()]).toEqual(['a', 'b']);
    clock.advance(groupTellIntervalMs - MINUTE);
    // The notice of long ago is gone.
    expect([...sync.noteExclusion(record, 'b')!.keys()]).toEqual(['b']);
    expect([...sync.noteExclusion(record, 'a')!]).toEqual([['a', BigInt(clock.now())]]);
    const many = (count: number) => ({
      ...NEW_GROUP,
      exclusionNotices: new Map(Array.from({ length: count }, (_, i) => [`n${i}`, BigInt(clock.now())])),
    });
    expect(sync.noteExclusion(many(63), 'x')?.size).toBe(64);
    expect(sync.noteExclusion(many(64), 'x')).toBeUndefined();
  });
});
