import { compareBytes, encodeHex, SottoError } from '@sotto/core';
import { decodeContactCode, decodeProtocolMessage } from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { openDevice } from '../src/index.js';
import { openMessengerDevice } from '../src/internal.js';
import {
  bytesOf,
  countRecords,
  crypto,
  DAY,
  HOUR,
  keptStore,
  keptView,
  meet,
  newNode,
  read,
  readText,
  refused,
  START,
  talk,
  write,
} from './world.js';

const entryFor = (message: Uint8Array, installationId: string) =>
  decodeProtocolMessage(message).directMessages.get(installationId);

async function pairOfNodes() {
  const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
  await meet(alice, bob);
  return { alice, bob };
}

describe('a device that begins while another one of the user has been there', () => {
  it('reports no message of before, which the other one has, but those of afterwards, and answers both', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    const before = await write(alice, bob.identity.publicKey, 'before');
    bob.clock.advance(60_000);
    const { identity, clock } = bob;
    const laptop = await newNode('bob-2', { identity, clock });
    await meet(laptop, bob);
    alice.clock.advance(120_000);
    await alice.device.transaction((tx) => alice.device.renewPreKey(tx));
    const after = await write(alice, bob.identity.publicKey, 'after');
    const remedyOf = async (message: Uint8Array) => {
      const outcome = await read(laptop, alice.identity.publicKey, message);
      return outcome.kind === 'unreadable' ? outcome.remedy : undefined;
    };
    expect(await remedyOf(before.message)).toMatchObject({ answer: true, report: false });
    expect(await remedyOf(after.message)).toMatchObject({ answer: true, report: true });
  });
});

describe('two devices', () => {
  it('go from no bundle over X3DH to the ratchet', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    const first = await write(alice, bob.identity.publicKey, 'hello');
    expect(first.devices).toEqual([{ installationId: 'none', sent: 'dh' }]);
    expect(await readText(bob, alice, first.message)).toBe('dh: hello');
    const answer = await write(bob, alice.identity.publicKey, 'hi');
    expect(answer.devices).toEqual([{ installationId: 'alice-1', sent: 'x3dh+dr' }]);
    expect(await readText(alice, bob, answer.message)).toBe('dr: hi');
    const third = await write(alice, bob.identity.publicKey, 'how are you');
    expect(third.devices).toEqual([{ installationId: 'bob-1', sent: 'dr' }]);
    expect(await readText(bob, alice, third.message)).toBe('dr: how are you');
  });

  it('repeat the X3DH header with the same ephemeral key until answered', async () => {
    const { alice, bob } = await pairOfNodes();
    const messages = [];
    for (const text of ['1', '2', '3']) messages.push(await write(alice, bob.identity.publicKey, text));
    const keys = messages.map(({ message }) =>
      encodeHex(entryFor(message, 'bob-1')?.x3dhHeader?.key as Uint8Array),
    );
    expect(new Set(keys).size).toBe(1);
    // The first is lost.
    expect(await readText(bob, alice, (messages[1] as { message: Uint8Array }).message)).toBe('dr: 2');
    expect(await talk(bob, alice, 'answer')).toBe('dr: answer');
    const { message } = await write(alice, bob.identity.publicKey, '4');
    expect(entryFor(message, 'bob-1')?.x3dhHeader).toBeUndefined();
    expect(await readText(bob, alice, message)).toBe('dr: 4');
    expect(await readText(bob, alice, (messages[0] as { message: Uint8Array }).message)).toBe('dr: 1');
  });

  it('agree on a negotiated topic once each addressed device has written', async () => {
    const { alice, bob } = await pairOfNodes();
    const first = await write(alice, bob.identity.publicKey, '1');
    expect(first.negotiatedSecret).toBeUndefined();
    expect(first.topicMode).toBe(1);
    await readText(bob, alice, first.message);
    const answer = await write(bob, alice.identity.publicKey, '2');
    expect(answer.negotiatedSecret).toBeDefined();
    await readText(alice, bob, answer.message);
    const third = await write(alice, bob.identity.publicKey, '3');
    expect(third.negotiatedSecret).toEqual(answer.negotiatedSecret);
  });

  it('agree on a negotiated topic after the fallback as well, and not after an empty answer', async () => {
    const [alice, bob, carol] = [await newNode('alice-1'), await newNode('bob-1'), await newNode('carol-1')];
    await talk(alice, bob, 'no bundle yet');
    expect((await write(bob, alice.identity.publicKey, 'x')).negotiatedSecret).toBeDefined();
    const { message } = await alice.device.transaction((tx) =>
      alice.device.encryptDh(tx, carol.identity.publicKey, new Uint8Array(0)),
    );
    await readText(carol, alice, message);
    expect((await write(carol, alice.identity.publicKey, 'x')).negotiatedSecret).toBeUndefined();
  });

  it('carry the bundle with each message, and contact codes as text', async () => {
    const { alice, bob } = await pairOfNodes();
    const { message } = await write(alice, bob.identity.publicKey, 'x');
    const [bundle] = decodeProtocolMessage(message).bundles;
    expect([...(bundle?.signedPreKeys.keys() ?? [])]).toEqual(['alice-1']);
    const code = await alice.device.transaction((tx) => alice.device.contactCode(tx));
    expect(compareBytes(decodeContactCode(code).identity, alice.identity.publicKey)).toBe(0);
  });

  it('read public messages and bundles alone', async () => {
    const { alice, bob } = await pairOfNodes();
    const said = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf('all')));
    expect(await readText(bob, alice, said)).toBe('public: all');
    const again = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf('all')));
    expect(await readText(bob, alice, again)).toBe('public: all');
    const bundle = await alice.device.transaction((tx) => alice.device.encodePublic(tx));
    expect(await readText(bob, alice, bundle)).toBe('bundle');
  });
});

