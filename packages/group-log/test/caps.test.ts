import { encodeHex, type KeyPair } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_GROUP_LOG_LIMITS,
  GROUP_ADMINS_MAX,
  GROUP_MEMBERS_MAX,
  GroupLog,
  type LogCrypto,
  parseChange,
  signChange,
} from '../src/index.js';
import { countViewsResolved } from '../src/log.js';
import {
  act,
  add,
  cheapCrypto,
  create,
  forge,
  hashOf,
  idOf,
  leave,
  type Person,
  people,
  person,
  promote,
  remove,
  rename,
  sign,
} from './world.js';

const [ann, bob, cid, dan] = people('ann', 'bob', 'cid', 'dan') as [Person, Person, Person, Person];
const crowd = Array.from({ length: GROUP_MEMBERS_MAX + 100 }, (_, at) => person(`m${at}`));

function led(limits = {}) {
  const { log } = create(ann, [bob, cid, dan], { limits });
  return act(act(log, ann, promote(bob)), ann, promote(cid));
}

const last = (log: GroupLog) => idOf(log.changes().at(-1) as Uint8Array);
const renamed = (log: GroupLog, who: Person, times: number) => {
  let next = log;
  for (let at = 0; at < times; at++) next = act(next, who, rename(`n${at}`));
  return next;
};

/** Counts what costs time. */
function counting(crypto: LogCrypto) {
  const counts = { signatures: 0, hashes: 0, points: 0 };
  const counted: LogCrypto = {
    keccak256: (...parts) => {
      counts.hashes++;
      return crypto.keccak256(...parts);
    },
    secp256k1: {
      signRecoverable: crypto.secp256k1.signRecoverable,
      recoverPublicKey: (...args) => {
        counts.signatures++;
        return crypto.secp256k1.recoverPublicKey(...args);
      },
      parsePublicKey: (bytes) => {
        counts.points++;
        return crypto.secp256k1.parsePublicKey(bytes);
      },
    },
  };
  return { counts, counted };
}

describe('caps of the protocol', () => {
  it('a group has 1,000 members: one more is refused, and removing makes room', () => {
    const { log } = create(ann, crowd.slice(0, GROUP_MEMBERS_MAX - 1));
    expect(log.state.members).toHaveLength(GROUP_MEMBERS_MAX);
    const change = forge(log.groupId, ann, [log.groupId], add(bob));
    expect(log.apply([change], ann.hex).refused).toMatchObject([{ error: { code: 'LIMIT_EXCEEDED' } }]);
    const room = act(log, ann, remove(crowd[0] as Person));
    expect(act(room, ann, add(bob)).isMember(bob.hex)).toBe(true);
  });

  it('of more members, added at the same time, the first 1,000 by their grants count', () => {
    const { log } = create(ann, crowd.slice(0, GROUP_MEMBERS_MAX - 3));
    const start = act(log, ann, promote(crowd[0] as Person));
    const late = crowd.slice(-40);
    const one = sign(start, ann, add(...late.slice(0, 2)));
    const other = sign(start, crowd[0] as Person, add(...late.slice(2, 4)));
    const a = start.apply([one, other], ann.hex).log;
    const b = start.apply([other], ann.hex).log.apply([one], ann.hex).log;
    expect(a.state.members).toHaveLength(GROUP_MEMBERS_MAX);
    expect(a.state).toEqual(b.state);
    expect(late.slice(0, 4).filter(({ hex }) => a.isMember(hex))).toHaveLength(2);
  });

  it('a group has 64 administrators', () => {
    const { log } = create(ann, crowd.slice(0, 100));
    const full = act(log, ann, promote(...crowd.slice(0, GROUP_ADMINS_MAX - 1)));
    const more = forge(full.groupId, ann, [last(full)], promote(crowd[80] as Person));
    expect(full.apply([more], ann.hex).refused).toMatchObject([{ error: { code: 'LIMIT_EXCEEDED' } }]);
    expect(full.state.admins).toHaveLength(GROUP_ADMINS_MAX);
    const a = act(log, ann, promote(...crowd.slice(0, 40)));
    const both = a.apply([forge(a.groupId, ann, [a.groupId], promote(...crowd.slice(40, 90)))], ann.hex).log;
    expect(both.state.admins).toHaveLength(GROUP_ADMINS_MAX);
    expect(both.state.admins[0]).toBe(ann.hex);
  });
});

