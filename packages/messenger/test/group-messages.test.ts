import { decodeHex, encodeHex, type KeyPair, type PublicKey, silentLogger } from '@sotto/core';
import { openMessengerDevice } from '@sotto/device/internal';
import { type GroupAction, GroupLog, parseChange, signChange } from '@sotto/group-log';
import { describe, expect, it } from 'vitest';
import { CatchUp } from '../src/connection/catch-up.js';
import { Subscriptions } from '../src/connection/subscriptions.js';
import { FanOut } from '../src/groups/fan-out.js';
import type { GroupSender } from '../src/groups/group-sender.js';
import { groupPartsLoader } from '../src/groups/load-group-parts.js';
import type { MessengerLimits } from '../src/index.js';
import { DeliveryTracker } from '../src/outbound/delivery-tracker.js';
import { Outbox } from '../src/outbound/outbox.js';
import { Sender } from '../src/outbound/sender.js';
import { Events } from '../src/runtime/events.js';
import type { GroupPayload } from '../src/runtime/payload.js';
import { Runtime } from '../src/runtime/runtime.js';
import { changeTable, fanoutTable, groupTable } from '../src/storage/tables.js';
import { settingsOf } from './settings.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, HOUR, keptStore, MINUTE, START } from './world.js';

const [alice, bob, carol, dave] = Array.from({ length: 4 }, () => crypto.secp256k1.generateKeyPair()) as [
  KeyPair,
  KeyPair,
  KeyPair,
  KeyPair,
];
const keysOf = (...people: readonly KeyPair[]) => people.map(({ publicKey }) => publicKey);
const nameOf = (key: Uint8Array) =>
  ['alice', 'bob', 'carol', 'dave'][
    [alice, bob, carol, dave].findIndex(({ publicKey }) => encodeHex(publicKey) === encodeHex(key))
  ] ?? '?';

/** The log of a group that Alice leads, as her device has it. */
class Club {
  log: GroupLog;

  constructor(members: readonly KeyPair[], salt = 0) {
    const root = signChange(crypto, alice, {
      groupId: undefined,
      parents: [],
      time: START,
      action: { kind: 'create', name: 'club', members: keysOf(...members) },
      salt: new Uint8Array(16).fill(salt),
    });
    this.log = GroupLog.empty(crypto, parseChange(crypto, root).id).apply([root], hex(alice)).log;
  }

  get id(): string {
    return this.log.groupId;
  }

  /** Signs a change, takes it, and gives it. */
  change(action: Exclude<GroupAction, { kind: 'create' }>, by = alice): Uint8Array {
    const signed = this.sign(action, by);
    this.log = this.log.apply([signed], hex(by)).log;
    return signed;
  }

  sign(action: Exclude<GroupAction, { kind: 'create' }>, by = alice, log = this.log): Uint8Array {
    const parents = log.parentsFor(hex(by), action);
    return signChange(crypto, by, { groupId: this.id, parents, time: START, action });
  }

  payload(change: Partial<GroupPayload> = {}): GroupPayload {
    return {
      groupId: decodeHex(this.id),
      membershipHash: this.log.membershipHash,
      changes: [...this.log.changes()],
      payload: undefined,
      request: false,
      senderKey: new Uint8Array(0),
      wantedChains: [],
      ...change,
    };
  }
}

const hex = ({ publicKey }: KeyPair) => encodeHex(publicKey);
const by = (who: KeyPair, protection: GroupSender['protection'] = 'dr'): GroupSender => ({
  sender: who.publicKey,
  senderInstallation: `${nameOf(who.publicKey)}-1`,
  protection,
  sentAt: START,
});