describe('hostile cases: two sides at once', () => {
  it('both start at the same time: both first messages open, both settle on one session within a round trip', async () => {
    for (let round = 0; round < 4; round++) {
      const { alice, bob } = await pairOfNodes();
      await meet(bob, alice);
      const fromAlice = await write(alice, bob.identity.publicKey, 'a');
      const fromBob = await write(bob, alice.identity.publicKey, 'b');
      expect(await readText(bob, alice, fromAlice.message)).toBe('dr: a');
      expect(await readText(alice, bob, fromBob.message)).toBe('dr: b');
      // A round trip settles it.
      await talk(alice, bob, 'trip');
      await talk(bob, alice, 'back');
      const ids = new Set<string>();
      const keys = new Set<string>();
      for (let turn = 0; turn < 3; turn++) {
        for (const [from, to] of [
          [alice, bob],
          [bob, alice],
        ] as const) {
          const { message } = await write(from, to.identity.publicKey, 'x');
          const entry = entryFor(message, to.name);
          ids.add(encodeHex(entry?.drHeader?.id as Uint8Array));
          keys.add(encodeHex(entry?.drHeader?.key as Uint8Array));
          expect(await readText(to, from, message)).toBe('dr: x');
        }
      }
      expect(ids.size).toBe(1);
      expect(keys.size).toBe(6);
    }
  });

  it('the same with three devices each', async () => {
    const sides = [];
    for (const side of ['alice', 'bob']) {
      const identity = crypto.secp256k1.generateKeyPair();
      const nodes = [];
      for (const n of [1, 2, 3]) nodes.push(await newNode(`${side}-${n}`, { identity }));
      sides.push(nodes);
    }
    const [alices, bobs] = sides as [(typeof sides)[0], (typeof sides)[0]];
    for (const [ours, theirs] of [
      [alices, bobs],
      [bobs, alices],
    ] as const) {
      for (const node of ours) for (const other of theirs) await meet(node, other);
    }
    const pending: { from: (typeof alices)[0]; message: Uint8Array; text: string }[] = [];
    for (const from of [...alices, ...bobs]) {
      const to = alices.includes(from) ? bobs : alices;
      const { message } = await write(from, (to[0] as (typeof to)[0]).identity.publicKey, from.name);
      pending.push({ from, message, text: from.name });
    }
    for (const { from, message, text } of pending) {
      for (const to of alices.includes(from) ? bobs : alices) {
        expect(await readText(to, from, message)).toBe(`dr: ${text}`);
      }
    }
    for (const from of [...alices, ...bobs]) {
      const to = alices.includes(from) ? bobs : alices;
      const { message } = await write(from, (to[0] as (typeof to)[0]).identity.publicKey, 'again');
      for (const node of to) expect(await readText(node, from, message)).toBe('dr: again');
    }
  }, 60_000);

  it('100 sends in parallel: no n used twice', async () => {
    const { alice, bob } = await pairOfNodes();
    const sent = await Promise.all(
      Array.from({ length: 100 }, (_, i) => write(alice, bob.identity.publicKey, `${i}`)),
    );
    const numbers = sent.map(({ message }) => entryFor(message, 'bob-1')?.drHeader?.n);
    expect(new Set(numbers).size).toBe(100);
    const texts = await Promise.all(sent.map(({ message }) => readText(bob, alice, message)));
    expect(texts).toEqual(sent.map((_, i) => `dr: ${i}`));
  });

  it('send during receive is serialised', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'first');
    const messages = await Promise.all(
      Array.from({ length: 5 }, (_, i) => write(alice, bob.identity.publicKey, `${i}`)),
    );
    const [reads, writes] = await Promise.all([
      Promise.all(messages.map(({ message }) => readText(bob, alice, message))),
      Promise.all(messages.map((_, i) => write(bob, alice.identity.publicKey, `answer ${i}`))),
    ]);
    expect(reads).toEqual(messages.map((_, i) => `dr: ${i}`));
    for (const [i, { message }] of writes.entries()) {
      expect(await readText(alice, bob, message)).toBe(`dr: answer ${i}`);
    }
  });

  it('two writers on one store: never a key used twice', async () => {
    const { alice, bob } = await pairOfNodes();
    const { store, view } = keptStore();
    const open = () =>
      openDevice({
        identity: alice.identity,
        installationId: 'alice-x',
        store: view(),
        crypto,
        clock: alice.clock,
      });
    const [one, two] = [await open(), await open()];
    const bundle = await bob.device.transaction((tx) => bob.device.bundle(tx));
    await one.transaction((tx) => one.processBundle(tx, bundle));
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 4; i++) {
      const results = await Promise.all(
        [one, two].map((device) =>
          device.transaction((tx) => device.encryptDirect(tx, bob.identity.publicKey, bytesOf('x'))),
        ),
      );
      sent.push(...results.map(({ message }) => message));
    }
    const used = sent.map((message) => {
      const header = entryFor(message, 'bob-1')?.drHeader;
      return header === undefined ? 'dh' : `${encodeHex(header.key)}/${header.n}`;
    });
    const inSession = used.filter((name) => name !== 'dh');
    expect(new Set(inSession).size).toBe(inSession.length);
    for (const message of sent) expect(await readText(bob, alice, message)).toMatch(/: x$/);
    await store.close();
  });
});