describe('what a device keeps', () => {
  it('of someone who was removed 64 changes, and of ghosts none', () => {
    const start = led();
    const out = act(start, ann, remove(cid));
    const late = Array.from({ length: 200 }, (_, at) =>
      forge(start.groupId, cid, [last(start)], rename(`late ${at}`)),
    );
    let log = out;
    for (let at = 0; at < late.length; at += 20) log = log.apply(late.slice(at, at + 20), cid.hex).log;
    expect(log.size).toBe(out.size + DEFAULT_GROUP_LOG_LIMITS.voidChanges);
    const ghosts = crowd.slice(0, 50);
    const adding = forge(start.groupId, cid, [last(start)], add(...ghosts));
    const leaving = ghosts.map((ghost) => forge(start.groupId, ghost, [idOf(adding)], leave));
    const haunted = out.apply([adding, ...leaving], cid.hex);
    expect(haunted.log.size).toBe(out.size + 1);
  });

  it('of leaving some, however often a member signs it', () => {
    const start = led();
    const ids = start.changes().map(idOf);
    const leaves = Array.from({ length: 40 }, (_, at) =>
      forge(start.groupId, dan, [ids[at % ids.length] as string], leave, at),
    );
    const log = start.apply(leaves, dan.hex).log;
    expect(log.size).toBe(start.size + DEFAULT_GROUP_LOG_LIMITS.looseLeaves);
  });

  it('orphans within the quota of their sender, and of all', () => {
    const limits = { orphansOfSender: 4, orphans: 10 };
    let log = led(limits);
    const orphan = (at: number) => forge(log.groupId, cid, ['ab'.repeat(32)], rename(`o${at}`));
    for (const sender of [ann, bob, cid, dan]) {
      const batch = Array.from({ length: 6 }, (_, at) => orphan(at));
      const applied = log.apply(batch, sender.hex);
      log = applied.log;
      expect(applied.pending).toHaveLength(4);
      expect(applied.refused).toHaveLength(2);
    }
    expect(log.waiting).toBe(10);
    expect(log.apply([orphan(99)], 'ff').refused).toMatchObject([{ error: { code: 'NOT_PERMITTED' } }]);
    expect(hashOf(log)).toBe(hashOf(led()));
    expect(log.changes()).toHaveLength(led().size);
  });

  it('no more than a log holds, with room for administrators: who fills it is put out, and it is empty again', () => {
    const limits = { changes: 60, reservedChanges: 20, looseHeads: 1000 };
    const start = led(limits);
    const flood = Array.from({ length: 100 }, (_, at) =>
      forge(start.groupId, cid, [last(start)], rename(`f${at}`)),
    );
    let log = start;
    for (let at = 0; at < 100; at += 10) log = log.apply(flood.slice(at, at + 10), cid.hex).log;
    expect(log.size).toBeLessThanOrEqual(60);
    const out = log.apply([sign(log, ann, remove(cid))], ann.hex);
    expect(out.effective).toHaveLength(1);
    const next = act(out.log, ann, rename('room again'));
    expect(next.state.name).toBe('room again');
  });

  it('of a full log revocations still, the reserve being theirs', () => {
    const limits = { changes: 30, reservedChanges: 10 };
    const full = renamed(led(limits), ann, 27);
    const refused = full.apply([sign(full, bob, rename('x'))], bob.hex);
    expect(refused.refused).toMatchObject([{ error: { code: 'LIMIT_EXCEEDED' } }]);
    expect(act(full, bob, remove(dan)).isMember(dan.hex)).toBe(false);
    let log = full;
    for (const [who, whom] of [
      [bob, dan],
      [bob, cid],
    ] as const)
      log = act(log, who, remove(whom));
    expect(log.size).toBe(32);
  });
});