/** Bob's groups, without a network: what he would send waits in the queue. */
async function bed({ limits = {} as Partial<MessengerLimits>, accepted = [alice] } = {}) {
  const clock = manualClock(START);
  const device = await openMessengerDevice({ identity: bob, store: keptStore().store, crypto, clock });
  for (const one of accepted) await device.transaction((tx) => device.accept(tx, one.publicKey));
  const settings = settingsOf(bob, clock, limits);
  const events = new Events(silentLogger);
  const told: string[] = [];
  events.on('groupChanged', () => void told.push('changed'));
  events.on(
    'groupChangeLost',
    ({ kind, reason, author, subjects }) =>
      void told.push(`${kind} by ${nameOf(author)} of ${subjects.map(nameOf)}: ${reason}`),
  );
  const runtime = new Runtime(device, events, clock);
  // So that nothing is encrypted behind the test.
  runtime.close();
  const context = { device, events, runtime, settings };
  const tracker = new DeliveryTracker(events);
  const subscriptions = new Subscriptions(context);
  const outbox = new Outbox(context, tracker);
  const sender = new Sender(context, outbox, subscriptions);
  const catchUp = new CatchUp(context, subscriptions);
  const load = groupPartsLoader(context, () => ({ fanOut, sender, outbox, subscriptions, catchUp }));
  const fanOut: FanOut = new FanOut(context, load, sender, tracker);
  const { groups } = await load();
  const receive = (from: GroupSender, payload: GroupPayload) =>
    device.transaction((tx) => groups.receive(tx, from, payload));
  return {
    clock,
    device,
    groups,
    told,
    receive,
    get: (id: string) => device.read((tx) => groups.get(tx, id)),
    change: (id: string, action: Exclude<GroupAction, { kind: 'create' }>) =>
      device.transaction((tx) => groups.change(tx, id, action)),
    send: (id: string) => device.transaction((tx) => groups.send(tx, id, bytesOf('hi'))),
    count: () =>
      device.read(async (tx) => [(await tx.keys(groupTable)).length, (await tx.keys(changeTable)).length]),
    /** What waits to be encrypted: for whom, and what it asks and holds. The queue is emptied. */
    queued: () =>
      device.transaction(async (tx) => {
        const found: string[] = [];
        for await (const { segments, value } of tx.list(fanoutTable)) {
          const marks = `${value.request ? '?' : ''}${value.complete ? '!' : ''}${value.payload ? '+' : ''}`;
          found.push(`${value.remaining.map(nameOf).sort()}${marks}`);
          tx.delete(fanoutTable, ...segments);
        }
        return found;
      }),
  };
}
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('nothing was thrown'),
    (error: { readonly code: string; readonly details: unknown }) => ({
      code: error.code,
      details: error.details,
    }),
  );