describe('rotation', () => {
  it('+48 h: rotates once', async () => {
    const alice = await newNode('alice-1');
    const version = () =>
      alice.device.transaction(async (tx) => {
        await alice.device.rotatePreKeyIfDue(tx);
        return (await alice.device.bundle(tx)).signedPreKeys.get('alice-1')?.version;
      });
    expect(await version()).toBe(1);
    alice.clock.advance(48 * HOUR);
    expect(await version()).toBe(2);
    expect(await version()).toBe(2);
    await alice.reopen();
    expect(await version()).toBe(2);
  });

  it('rotation while a message is on its way: it opens within the grace period, and not after it', async () => {
    const { alice, bob } = await pairOfNodes();
    const onItsWay = await write(alice, bob.identity.publicKey, 'late');
    const veryLate = await newNode('carol-1');
    await meet(veryLate, bob);
    const tooLate = await write(veryLate, bob.identity.publicKey, 'too late');
    bob.clock.advance(25 * HOUR);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    expect(await readText(bob, alice, onItsWay.message)).toBe('dr: late');
    bob.clock.advance(31 * DAY);
    expect(await readText(bob, veryLate, tooLate.message)).toBe('SESSION_NOT_FOUND');
    await bob.reopen();
    // The private key itself goes once the clock has stood the test of a day.
    expect(await countRecords(bob.store, 'prekey')).toBe(2);
    bob.clock.advance(25 * HOUR);
    await bob.reopen();
    expect(await countRecords(bob.store, 'prekey')).toBe(1);
  });

  it('a bundle of a higher version begins a new session; the old one goes on receiving', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    const old = await write(alice, bob.identity.publicKey, 'on the old session');
    for (const { clock } of [alice, bob]) clock.advance(25 * HOUR);
    const { message, devices } = await write(bob, alice.identity.publicKey, 'rotated');
    expect(devices[0]).toMatchObject({ sent: 'x3dh+dr' });
    expect(await readText(alice, bob, message)).toBe('dr: rotated');
    expect(await readText(bob, alice, old.message)).toBe('dr: on the old session');
    expect(await talk(alice, bob, 'three')).toBe('dr: three');
    expect(await talk(bob, alice, 'four')).toBe('dr: four');
  });

  it('both rotate at once and settle', async () => {
    const { alice, bob } = await pairOfNodes();
    await meet(bob, alice);
    for (let day = 0; day < 5; day++) {
      for (const { clock } of [alice, bob]) clock.advance(25 * HOUR);
      const a = await write(alice, bob.identity.publicKey, 'a');
      const b = await write(bob, alice.identity.publicKey, 'b');
      expect(await readText(bob, alice, a.message)).toBe('dr: a');
      expect(await readText(alice, bob, b.message)).toBe('dr: b');
      expect(await talk(alice, bob, 'c')).toBe('dr: c');
      expect(await talk(bob, alice, 'd')).toBe('dr: d');
    }
  });
});

