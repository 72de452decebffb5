import { type PublicKey, SottoError } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { settableClock } from '@sotto/testing/clock';
import { describe, expect, it } from 'vitest';
import { getPeer, newPeerDevice, putPeer } from '../src/peers.js';
import type { PeerDevice } from '../src/storage/records.js';
import { sessionTable } from '../src/storage/tables.js';
import {
  bytesOf,
  countRecords,
  crypto,
  DAY,
  MINUTE,
  meet,
  type Node,
  newNode,
  read,
  refused,
  START,
  talk,
  write,
} from './world.js';

/** As no bundle could make it known, since it is no point of the curve: damage, or a fault of ours. */
const OFF_CURVE = Uint8Array.of(2, ...new Uint8Array(31), 5);
const someone = () => crypto.secp256k1.generateKeyPair().publicKey;

function knowing(node: Node, identity: PublicKey, devices: readonly Partial<PeerDevice>[]) {
  return node.device.transaction(async (tx) => {
    const peer = await getPeer(tx, identity);
    const known = devices.map((change, i) => ({ ...newPeerDevice(`d${i}`, true), ...change }));
    putPeer(tx, identity, { ...peer, devices: known });
  });
}

const good = () => ({ signedPreKey: someone(), protocolVersion: 1 });

describe('sending to several devices', () => {
  it('goes on when one of them can not be encrypted for, and says so of it', async () => {
    const [alice, to] = [await newNode('alice-1'), someone()];
    await knowing(alice, to, [good(), { signedPreKey: OFF_CURVE }, good()]);
    const { devices, message, topicMode } = await write(alice, to, 'hello');
    expect(devices).toEqual([
      { installationId: 'd0', sent: 'x3dh+dr' },
      { installationId: 'd1', failed: expect.objectContaining({ code: 'INVALID_PUBLIC_KEY' }) },
      { installationId: 'd2', sent: 'x3dh+dr' },
    ]);
    expect([...decodeProtocolMessage(message).directMessages.keys()]).toEqual(['d0', 'd2']);
    // The device that was not reached has no say.
    expect(topicMode).toBe(1);
    expect(await countRecords(alice.store, 'session')).toBe(2);
  });

  it('is refused when none can be encrypted for, and nothing has changed', async () => {
    const [alice, to] = [await newNode('alice-1'), someone()];
    await knowing(alice, to, [{ signedPreKey: OFF_CURVE }, { signedPreKey: OFF_CURVE }]);
    const outcome = () => write(alice, to, 'hello');
    await expect(outcome()).rejects.toMatchObject({ code: 'NO_DEVICE_REACHED', details: { failures: 2 } });
    expect(await refused(alice, outcome)).toBe('NO_DEVICE_REACHED');
  });

  it('fails when the store does: that is no fault of a device', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    await talk(alice, bob, 'hello');
    const sending = alice.device.transaction(async (tx) => {
      const failing = new Proxy(tx, {
        get: (of, name) =>
          name === 'get'
            ? (table: { name: string }, ...rest: never[]) =>
                table.name === sessionTable.name
                  ? Promise.reject(new SottoError('STORE_UNAVAILABLE', 'Gone.', { reason: 'gone' }))
                  : of.get(table as never, ...rest)
            : Reflect.get(of, name).bind(of),
      });
      return alice.device.encryptDirect(failing, bob.identity.publicKey, bytesOf('x'));
    });
    await expect(sending).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('goes to negotiated topics once each of them knows these, and has written', async () => {
    const [alice, to] = [await newNode('alice-1'), someone()];
    const modeOf = async (...devices: Partial<PeerDevice>[]) => {
      await knowing(alice, to, devices);
      const { topicMode, negotiatedSecret } = await write(alice, to, 'x');
      return [topicMode, negotiatedSecret !== undefined];
    };
    const replied = () => ({ ...good(), hasReplied: true });
    expect(await modeOf(replied(), replied())).toEqual([1, true]);
    expect(await modeOf(replied(), good())).toEqual([1, false]);
    expect(await modeOf(replied(), { ...replied(), protocolVersion: 0 })).toEqual([0, false]);
    expect(await modeOf(replied(), { ...replied(), protocolVersion: 2 })).toEqual([1, true]);
  });

  it('uses no device that is switched off, nor one of which neither prekey nor session is known', async () => {
    const [alice, to] = [await newNode('alice-1'), someone()];
    await knowing(alice, to, [{ ...good(), enabled: false }, {}]);
    expect((await write(alice, to, 'x')).devices).toEqual([{ installationId: 'none', sent: 'dh' }]);
    await knowing(alice, to, [{ ...good(), enabled: false }, {}, good()]);
    expect((await write(alice, to, 'x')).devices).toEqual([{ installationId: 'd2', sent: 'x3dh+dr' }]);
  });

  it('without a known device says nothing of topics, and names no prekey', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    const sent = await write(alice, bob.identity.publicKey, 'x');
    expect(sent).toMatchObject({ topicMode: 0, negotiatedSecret: undefined });
    expect(await read(bob, alice.identity.publicKey, sent.message)).toMatchObject({
      kind: 'message',
      protection: 'dh',
      sessionBegun: false,
      sessionsLost: false,
    });
  });
});