describe('a message of a group', () => {
  it('makes us a member, told once; what comes again changes nothing', async () => {
    const club = new Club([bob, carol]);
    const { receive, told, get, queued } = await bed();
    const outcome = await receive(by(alice), club.payload());
    expect(outcome).toEqual({
      groupId: club.id,
      changed: true,
      late: false,
      refused: undefined,
      broughtChain: false,
      uninvited: false,
    });
    expect(await receive(by(alice), club.payload())).toMatchObject({ changed: false });
    expect(told).toEqual(['changed']);
    expect(await get(club.id)).toMatchObject({ name: 'club', joined: true, members: { length: 3 } });
    expect(await queued()).toEqual([]);
    club.change({ kind: 'rename', name: 'new' });
    expect(await receive(by(carol), club.payload())).toMatchObject({ changed: true });
    expect((await get(club.id)).name).toBe('new');
  });

  it('with an id or a hash of another length is refused', async () => {
    const { receive } = await bed();
    const club = new Club([bob]);
    for (const change of [
      { groupId: new Uint8Array(31) },
      { groupId: new Uint8Array(0) },
      { membershipHash: new Uint8Array(33) },
    ]) {
      expect(await failure(receive(by(alice), club.payload(change)))).toEqual({
        code: 'MALFORMED_MESSAGE',
        details: { what: 'GroupPayload', reason: 'an id or hash of a wrong length' },
      });
    }
  });

  it('of a group that is not known is refused without changes, and with changes that do not make one', async () => {
    const { receive, count } = await bed();
    const club = new Club([bob]);
    expect(await failure(receive(by(alice), club.payload({ changes: [], payload: bytesOf('x') })))).toEqual({
      code: 'NOT_FOUND',
      details: { what: 'group', id: club.id },
    });
    const [root] = club.log.changes() as [Uint8Array];
    const forged = root.with(root.length - 1, root.at(-1)! ^ 1);
    expect(await failure(receive(by(alice), club.payload({ changes: [forged] })))).toMatchObject({
      code: expect.stringMatching(/INVALID_SIGNATURE|MALFORMED_MESSAGE/),
    });
    // A group of others, in which we are not: nothing is kept, and no payload of it is read.
    const others = new Club([carol]);
    expect(await receive(by(alice), others.payload())).toEqual({
      groupId: others.id,
      changed: false,
      late: false,
      refused: undefined,
      broughtChain: false,
      uninvited: true,
    });
    expect(await failure(receive(by(alice), others.payload({ payload: bytesOf('x') })))).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await count()).toEqual([0, 0]);
  });

  it('may come in parts, in any order, each of which waits for the others', async () => {
    const club = new Club([bob]);
    for (let at = 0; at < 5; at++) club.change({ kind: 'rename', name: `n${at}` });
    const [root, ...rest] = club.log.changes() as [Uint8Array, ...Uint8Array[]];
    const { receive, get, count } = await bed();
    expect(await receive(by(alice), club.payload({ changes: rest }))).toMatchObject({ changed: false });
    expect(
      await failure(receive(by(alice), club.payload({ changes: rest, payload: bytesOf('x') }))),
    ).toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await count()).toEqual([0, 0]);
    expect(await receive(by(alice), club.payload({ changes: [root] }))).toMatchObject({ changed: true });
    expect((await get(club.id)).name).toBe('n4');
    expect(await count()).toEqual([1, 6]);
  });

  it('in parts, some of which are damaged, waits as well: for the others of them', async () => {
    const club = new Club([bob]);
    club.change({ kind: 'rename', name: 'x' });
    const [root, rename] = club.log.changes() as [Uint8Array, Uint8Array];
    const damaged = rename.slice(0, -1);
    const { receive, get } = await bed();
    const nothingYet = { changed: false };
    expect(await failure(receive(by(alice), club.payload({ changes: [damaged] })))).toMatchObject({
      code: expect.stringMatching(/INVALID_SIGNATURE|MALFORMED_MESSAGE/),
    });
    expect(await receive(by(alice), club.payload({ changes: [damaged, rename] }))).toMatchObject(nothingYet);
    expect(await receive(by(alice), club.payload({ changes: [damaged, root] }))).toMatchObject({
      changed: true,
    });
    expect((await get(club.id)).name).toBe('x');
    // One that is known, and in which we are not.
    const others = new Club([carol]);
    const [created] = others.log.changes() as [Uint8Array];
    expect(await receive(by(alice), others.payload({ changes: [created, damaged] }))).toMatchObject(
      nothingYet,
    );
    expect(await receive(by(alice), others.payload({ changes: [damaged] }))).toMatchObject(nothingYet);
  });

  it('in parts is remembered of four groups of a sender', async () => {
    const { receive, count } = await bed();
    const clubs = Array.from({ length: 5 }, (_, at) => {
      const club = new Club([bob], at);
      club.change({ kind: 'rename', name: 'x' });
      return club;
    });
    for (const club of clubs)
      await receive(by(alice), club.payload({ changes: club.log.changes().slice(1) }));
    for (const club of clubs)
      await receive(by(alice), club.payload({ changes: club.log.changes().slice(0, 1) }));
    // Of the first one the rest was forgotten.
    expect(await count()).toEqual([5, 9]);
  });

  it('in parts, once it is whole, leaves its place to others', async () => {
    const { receive, count } = await bed();
    const clubs = Array.from({ length: 5 }, (_, at) => {
      const club = new Club([bob], at);
      club.change({ kind: 'rename', name: 'x' });
      return club;
    });
    const part = (club: Club, ...range: readonly [number, number]) =>
      receive(by(alice), club.payload({ changes: club.log.changes().slice(...range) }));
    for (const club of clubs.slice(0, 4)) await part(club, 1, 2);
    await part(clubs[3]!, 0, 1);
    await part(clubs[4]!, 1, 2);
    for (const at of [0, 1, 2, 4]) await part(clubs[at]!, 0, 1);
    expect(await count()).toEqual([5, 10]);
  });

  it('of who never had to do with the group is refused, unless its changes show that it has', async () => {
    const club = new Club([bob]);
    const { receive, count, get } = await bed();
    await receive(by(alice), club.payload());
    const stranger = { code: 'NOT_PERMITTED', details: { what: 'send' } };
    expect(await failure(receive(by(dave), club.payload({ changes: [] })))).toEqual(stranger);
    expect(await failure(receive(by(dave), club.payload()))).toEqual(stranger);
    const many = Array.from({ length: 257 }, () => club.log.changes()[0]!);
    expect(await failure(receive(by(dave), club.payload({ changes: many })))).toEqual(stranger);
    expect(await count()).toEqual([1, 1]);
    club.change({ kind: 'add', identities: keysOf(dave) });
    for (let i = 0; i < 255; i++) club.change({ kind: 'rename', name: `club ${i}` });
    // Of someone whom we don't know as a member, so many changes are looked at.
    const changes = [...club.log.changes()];
    expect(changes).toHaveLength(257);
    expect(await failure(receive(by(dave), club.payload({ changes })))).toEqual(stranger);
    const known = { changes: changes.slice(1), payload: bytesOf('I am new') };
    const outcome = await receive(by(dave), club.payload(known));
    expect(outcome).toEqual({
      groupId: club.id,
      changed: true,
      late: false,
      refused: undefined,
      broughtChain: false,
      uninvited: false,
    });
    expect((await get(club.id)).members.map(nameOf)).toEqual(['alice', 'bob', 'dave']);
  });

  it('with changes of which none can be taken is refused with the reason of the first', async () => {
    const club = new Club([bob, carol]);
    const { receive } = await bed();
    await receive(by(alice), club.payload());
    const head = [parseChange(crypto, club.log.changes()[0]!).id];
    const action = { kind: 'rename', name: 'mine' } as const;
    const notAllowed = signChange(crypto, carol, { groupId: club.id, parents: head, time: START, action });
    expect(await failure(receive(by(carol), club.payload({ changes: [notAllowed] })))).toMatchObject({
      code: 'NOT_PERMITTED',
    });
    // Beside one that can, or that waits, it is passed over.
    const allowed = club.sign({ kind: 'leave' }, carol);
    expect(await receive(by(carol), club.payload({ changes: [notAllowed, allowed] }))).toMatchObject({
      changed: true,
    });
    const member = new Club([bob, carol], 7);
    await receive(by(alice), member.payload());
    const before = member.log;
    member.change({ kind: 'rename', name: 'x' });
    const later = member.change({ kind: 'rename', name: 'y' });
    const refused = signChange(crypto, carol, {
      groupId: member.id,
      parents: before.parentsFor(hex(alice), action),
      time: START,
      action,
    });
    expect(await receive(by(carol), member.payload({ changes: [refused, later] }))).toMatchObject({
      changed: false,
    });
  });
});