describe('several devices', () => {
  it('each device reads its entry', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const [alice, one, two] = [
      await newNode('alice-1'),
      await newNode('bob-1', { identity }),
      await newNode('bob-2', { identity }),
    ];
    await meet(alice, one);
    await meet(alice, two);
    const { message, devices } = await write(alice, identity.publicKey, 'to both');
    expect(devices.map(({ installationId }) => installationId).toSorted()).toEqual(['bob-1', 'bob-2']);
    expect(await readText(one, alice, message)).toBe('dr: to both');
    expect(await readText(two, alice, message)).toBe('dr: to both');
  });

  it('a fourth device: the three most recent, ties settled the same way every time', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const alice = await newNode('alice-1');
    for (const [name, minutes] of [
      ['bob-1', 0],
      ['bob-2', 3],
      ['bob-4', 1],
      ['bob-3', 1],
    ] as const) {
      await meet(alice, await newNode(name, { identity, clock: manualClock(START + minutes * 60_000) }));
    }
    const sentTo = async () =>
      (await write(alice, identity.publicKey, 'x')).devices.map(({ installationId }) => installationId);
    expect(await sentTo()).toEqual(['bob-2', 'bob-3', 'bob-4']);
    expect(await sentTo()).toEqual(['bob-2', 'bob-3', 'bob-4']);
  });

  it('own identity with a new installation id waits for approval; a disabled device gets nothing', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const [phone, laptop] = [await newNode('phone', { identity }), await newNode('laptop', { identity })];
    await meet(phone, laptop);
    const listed = async () => [
      ...(await phone.device.transaction((tx) => phone.device.bundle(tx))).signedPreKeys.keys(),
    ];
    const enable = (enabled: boolean) =>
      phone.device.transaction((tx) =>
        phone.device.updateDevice(tx, identity.publicKey, 'laptop', { enabled }),
      );
    expect(await listed()).toEqual(['phone']);
    expect(await phone.device.transaction((tx) => phone.device.hasPairedDevices(tx))).toBe(false);
    await enable(true);
    expect((await listed()).toSorted()).toEqual(['laptop', 'phone']);
    expect(await phone.device.transaction((tx) => phone.device.hasPairedDevices(tx))).toBe(true);
    const copy = await write(phone, identity.publicKey, 'copy');
    expect(copy.devices).toEqual([{ installationId: 'laptop', sent: 'x3dh+dr' }]);
    expect(await readText(laptop, phone, copy.message)).toBe('dr: copy');
    await enable(false);
    expect(await listed()).toEqual(['phone']);
    expect(await phone.device.transaction((tx) => phone.device.hasPairedDevices(tx))).toBe(false);
    expect(
      await refused(phone, () =>
        phone.device.transaction((tx) =>
          phone.device.updateDevice(tx, identity.publicKey, 'tablet', { enabled: true }),
        ),
      ),
    ).toBe('NOT_FOUND');
  });

  it('names and metadata of devices are kept', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const [phone, laptop] = [await newNode('phone', { identity }), await newNode('laptop', { identity })];
    await meet(phone, laptop);
    await phone.device.transaction((tx) =>
      phone.device.updateDevice(tx, identity.publicKey, 'laptop', {
        name: 'my laptop',
        metadata: new Map([['os', 'Debian']]),
      }),
    );
    await phone.reopen();
    const [info] = await phone.device.transaction((tx) => phone.device.devices(tx, identity.publicKey));
    expect(info).toMatchObject({
      installationId: 'laptop',
      name: 'my laptop',
      enabled: false,
      preKeyVersion: 1,
    });
    expect(info?.metadata.get('os')).toBe('Debian');
  });

  it('more devices than are remembered: the least recently active go, with their sessions', async () => {
    const identity = crypto.secp256k1.generateKeyPair();
    const alice = await newNode('alice-1', { limits: { maxKnownDevices: 2 } });
    for (const [index, name] of ['bob-1', 'bob-2', 'bob-3'].entries()) {
      await meet(alice, await newNode(name, { identity, clock: manualClock(START + index * 1000) }));
      await write(alice, identity.publicKey, 'x');
    }
    const known = await alice.device.transaction((tx) => alice.device.devices(tx, identity.publicKey));
    expect(known.map(({ installationId }) => installationId).toSorted()).toEqual(['bob-2', 'bob-3']);
    const sessions = [];
    for await (const { key } of alice.store.list('session/')) sessions.push(key);
    expect(sessions).toHaveLength(2);
  });
});