describe('what it costs, counted', () => {
  const build = (crypto: LogCrypto, members: number) => {
    const { log } = create(ann, crowd.slice(0, members));
    const led = act(log, ann, promote(crowd[0] as Person));
    const changes = renamed(renamed(led, ann, 60), crowd[0] as Person, 60).changes();
    return {
      changes,
      log: GroupLog.open(
        crypto,
        log.groupId,
        changes.map((encoded, number) => ({ number, encoded })),
      ),
    };
  };

  it('a change in a large log costs as many operations as in a new one', () => {
    const { counts, counted } = counting(cheapCrypto);
    const { log } = build(counted, 200);
    expect(hashOf(log)).toHaveLength(64);
    const change = sign(log, ann, rename('x'));
    Object.assign(counts, { signatures: 0, hashes: 0, points: 0 });
    const resolved = countViewsResolved(log);
    const next = log.apply([change], ann.hex).log;
    expect(hashOf(next)).toHaveLength(64);
    expect(counts).toEqual({ signatures: 1, hashes: 4, points: 1 });
    expect(countViewsResolved(next)).toBe(resolved);
    // Known again: told apart by one hash each.
    Object.assign(counts, { signatures: 0, hashes: 0, points: 0 });
    expect(next.apply([change], ann.hex).added).toEqual([]);
    expect(hashOf(next)).toHaveLength(64);
    expect(counts).toEqual({ signatures: 0, hashes: 1, points: 0 });
  });

  it('opening verifies no signature, and works out no view from scratch', () => {
    const { counts, counted } = counting(cheapCrypto);
    const { log, changes } = build(counted, 200);
    expect(counts).toEqual({ signatures: 0, hashes: changes.length, points: 0 });
    expect(countViewsResolved(log)).toBeLessThanOrEqual(1);
  });

  it('what may not be is refused without a look at its signature, or at a point of the curve', () => {
    const { counts, counted } = counting(cheapCrypto);
    const start = led();
    const log = GroupLog.open(
      counted,
      start.groupId,
      start.changes().map((encoded, number) => ({ number, encoded })),
    );
    const bad = Array.from({ length: 20 }, (_, at) =>
      forge(start.groupId, dan, [last(start)], add(...crowd.slice(at, at + 900))),
    );
    Object.assign(counts, { signatures: 0, hashes: 0, points: 0 });
    expect(log.apply(bad, dan.hex).refused).toHaveLength(20);
    expect(counts).toMatchObject({ signatures: 0, points: 0 });
    // 200 changes of someone who is out cost as many signatures as are kept.
    const out = act(log, ann, remove(cid));
    const late = Array.from({ length: 200 }, (_, at) =>
      forge(start.groupId, cid, [last(start)], rename(`l${at}`)),
    );
    Object.assign(counts, { signatures: 0, hashes: 0, points: 0 });
    out.apply(late, cid.hex);
    expect(counts.signatures).toBe(DEFAULT_GROUP_LOG_LIMITS.voidChanges);
  });

  it('each named key is checked to be a point once', () => {
    const { counts, counted } = counting(cheapCrypto);
    const { root, log: reference } = create(ann, crowd.slice(0, 100));
    let log = GroupLog.empty(counted, reference.groupId).apply([root], ann.hex).log;
    expect(counts.points).toBe(101);
    for (let round = 0; round < 3; round++) {
      log = act(log, ann, remove(...crowd.slice(0, 100)));
      log = act(log, ann, add(...crowd.slice(0, 100)));
    }
    expect(counts.points).toBe(101);
  });
});

describe('with real signatures', () => {
  const crypto = defaultProvider();
  const [a, b, c] = Array.from({ length: 3 }, () => crypto.secp256k1.generateKeyPair()) as [
    KeyPair,
    KeyPair,
    KeyPair,
  ];
  const root = signChange(crypto, a, {
    groupId: undefined,
    parents: [],
    time: 0,
    action: { kind: 'create', name: 'g', members: [b.publicKey, c.publicKey] },
    salt: crypto.randomBytes(16),
  });
  const { id } = parseChange(crypto, root);
  const begun = GroupLog.empty(crypto, id).apply([root], encodeHex(a.publicKey)).log;
  const change = (author: KeyPair, action: Parameters<typeof forge>[3], signer = author) => {
    const bytes = signChange(crypto, { ...signer, publicKey: author.publicKey } as KeyPair, {
      groupId: id,
      parents: [id],
      time: 1,
      action,
    });
    return bytes;
  };

  it('takes what the author signed, and nothing that someone else did', () => {
    const promoted = begun.apply([change(a, { kind: 'promote', identities: [b.publicKey] })], 'x');
    expect(promoted.effective).toHaveLength(1);
    const forged = begun.apply([change(a, { kind: 'rename', name: 'x' }, c)], 'x');
    expect(forged.refused).toMatchObject([{ error: { code: 'INVALID_SIGNATURE' } }]);
  });

  it('refuses a key that is no point of the curve', () => {
    const off = new Uint8Array(33).fill(255).fill(2, 0, 1);
    const applied = begun.apply([change(a, { kind: 'add', identities: [off] })], 'x');
    expect(applied.refused).toMatchObject([{ error: { code: 'INVALID_PUBLIC_KEY' } }]);
    expect(applied.log.names(encodeHex(off))).toBe(false);
  });

  it('refuses stored changes that do not belong together', () => {
    const encoded = change(a, { kind: 'rename', name: 'x' });
    expect(() => GroupLog.open(crypto, id, [{ number: 0, encoded }])).toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    );
  });
});