describe('a session whose state is gone', () => {
  it('is forgotten, and the one before it is used', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    await meet(alice, bob);
    await talk(alice, bob, '1');
    await talk(bob, alice, '2');
    const to = bob.identity.publicKey;
    const sessions = () =>
      alice.device.read(async (tx) => (await getPeer(tx, to)).devices[0]?.sessions ?? []);
    const [used] = await sessions();
    const gone = { ...used!, id: new Uint8Array(16).fill(9) };
    await alice.device.transaction(async (tx) => {
      const peer = await getPeer(tx, to);
      putPeer(tx, to, { ...peer, devices: [{ ...peer.devices[0]!, sessions: [used!, gone] }] });
    });
    expect((await write(alice, to, '3')).devices).toEqual([{ installationId: 'bob-1', sent: 'dr' }]);
    expect(await sessions()).toEqual([used]);
  });
});

describe('our bundle', () => {
  const bundle = (node: Node) => node.device.read((tx) => node.device.bundle(tx));

  it('is signed again once it is a minute old, when our clock was set back, or when it says something else', async () => {
    const clock = settableClock(START);
    const bob = await newNode('bob-1', { clock });
    const first = await bundle(bob);
    expect(await bundle(bob)).toBe(first);
    clock.set(START + MINUTE - 1);
    expect(await bundle(bob)).toBe(first);
    clock.set(START + MINUTE);
    const second = await bundle(bob);
    expect(second.timestamp).toBe(BigInt(START + MINUTE) * 1_000_000n);
    clock.set(START + MINUTE - 1);
    const third = await bundle(bob);
    expect(third).not.toBe(second);
    // A millisecond may be the length of a tick; further back it is a clock that was set.
    expect(third.timestamp).toBe(second.timestamp + 1n);
    clock.set(START + MINUTE - 3);
    expect((await bundle(bob)).timestamp).toBe(BigInt(START + MINUTE - 3) * 1_000_000n);
    clock.set(START + DAY);
    await bundle(bob);
    clock.set(START + DAY + 1);
    await bob.device.transaction((tx) => bob.device.rotatePreKeyIfDue(tx));
    expect((await bundle(bob)).signedPreKeys.get('bob-1')?.version).toBe(2);
  });

  it('of a public message is always a new one, and none has the time of another', async () => {
    const bob = await newNode('bob-1');
    const times: bigint[] = [(await bundle(bob)).timestamp];
    for (let i = 0; i < 3; i++) {
      const message = await bob.device.transaction((tx) => bob.device.encodePublic(tx, bytesOf('x')));
      times.push(decodeProtocolMessage(message).bundles[0]!.timestamp);
    }
    expect(times.map((time) => time - times[0]!)).toEqual([0n, 1n, 2n, 3n]);
    bob.clock.advance(1);
    const message = await bob.device.transaction((tx) => bob.device.encodePublic(tx, bytesOf('x')));
    expect(decodeProtocolMessage(message).bundles[0]!.timestamp).toBe(BigInt(START + 1) * 1_000_000n);
  });
});

describe('what a device says of those that it knows', () => {
  it('is a copy: what the caller does with it changes nothing', async () => {
    const [alice, to] = [await newNode('alice-1'), someone()];
    await knowing(alice, to, [{ ...good(), version: 7, timestamp: 1_234_567_890_123_456n }]);
    const metadata = new Map([['os', 'Debian']]);
    await alice.device.transaction((tx) => alice.device.updateDevice(tx, to, 'd0', { metadata }));
    metadata.clear();
    await alice.device.transaction((tx) => alice.device.updateDevice(tx, to, 'd0', { name: 'laptop' }));
    const [info] = await alice.device.read((tx) => alice.device.devices(tx, to));
    expect(info).toEqual({
      installationId: 'd0',
      enabled: true,
      preKeyVersion: 7,
      protocolVersion: 1,
      isHybrid: false,
      lastActiveAt: 1_234_567_890,
      name: 'laptop',
      metadata: new Map([['os', 'Debian']]),
    });
    (info!.metadata as Map<string, string>).clear();
    const [again] = await alice.device.read((tx) => alice.device.devices(tx, to));
    expect(again?.metadata.size).toBe(1);
  });

  it('of one that it does not know is an error that names it', async () => {
    const alice = await newNode('alice-1');
    const update = alice.device.transaction((tx) => alice.device.updateDevice(tx, someone(), 'd0', {}));
    await expect(update).rejects.toMatchObject({ code: 'NOT_FOUND', details: { what: 'device', id: 'd0' } });
  });

  it('sessions are reset with one device, or with all', async () => {
    const [alice, bob] = [await newNode('alice-1'), await newNode('bob-1')];
    const tablet = await newNode('bob-2', { identity: bob.identity });
    for (const other of [bob, tablet]) await meet(alice, other);
    const to = bob.identity.publicKey;
    for (const other of [bob, tablet]) {
      const { message } = await write(alice, to, 'x');
      await read(other, alice.identity.publicKey, message);
      await read(alice, to, (await write(other, alice.identity.publicKey, 'y')).message);
    }
    const sent = async () => (await write(alice, to, 'x')).devices.map((one) => 'sent' in one && one.sent);
    expect(await sent()).toEqual(['dr', 'dr']);
    expect((await write(alice, to, 'x')).negotiatedSecret).toBeDefined();
    await alice.device.transaction((tx) => alice.device.resetSessions(tx, to, 'bob-2'));
    expect(await sent()).toEqual(['dr', 'x3dh+dr']);
    expect((await write(alice, to, 'x')).negotiatedSecret).toBeUndefined();
    await alice.device.transaction((tx) => alice.device.resetSessions(tx, to));
    expect(await sent()).toEqual(['x3dh+dr', 'x3dh+dr']);
  });
});