describe('recovery', () => {
  it('a device that lost its store, under its old installation id, talks again after one round trip', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    const again = await newNode('bob-1', { identity: bob.identity, clock: manualClock(START + 5 * 60_000) });
    const lost = await write(alice, bob.identity.publicKey, 'lost');
    expect(await readText(again, alice, lost.message)).toBe('SESSION_NOT_FOUND');
    const answer = await again.device.transaction((tx) =>
      again.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    const outcome = await read(alice, again.identity.publicKey, answer.message);
    expect(outcome).toMatchObject({ kind: 'message', protection: 'dh', news: { reset: ['bob-1'] } });
    expect(await talk(alice, again, 'again')).toBe('dr: again');
    expect(await talk(again, alice, 'here I am')).toBe('dr: here I am');
  });

  it('a recovered account with a new installation is told apart and talked to', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    const recovered = await newNode('bob-2', { identity: bob.identity });
    const lost = await write(alice, bob.identity.publicKey, 'lost');
    expect(await readText(recovered, alice, lost.message)).toBe('DEVICE_NOT_ADDRESSED');
    expect(await talk(recovered, alice, 'I am back')).toBe('dr: I am back');
    expect(await talk(alice, recovered, 'welcome')).toBe('dr: welcome');
  });

  it('resetting sessions begins anew', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    await alice.device.transaction((tx) => alice.device.resetSessions(tx, bob.identity.publicKey));
    const { message, devices } = await write(alice, bob.identity.publicKey, 'anew');
    expect(devices[0]).toMatchObject({ sent: 'x3dh+dr' });
    expect(await readText(bob, alice, message)).toBe('dr: anew');
    expect(await talk(bob, alice, 'fine')).toBe('dr: fine');
    expect(await talk(alice, bob, 'good')).toBe('dr: good');
  });

  it('a corrupt row quarantines one session, not the account', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    for await (const { key, value } of alice.store.list('session/')) {
      value[5] = (value[5] as number) ^ 1;
      await alice.store.commit([{ type: 'put', key, value }]);
    }
    await alice.reopen();
    const { message, devices } = await write(alice, bob.identity.publicKey, 'three');
    expect(devices[0]).toMatchObject({ sent: 'x3dh+dr' });
    expect(await readText(bob, alice, message)).toBe('dr: three');
    expect(await talk(bob, alice, 'four')).toBe('dr: four');
    expect(await talk(alice, bob, 'five')).toBe('dr: five');
  });

  it('a session that the peer has lost is not written in once it has begun another one', async () => {
    // Which of the two has the lower order is up to chance.
    for (let i = 0; i < 6; i++) {
      const { alice, bob } = await pairOfNodes();
      await talk(alice, bob, 'one');
      await talk(bob, alice, 'two');
      for await (const { key } of bob.store.list('session/')) {
        await bob.store.commit([{ type: 'delete', key }]);
      }
      await bob.reopen();
      expect(await talk(bob, alice, 'three')).toBe('dr: three');
      expect(await talk(alice, bob, 'four')).toBe('dr: four');
    }
  });
});