describe('who may write', () => {
  it('is a member; who was removed for a short while, marked as late, and then no more', async () => {
    const club = new Club([bob, carol]);
    const { receive, clock, queued } = await bed();
    await receive(by(alice), club.payload());
    expect(await receive(by(carol), club.payload({ payload: bytesOf('x') }))).toMatchObject({ late: false });
    const old = club.payload({ changes: [], payload: bytesOf('on its way') });
    club.change({ kind: 'remove', identities: keysOf(carol) });
    await receive(by(alice), club.payload());
    await queued();
    expect(await receive(by(carol), old)).toMatchObject({ late: true, refused: undefined, changed: false });
    // It is told why it is out, once in a while.
    expect(await queued()).toEqual(['carol']);
    expect(await receive(by(carol), { ...old, payload: undefined })).toMatchObject({
      late: false,
      refused: undefined,
    });
    expect(await queued()).toEqual([]);
    clock.advance(10 * MINUTE - 1);
    expect(await receive(by(carol), old)).toMatchObject({ late: true });
    clock.advance(1);
    const refused = await receive(by(carol), old);
    expect(refused).toMatchObject({ late: false });
    expect(refused.refused).toMatchObject({ code: 'NOT_PERMITTED', details: { what: 'send' } });
    expect(await receive(by(carol), { ...old, payload: undefined })).toMatchObject({
      refused: undefined,
      broughtChain: false,
      uninvited: false,
    });
    clock.advance(HOUR);
    await receive(by(carol), old);
    expect(await queued()).toEqual(['carol']);
  });

  it('is again who was added again, and no grace is left of before', async () => {
    const club = new Club([bob, carol]);
    const { receive, clock } = await bed();
    await receive(by(alice), club.payload());
    club.change({ kind: 'remove', identities: keysOf(carol) });
    await receive(by(alice), club.payload());
    clock.advance(MINUTE);
    club.change({ kind: 'add', identities: keysOf(carol) });
    await receive(by(alice), club.payload());
    expect(await receive(by(carol), club.payload({ payload: bytesOf('back') }))).toMatchObject({
      late: false,
    });
    clock.advance(9 * MINUTE + 1);
    club.change({ kind: 'remove', identities: keysOf(carol) });
    await receive(by(alice), club.payload());
    expect(await receive(by(carol), club.payload({ changes: [], payload: bytesOf('x') }))).toMatchObject({
      late: true,
    });
  });
});