describe('hostile cases: old backups and damage', () => {
  it('an old backup restored is noticed and sending starts new sessions: no number is used twice', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    const backup: { key: string; value: Uint8Array }[] = [];
    for await (const { key, value } of alice.store.list('')) backup.push({ key, value });
    const used = new Set<string>();
    for (const text of ['three', 'four']) {
      const { message } = await write(alice, bob.identity.publicKey, text);
      const header = entryFor(message, 'bob-1')?.drHeader;
      used.add(`${encodeHex(header?.key as Uint8Array)}/${header?.n}`);
      await readText(bob, alice, message);
    }
    await alice.device.close();
    for await (const { key } of alice.store.list('')) await alice.store.commit([{ type: 'delete', key }]);
    await alice.store.commit(backup.map(({ key, value }) => ({ type: 'put', key, value })));
    const view = { ...keptView(alice.store), continuity: 'rolled-back' as const };
    alice.device = await openDevice({ identity: alice.identity, store: view, crypto, clock: alice.clock });
    const { message, devices } = await write(alice, bob.identity.publicKey, 'five');
    expect(devices[0]).toMatchObject({ sent: 'x3dh+dr' });
    const header = entryFor(message, 'bob-1')?.drHeader;
    expect(used).not.toContain(`${encodeHex(header?.key as Uint8Array)}/${header?.n}`);
    expect(await readText(bob, alice, message)).toBe('dr: five');
    expect(await talk(bob, alice, 'six')).toBe('dr: six');
    expect(await talk(alice, bob, 'seven')).toBe('dr: seven');
  });

  it('a record that the store itself finds damaged costs one session', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    await talk(bob, alice, 'two');
    await alice.device.close();
    const damaged = {
      ...keptView(alice.store),
      get: async (key: string) => {
        if (key.startsWith('session/') && (await alice.store.get(key))?.revision === broken) {
          throw new SottoError('STORE_CORRUPT', 'damaged', { what: 'record' });
        }
        return alice.store.get(key);
      },
    };
    let broken = 0;
    for await (const { key, revision } of alice.store.list('session/')) if (key) broken = revision;
    alice.device = await openDevice({ identity: alice.identity, store: damaged, crypto, clock: alice.clock });
    expect(await talk(alice, bob, 'three')).toBe('dr: three');
    expect(await talk(bob, alice, 'four')).toBe('dr: four');
  });
});

describe('closing', () => {
  it('waits for what is under way, and closes the store', async () => {
    const order: string[] = [];
    const { store } = keptStore();
    const identity = crypto.secp256k1.generateKeyPair();
    const device = await openMessengerDevice({
      identity,
      crypto,
      clock: manualClock(START),
      store: {
        get: (key) => store.get(key),
        list: (prefix, options) => store.list(prefix, options),
        commit: (writes, options) => store.commit(writes, options),
        close: async () => void order.push('closed'),
      },
    });
    const slow = device.transaction(async (tx) => {
      for (let turn = 0; turn < 20; turn++) await undefined;
      tx.onCommit('state', () => order.push('stored'));
    });
    await device.settled();
    expect(order).toEqual(['stored']);
    await slow;
    const other = await newNode('bob-1');
    const bundle = await other.device.read((tx) => other.device.bundle(tx));
    const late = device.transaction(async (tx) => {
      for (let turn = 0; turn < 20; turn++) await undefined;
      await device.processBundle(tx, bundle);
      tx.onCommit('state', () => order.push('stored'));
      return device.activeInstallations(tx, other.identity.publicKey);
    });
    await device.close();
    expect(order).toEqual(['stored', 'stored', 'closed']);
    expect(await late).toEqual(['bob-1']);
  });
});

describe('opening', () => {
  it('continues where it stopped', async () => {
    const { alice, bob } = await pairOfNodes();
    await talk(alice, bob, 'one');
    for (const text of ['two', 'three', 'four']) {
      await alice.reopen();
      await bob.reopen();
      expect(await talk(bob, alice, text)).toBe(`dr: ${text}`);
      expect(await talk(alice, bob, text)).toBe(`dr: ${text}`);
    }
  });

  it('refuses a store of another identity or installation', async () => {
    const { alice } = await pairOfNodes();
    const { view } = { view: alice.store };
    const options = { store: view, crypto, clock: alice.clock };
    await expect(
      openDevice({ ...options, identity: crypto.secp256k1.generateKeyPair() }),
    ).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(
      openDevice({ ...options, identity: alice.identity, installationId: 'other' }),
    ).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('draws an installation id that the store remembers', async () => {
    const { view } = keptStore();
    const options = { identity: crypto.secp256k1.generateKeyPair(), crypto, clock: manualClock(START) };
    const one = await openDevice({ ...options, store: view() });
    expect(one.installationId).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const two = await openDevice({ ...options, store: view() });
    expect(two.installationId).toBe(one.installationId);
  });
});