describe('what we answer', () => {
  it('a member that names another state is asked for changes if we do not know it, and sent those that it lacks', async () => {
    const club = new Club([bob, carol]);
    const before = club.log.membershipHash;
    const { receive, queued } = await bed();
    await receive(by(alice), club.payload());
    club.change({ kind: 'rename', name: 'x' });
    await receive(by(alice), club.payload());
    await queued();
    const quiet = { changes: [], payload: bytesOf('hi') };
    expect(await receive(by(carol), club.payload(quiet))).toMatchObject({ changed: false });
    expect(await queued()).toEqual([]);
    await receive(by(carol), club.payload({ ...quiet, membershipHash: before }));
    expect(await queued()).toEqual(['carol']);
    await receive(by(carol), club.payload({ ...quiet, membershipHash: new Uint8Array(32) }));
    expect(await queued()).toEqual(['carol?']);
    await receive(by(carol), club.payload({ ...quiet, request: true }));
    expect(await queued()).toEqual(['carol!']);
    // Neither is done again so soon.
    await receive(by(carol), club.payload({ ...quiet, request: true }));
    expect(await queued()).toEqual([]);
  });

  it('is noted for a device in a session alone: outside of one anyone can make up devices', async () => {
    const club = new Club([bob, carol]);
    const { receive, queued, device } = await bed();
    await receive(by(alice), club.payload());
    await queued();
    const synced = () =>
      device.read(async (tx) => (await tx.keys({ name: 'membersync', cached: false })).length);
    const before = await synced();
    await receive(by(carol, 'dh'), club.payload({ changes: [] }));
    expect(await synced()).toBe(before);
    await receive(by(carol, 'dr'), club.payload({ changes: [] }));
    expect(await synced()).toBe(before + 1);
    club.change({ kind: 'add', identities: keysOf(dave) });
    await receive(by(alice), club.payload());
    await receive(by(dave, 'pq'), club.payload({ changes: [] }));
    expect(await synced()).toBe(before + 2);
  });
});

describe('our changes', () => {
  async function led() {
    const world = await bed();
    const { groups, device, queued } = world;
    const { groupId } = await device.transaction(async (tx) =>
      groups.create(tx, 'mine', keysOf(alice, alice, bob, carol)),
    );
    expect(await queued()).toEqual(['alice,bob,carol']);
    return { ...world, id: groupId };
  }
  const act = (kind: 'add' | 'remove' | 'promote' | 'demote', ...who: readonly KeyPair[]) => ({
    kind,
    identities: keysOf(...who),
  });

  it('go to all who are members before or after them', async () => {
    const { id, change, queued, get, told } = await led();
    await change(id, act('add', dave));
    expect(await queued()).toEqual(['alice,bob,carol,dave']);
    await change(id, act('remove', alice));
    expect(await queued()).toEqual(['alice,bob,carol,dave']);
    await change(id, { kind: 'rename', name: 'other' });
    expect(await queued()).toEqual(['bob,carol,dave']);
    expect(await get(id)).toMatchObject({ name: 'other', joined: true });
    expect((await get(id)).admins.map(nameOf)).toEqual(['bob']);
    expect(told).toEqual(['changed', 'changed', 'changed', 'changed']);
  });

  it('leave out what is in effect already, and are none when nothing is left', async () => {
    const { id, change, queued, get } = await led();
    expect(await change(id, act('add', alice, carol))).toBeUndefined();
    expect(await change(id, act('remove', dave))).toBeUndefined();
    expect(await change(id, act('demote', alice))).toBeUndefined();
    await change(id, act('promote', alice));
    expect(await change(id, act('promote', alice, bob))).toBeUndefined();
    expect(await queued()).toEqual(['alice,bob,carol']);
    await change(id, act('add', alice, dave));
    await change(id, act('promote', alice, dave));
    await change(id, act('demote', alice, carol));
    expect((await get(id)).admins.map(nameOf)).toEqual(['bob', 'dave']);
    await change(id, act('remove', alice, dave));
    expect((await get(id)).members.map(nameOf).sort()).toEqual(['bob', 'carol']);
  });

  it('are refused where we are no administrator, or are out; a group that is not known has none', async () => {
    const { id, change, send, get } = await led();
    await change(id, act('promote', alice));
    await change(id, act('demote', bob));
    expect(await failure(change(id, { kind: 'rename', name: 'x' }))).toEqual({
      code: 'NOT_PERMITTED',
      details: { what: 'rename' },
    });
    expect(await failure(change(id, act('remove', carol)))).toMatchObject({ code: 'NOT_PERMITTED' });
    await change(id, { kind: 'leave' });
    expect((await get(id)).joined).toBe(false);
    expect(await failure(change(id, { kind: 'leave' }))).toEqual({
      code: 'NOT_PERMITTED',
      details: { what: 'leave' },
    });
    expect(await failure(send(id))).toEqual({ code: 'NOT_PERMITTED', details: { what: 'send' } });
    const unknown = '00'.repeat(32);
    for (const run of [() => change(unknown, { kind: 'leave' }), () => send(unknown), () => get(unknown)]) {
      expect(await failure(run())).toEqual({ code: 'NOT_FOUND', details: { what: 'group', id: unknown } });
    }
  });

  it('claim a group that no one leads, by its eldest member', async () => {
    const club = new Club([bob]);
    const { receive, change, count, get, queued } = await bed();
    await receive(by(alice), club.payload());
    club.change({ kind: 'add', identities: keysOf(carol) });
    club.change({ kind: 'leave' });
    await receive(by(alice), club.payload());
    await queued();
    expect((await get(club.id)).admins).toEqual([]);
    await change(club.id, { kind: 'rename', name: 'ours' });
    expect((await get(club.id)).admins.map(nameOf)).toEqual(['bob']);
    expect((await get(club.id)).name).toBe('ours');
    expect(await queued()).toEqual(['bob,carol']);
    // Who joined later claims nothing, and to leave one need not lead.
    const other = new Club([carol], 1);
    other.change({ kind: 'add', identities: keysOf(bob) });
    await receive(by(alice), other.payload());
    other.change({ kind: 'leave' });
    await receive(by(alice), other.payload());
    expect(await failure(change(other.id, { kind: 'rename', name: 'ours' }))).toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await change(other.id, { kind: 'leave' });
    expect((await get(other.id)).members.map(nameOf)).toEqual(['carol']);
    // Nor does the eldest claim it first.
    const third = new Club([bob], 2);
    await receive(by(alice), third.payload());
    third.change({ kind: 'leave' });
    await receive(by(alice), third.payload());
    const [, before] = await count();
    await change(third.id, { kind: 'leave' });
    expect(await count()).toEqual([3, before! + 1]);
  });

  it('have names of 256 bytes at most, and members that are points of the curve', async () => {
    const { id, change, groups, device } = await led();
    const tooLong = {
      code: 'LIMIT_EXCEEDED',
      details: { what: 'bytes of a group name', limit: 256, actual: 258 },
    };
    expect(await failure(change(id, { kind: 'rename', name: 'é'.repeat(129) }))).toEqual(tooLong);
    await change(id, { kind: 'rename', name: 'é'.repeat(128) });
    const made = device.transaction(async (tx) => groups.create(tx, 'é'.repeat(129), []));
    expect(await failure(made)).toEqual(tooLong);
    const off = { kind: 'add', identities: [new Uint8Array(33) as PublicKey] } as const;
    expect(await failure(change(id, off))).toMatchObject({ code: 'INVALID_PUBLIC_KEY' });
  });
});

describe('groups of people whom the user has not accepted', () => {
  it('are so many at most; what we write or change in one makes room, and to leave is to forget', async () => {
    const world = await bed({ limits: { maxUninvitedGroups: 2 }, accepted: [carol] });
    const { receive, count, send, change, get } = world;
    const clubs = Array.from({ length: 5 }, (_, at) => new Club([bob, carol], at));
    const [one, two, three, four] = clubs as [Club, Club, Club, Club, Club];
    await receive(by(alice), one.payload());
    await receive(by(alice), two.payload());
    expect(await failure(receive(by(alice), three.payload()))).toEqual({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'groups by strangers', limit: 2, actual: 3 },
    });
    // Of someone whom the user has accepted it is none of these.
    await receive(by(carol), four.payload());
    expect(await count()).toEqual([3, 3]);
    await send(one.id);
    await receive(by(alice), three.payload());
    expect(await count()).toEqual([4, 4]);
    // Put out again by who put us in: forgotten when we leave.
    two.change({ kind: 'remove', identities: keysOf(bob) });
    await receive(by(alice), two.payload());
    expect(await change(two.id, { kind: 'leave' })).toBeUndefined();
    expect(await failure(get(two.id))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await count()).toEqual([3, 3]);
    // One that we left stays, so that nobody puts us in again with the old changes.
    await change(three.id, { kind: 'leave' });
    expect(await count()).toEqual([3, 4]);
  });
});

describe('a change without effect', () => {
  it('is told when it is ours, or is about us', async () => {
    const club = new Club([bob, carol, dave]);
    club.change({ kind: 'promote', identities: keysOf(bob) });
    const { receive, change, told } = await bed();
    await receive(by(alice), club.payload());
    await change(club.id, { kind: 'rename', name: 'by bob' });
    told.length = 0;
    // At the same time Alice takes Bob's rights away.
    club.change({ kind: 'demote', identities: keysOf(bob) });
    await receive(by(alice), club.payload());
    expect(told).toEqual(['changed', 'rename by bob of : authorRevoked']);
    const other = new Club([bob, carol, dave], 1);
    other.change({ kind: 'promote', identities: keysOf(carol) });
    await receive(by(alice), other.payload());
    const start = other.log;
    const byCarol = [
      other.sign({ kind: 'remove', identities: keysOf(dave) }, carol, start),
      other.sign({ kind: 'promote', identities: keysOf(bob) }, carol, start),
    ];
    await receive(by(carol), other.payload({ changes: byCarol }));
    told.length = 0;
    other.change({ kind: 'remove', identities: keysOf(carol) });
    await receive(by(alice), other.payload());
    // That of Dave is none of our business.
    expect(told).toEqual(['changed', 'promote by carol of bob: authorRevoked']);
  });
});

describe('newcomers', () => {
  it('whom others added while we changed the group are sent our change', async () => {
    const club = new Club([bob, carol]);
    club.change({ kind: 'promote', identities: keysOf(bob) });
    const { receive, change, queued } = await bed();
    await receive(by(alice), club.payload());
    await change(club.id, { kind: 'rename', name: 'by bob' });
    await queued();
    club.change({ kind: 'add', identities: keysOf(dave) });
    await receive(by(alice), club.payload());
    const sent = await queued();
    expect(sent).toContain('dave');
    // Added with knowledge of all that we did: who added them sends it.
    const later = new Club([bob, carol], 1);
    later.change({ kind: 'promote', identities: keysOf(bob) });
    await receive(by(alice), later.payload());
    await queued();
    later.change({ kind: 'add', identities: keysOf(dave) });
    await receive(by(alice), later.payload());
    expect(await queued()).toEqual([]);
  });
});
