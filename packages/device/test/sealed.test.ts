import { concatBytes, encodeHex, type PublicKey } from '@sotto/core';
import { type DirectMessage, decodeProtocolMessage, encodeProtocolMessage } from '@sotto/protocol-codec';
import { manualClock } from '@sotto/testing/clock';
import { signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { SEALING_KEYS_MOST, sealingDay } from '../src/sealed/sealing-keys.js';
import { decodeSessionContent, encodeSessionContent } from '../src/sealed/session-content.js';
import { acquainted, keysOf, pair, sealAs, seals, unsealed, writeTo } from './sealed/support.js';
import {
  bytesOf,
  crypto,
  DAY,
  dump,
  HOUR,
  meet,
  type Node,
  newNode,
  read,
  readText,
  refused,
  START,
  textOf,
} from './world.js';

const signerOf = (from: Node, to: PublicKey, message: Uint8Array) =>
  from.device.sealingKey(to, message)?.publicKey as PublicKey;

describe('the keys of sealed messages', () => {
  it('are the same on both sides, and others for each direction, day and pair', async () => {
    const [alice, bob, carol] = [await seals('alice-1'), await seals('bob-1'), await seals('carol-1')];
    const key = (node: Node, sender: Node, recipient: Node, day: number) => {
      const direction = { sender: sender.identity.publicKey, recipient: recipient.identity.publicKey };
      const { signer, key: bytes } = keysOf(node).get(direction, day);
      return `${encodeHex(signer.publicKey)} ${encodeHex(bytes)}`;
    };
    expect(key(alice, alice, bob, 7)).toBe(key(bob, alice, bob, 7));
    const all = [
      key(alice, alice, bob, 7),
      key(alice, alice, bob, 8),
      key(alice, bob, alice, 7),
      key(alice, alice, carol, 7),
      key(alice, alice, alice, 7),
    ];
    expect(new Set(all.flatMap((both) => both.split(' '))).size).toBe(2 * all.length);
  });

  it('are kept within their bound, and derived again', async () => {
    const alice = await seals('alice-1');
    const keys = keysOf(alice);
    const direction = { sender: alice.identity.publicKey, recipient: alice.identity.publicKey };
    const first = keys.get(direction, 0);
    for (let day = 1; day <= 2 * SEALING_KEYS_MOST; day++) keys.get(direction, day);
    expect(keys.get(direction, 0)).not.toBe(first);
    expect(keys.get(direction, 0)).toEqual(first);
  });

  it('count days from the epoch, whatever the clock says', () => {
    expect([-1, 0, DAY - 1, DAY, Number.MAX_SAFE_INTEGER].map(sealingDay)).toEqual([0, 0, 0, 1, 104_249_991]);
    expect(sealingDay(Number.MAX_VALUE)).toBe(2 ** 32 - 1);
  });
});

describe('a sealed message', () => {
  it('is sent once the other device has answered, and shows no identity, bundle or device', async () => {
    const [alice, bob] = [await seals('alice-1'), await seals('bob-1')];
    await meet(alice, bob);
    const first = await writeTo(alice, bob, '1');
    expect([first.sealed, first.negotiatedSecret]).toEqual([false, undefined]);
    expect(decodeProtocolMessage(first.message).bundles).toHaveLength(1);
    await readText(bob, alice, first.message);
    const answer = await writeTo(bob, alice, '2');
    expect(answer.sealed).toBe(true);
    expect(answer.negotiatedSecret).toBeDefined();
    expect(await readText(alice, bob, answer.message)).toBe('pq: 2');
    const third = await writeTo(alice, bob, '3');
    expect(third.sealed).toBe(true);
    const shown = Buffer.from(third.message);
    for (const hidden of [
      alice.identity.publicKey,
      bob.identity.publicKey,
      bytesOf('alice-1'),
      bytesOf('bob-1'),
    ]) {
      expect(shown.includes(Buffer.from(hidden))).toBe(false);
    }
    const inside = unsealed(bob, alice, third.message);
    expect([inside.bundles, inside.installationId]).toEqual([[], 'alice-1']);
    const outcome = await read(bob, alice.identity.publicKey, third.message);
    expect(outcome).toMatchObject({ kind: 'message', sealed: true, protection: 'pq' });
  });

  it('is signed with a pseudonym that both map to its sender, and nobody else', async () => {
    const { alice, bob } = await pair();
    const carol = await seals('carol-1');
    const { message } = await writeTo(alice, bob, 'x');
    const [a, b, c] = [alice, bob, carol].map(({ identity }) => identity.publicKey) as [
      PublicKey,
      PublicKey,
      PublicKey,
    ];
    const signer = signerOf(alice, b, message);
    expect(signer).not.toEqual(a);
    expect(bob.device.sealedSender(a, signer, message)).toEqual(a);
    expect(alice.device.sealedSender(b, signer, message)).toEqual(a);
    expect(bob.device.sealedSender(a, a, message)).toEqual(a);
    expect(bob.device.sealedSender(c, signer, message)).toBeUndefined();
    expect(carol.device.sealedSender(a, signer, message)).toBeUndefined();
    expect(bob.device.sealedSender(a, c, message)).toBeUndefined();
    expect(
      bob.device.sealedSender(a, a, encodeProtocolMessage(unsealed(bob, alice, message))),
    ).toBeUndefined();
    expect(alice.device.sealingKey(b, bytesOf('x'))).toBeUndefined();
    const others = [bytesOf('x'), new Uint8Array(0), Uint8Array.of(0, 2), Uint8Array.of(10, 1)];
    expect([message, ...others].map((one) => bob.device.isSealed(one))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('has another pseudonym the next day, and goes on with new prekeys, sealed', async () => {
    const clock = manualClock(START);
    const { alice, bob } = await pair({ clock });
    const signers = new Set<string>();
    for (let day = 0; day < 4; day++) {
      for (const [from, to] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const { message, sealed } = await writeTo(from, to, `${day}`);
        expect(sealed).toBe(true);
        signers.add(encodeHex(signerOf(from, to.identity.publicKey, message)));
        expect(await readText(to, from, message)).toBe(`pq: ${day}`);
      }
      clock.advance(25 * HOUR);
      await alice.reopen();
      await bob.reopen();
    }
    expect(signers.size).toBe(8);
  });

  it('brings the bundle inside of its session: new prekeys and devices are learnt from it', async () => {
    const { alice, bob } = await pair();
    const phone = await seals('alice-2', { identity: alice.identity });
    await meet(alice, phone);
    await alice.device.transaction((tx) =>
      alice.device.updateDevice(tx, alice.identity.publicKey, 'alice-2', { enabled: true }),
    );
    const outcome = await read(bob, alice.identity.publicKey, (await writeTo(alice, bob, 'x')).message);
    expect(outcome).toMatchObject({ sealed: true, news: { added: ['alice-2'] } });
    for (const { clock } of [alice, bob]) clock.advance(25 * HOUR);
    const next = await read(bob, alice.identity.publicKey, (await writeTo(alice, bob, 'y')).message);
    expect(next).toMatchObject({ kind: 'message', sealed: true, news: { rotated: ['alice-1'] } });
    expect(await bob.device.read((tx) => bob.device.devices(tx, alice.identity.publicKey))).toMatchObject([
      { installationId: 'alice-2', preKeyVersion: 1 },
      { installationId: 'alice-1', preKeyVersion: 2 },
    ]);
  });

  it('that begins a session binds it to the prekey that it brings: an old answer does not end it', async () => {
    const clock = manualClock(START);
    const { alice, bob } = await pair({ clock });
    clock.advance(25 * HOUR);
    await readText(alice, bob, (await writeTo(bob, alice, 'w')).message);
    const first = await writeTo(alice, bob, 'x');
    expect(await read(bob, alice.identity.publicKey, first.message)).toMatchObject({
      sealed: true,
      sessionBegun: true,
      news: { rotated: ['alice-1'] },
    });
    const answer = await alice.device.transaction((tx) =>
      alice.device.encryptDh(tx, bob.identity.publicKey, new Uint8Array(0)),
    );
    await read(bob, alice.identity.publicKey, answer.message);
    const reply = await writeTo(bob, alice, 'y');
    // In that session: it begins none.
    const header = unsealed(alice, bob, reply.message).directMessages.get('alice-1')?.hybridHeader;
    expect([header?.handshake, header?.knownVersion]).toEqual([undefined, 2]);
    expect(await readText(alice, bob, reply.message)).toBe('pq: y');
  });

  it('keeps its sealing while messages are lost and overtake each other', async () => {
    const { alice, bob } = await pair();
    alice.clock.advance(25 * HOUR);
    const sent: Uint8Array[] = [];
    for (const text of ['1', '2', '3']) sent.push((await writeTo(alice, bob, text)).message);
    const [one, two, three] = sent as [Uint8Array, Uint8Array, Uint8Array];
    expect(await readText(bob, alice, three)).toBe('pq: 3');
    expect(await readText(bob, alice, one)).toBe('pq: 1');
    expect(await readText(bob, alice, two)).toBe('pq: 2');
    for (const message of sent) {
      expect(await refused(bob, () => read(bob, alice.identity.publicKey, message))).toBe(
        'DUPLICATE_MESSAGE',
      );
    }
  });
});

describe('a message is not sealed', () => {
  it('where the transport cannot sign with a pseudonym', async () => {
    const { alice, bob } = await pair();
    const { message, sealed } = await alice.device.transaction((tx) =>
      alice.device.encryptDirect(tx, bob.identity.publicKey, bytesOf('x')),
    );
    expect(sealed).toBe(false);
    expect(decodeProtocolMessage(message).bundles).toHaveLength(1);
    expect(await readText(bob, alice, message)).toBe('pq: x');
  });

  it.each([
    ['offers the hybrid suite alone', { sealedSender: false }, 'pq'],
    ['speaks the deployed suite alone', { speaks: false }, 'dr'],
  ])('to a device that %s', async (_what, options, protection) => {
    const [alice, bob] = [await seals('alice-1'), await seals('bob-1', options)];
    await meet(alice, bob);
    for (let i = 0; i < 3; i++) {
      const there = await writeTo(alice, bob, `${i}`);
      expect(there.sealed).toBe(false);
      expect(await readText(bob, alice, there.message)).toBe(`${protection}: ${i}`);
      const back = await writeTo(bob, alice, `${i}`);
      expect(await readText(alice, bob, back.message)).toBe(`${protection}: ${i}`);
      // A device that doesn't offer it may seal what it sends all the same.
      expect(back.sealed).toBe(protection === 'pq');
    }
  });

  it('when one of the devices that it goes to does not offer it, or has not written yet', async () => {
    const { alice, bob } = await pair();
    const tablet = await newNode('bob-2', { identity: bob.identity, speaks: true });
    await meet(alice, tablet);
    const both = await writeTo(alice, bob, 'x');
    expect([both.sealed, both.devices.length]).toEqual([false, 2]);
    expect(await readText(bob, alice, both.message)).toBe('pq: x');
    await readText(tablet, alice, both.message);
    await readText(alice, tablet, (await writeTo(tablet, alice, 'y')).message);
    expect((await writeTo(alice, bob, 'z')).sealed).toBe(false);
    await tablet.device.close();
    const newer = await seals('bob-3', { identity: bob.identity });
    await meet(alice, newer);
    for (const name of ['bob-2']) {
      await alice.device.transaction((tx) =>
        alice.device.updateDevice(tx, bob.identity.publicKey, name, { enabled: false }),
      );
    }
    const early = await writeTo(alice, bob, '1');
    expect(early.sealed).toBe(false);
    await readText(newer, alice, early.message);
    await readText(alice, newer, (await writeTo(newer, alice, '2')).message);
    const late = await writeTo(alice, bob, '3');
    expect([late.sealed, late.devices.length]).toEqual([true, 2]);
    expect(await readText(newer, alice, late.message)).toBe('pq: 3');
    expect(await readText(bob, alice, late.message)).toBe('pq: 3');
  });
});

describe('the offer of sealed messages', () => {
  it('begins with a new prekey, and ends with one', async () => {
    const alice = await newNode('alice-1', { speaks: true });
    const suites = async () => {
      await alice.device.transaction((tx) => alice.device.rotatePreKeyIfDue(tx));
      const bundle = await alice.device.read((tx) => alice.device.bundle(tx));
      const { version, hybrid } = [...bundle.signedPreKeys.values()][0] ?? {};
      return [version, ...(hybrid?.suites ?? [])];
    };
    expect(await suites()).toEqual([1, 2]);
    await alice.reopen(true, true);
    expect(await suites()).toEqual([2, 2, 0x82]);
    await alice.reopen();
    expect(await suites()).toEqual([2, 2, 0x82]);
    await alice.reopen(true, false);
    expect(await suites()).toEqual([3, 2]);
  });

  it('is covered by the strict signature: whoever strips it breaks the bundle', async () => {
    const { alice, bob } = await pair();
    const bundle = await bob.device.read((tx) => bob.device.bundle(tx));
    const signedPreKeys = new Map(
      [...bundle.signedPreKeys].map(([id, { hybrid, ...preKey }]) => [
        id,
        { ...preKey, ...(hybrid && { hybrid: { ...hybrid, suites: Uint8Array.of(2) } }) },
      ]),
    );
    expect(
      await refused(alice, () =>
        alice.device.transaction((tx) => alice.device.processBundle(tx, { ...bundle, signedPreKeys })),
      ),
    ).toBe('BUNDLE_SIGNATURE_INVALID');
    expect((await writeTo(alice, bob, 'x')).sealed).toBe(true);
  });

  it('is not withdrawn by a sibling or a contact code, only by the device itself', async () => {
    const { alice, bob } = await pair();
    const bundle = await bob.device.read((tx) => bob.device.bundle(tx));
    const lowered = signBundle(crypto, bob.identity, {
      timestamp: bundle.timestamp + 1n,
      signedPreKeys: new Map(
        [...bundle.signedPreKeys].map(([id, { hybrid, ...preKey }]) => [
          id,
          { ...preKey, ...(hybrid && { hybrid: { ...hybrid, suites: Uint8Array.of(2) } }) },
        ]),
      ),
    });
    await alice.device.transaction((tx) => alice.device.processBundle(tx, lowered));
    expect((await writeTo(alice, bob, 'x')).sealed).toBe(true);
    await bob.reopen(true, false);
    bob.clock.advance(1_000);
    alice.clock.advance(1_000);
    const own = await writeTo(bob, alice, 'y');
    expect(await read(alice, bob.identity.publicKey, own.message)).toMatchObject({
      kind: 'message',
      news: { lowered: [] },
    });
    expect((await writeTo(alice, bob, 'z')).sealed).toBe(false);
  });
});

describe('a sealed message is refused', () => {
  it('when it was sealed by another pair, in the other direction, or for another day', async () => {
    const { alice, bob } = await pair();
    const carol = await seals('carol-1');
    await acquainted(carol, bob);
    const { message } = await writeTo(alice, bob, 'x');
    const moved = message.slice();
    moved[5] = (moved[5] as number) + 1;
    const carols = (await writeTo(carol, bob, 'y')).message;
    const bobs = (await writeTo(bob, alice, 'z')).message;
    const before = await dump(bob.store);
    for (const [from, bytes] of [
      [carol, message],
      [bob, message],
      [alice, carols],
      [alice, bobs],
      [alice, moved],
      [alice, message.subarray(0, 20)],
      [alice, message.subarray(0, -1)],
    ] as const) {
      expect(await refused(bob, () => read(bob, from.identity.publicKey, bytes))).toBe('MALFORMED_MESSAGE');
    }
    expect(await dump(bob.store)).toEqual(before);
    expect(await readText(bob, alice, message)).toBe('pq: x');
  });

  it('when its time is not of its day, so that one key would serve for ever', async () => {
    const { alice, bob } = await pair();
    const { message } = await writeTo(alice, bob, 'x');
    const direction = { sender: alice.identity.publicKey, recipient: bob.identity.publicKey };
    const { key } = keysOf(alice).get(direction, sealingDay(START));
    const [header, nonce] = [message.subarray(0, 6), message.subarray(6, 18)];
    const opened = crypto.openAes256Gcm(key, nonce, message.subarray(18), header);
    new DataView(opened.buffer, opened.byteOffset).setBigUint64(0, BigInt(START + DAY));
    const moved = concatBytes(header, nonce, crypto.sealAes256Gcm(key, nonce, opened, header));
    expect(await refused(bob, () => read(bob, alice.identity.publicKey, moved))).toBe('MALFORMED_MESSAGE');
    expect(await readText(bob, alice, message)).toBe('pq: x');
  });

  it('when there is not even a time in it, though its key opens it', async () => {
    const { alice, bob } = await pair();
    const { message } = await writeTo(alice, bob, 'x');
    const direction = { sender: alice.identity.publicKey, recipient: bob.identity.publicKey };
    const { key } = keysOf(alice).get(direction, sealingDay(START));
    const [header, nonce] = [message.subarray(0, 6), message.subarray(6, 18)];
    for (const length of [0, 1, 7, 8]) {
      const short = concatBytes(
        header,
        nonce,
        crypto.sealAes256Gcm(key, nonce, new Uint8Array(length), header),
      );
      await expect(read(bob, alice.identity.publicKey, short)).rejects.toMatchObject({
        code: 'MALFORMED_MESSAGE',
        details: { what: 'sealed message' },
      });
    }
  });

  it('when a bit of it was changed', async () => {
    const { alice, bob } = await pair();
    const { message } = await writeTo(alice, bob, 'x');
    for (let at = 0; at < message.length; at += 7) {
      const changed = message.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(await refused(bob, () => read(bob, alice.identity.publicKey, changed))).toBe(
        'MALFORMED_MESSAGE',
      );
    }
    expect(await readText(bob, alice, message)).toBe('pq: x');
  });

  it('when its content is not in a hybrid session, whoever sealed it', async () => {
    const { alice, bob } = await pair();
    const hybrid = await writeTo(alice, bob, 'x');
    const inside = unsealed(bob, alice, hybrid.message);
    const dh = await alice.device.transaction((tx) =>
      alice.device.encryptDh(tx, bob.identity.publicKey, bytesOf('forged')),
    );
    const plain = await alice.device.transaction((tx) =>
      alice.device.encryptDirect(tx, bob.identity.publicKey, bytesOf('with a bundle')),
    );
    const dhEntries = decodeProtocolMessage(dh.message).directMessages;
    const dr = await newNode('alice-1', { identity: alice.identity });
    await meet(dr, bob);
    const deployed = await writeTo(dr, bob, 'forged');
    const headers = [
      ...dhEntries.values(),
      ...decodeProtocolMessage(deployed.message).directMessages.values(),
    ];
    const besides = headers.flatMap(({ payload: _, ...all }) => Object.entries(all));
    expect(besides.map(([name]) => name).toSorted()).toEqual(['dhHeader', 'drHeader', 'x3dhHeader']);
    const [[name, entry]] = [...inside.directMessages] as [[string, DirectMessage]];
    const contents = [
      ...besides.map(([header, value]) =>
        encodeProtocolMessage({
          ...inside,
          directMessages: new Map([[name, { ...entry, [header]: value }]]),
        }),
      ),
      encodeProtocolMessage({ ...inside, bundles: decodeProtocolMessage(plain.message).bundles }),
      encodeProtocolMessage({ ...inside, directMessages: dhEntries }),
      encodeProtocolMessage({ ...inside, directMessages: new Map([...inside.directMessages, ...dhEntries]) }),
      encodeProtocolMessage({ ...inside, directMessages: new Map() }),
      encodeProtocolMessage({ ...inside, publicMessage: bytesOf('forged') }),
      plain.message,
      await alice.device.transaction((tx) => alice.device.encodePublic(tx)),
    ];
    for (const content of contents) {
      const sealed = sealAs(alice, bob, content);
      expect(await refused(bob, () => read(bob, alice.identity.publicKey, sealed))).toBe('MALFORMED_MESSAGE');
    }
    const channel = { kind: 'public', name: 'x' } as const;
    expect(
      await refused(bob, () =>
        bob.device.transaction((tx) =>
          bob.device.decrypt(tx, alice.identity.publicKey, hybrid.message, { channel }),
        ),
      ),
    ).toBe('MALFORMED_MESSAGE');
    expect(await readText(bob, alice, hybrid.message)).toBe('pq: x');
  });

  it('when the session does not authenticate it, though the thief of an identity key could seal it', async () => {
    const { alice, bob } = await pair();
    const { message } = await writeTo(alice, bob, 'x');
    const inside = unsealed(bob, alice, message);
    const [[id, entry]] = [...inside.directMessages] as [[string, { readonly payload: Uint8Array }]];
    const forged = { ...entry, payload: entry.payload.map((byte) => byte ^ 1) };
    const sealed = sealAs(
      alice,
      bob,
      encodeProtocolMessage({ ...inside, directMessages: new Map([[id, forged]]) }),
    );
    await expect(read(bob, alice.identity.publicKey, sealed)).rejects.toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      details: { what: 'ratchet message' },
    });
    expect(await readText(bob, alice, message)).toBe('pq: x');
  });

  it('when its session holds no bundle, or that of someone else', async () => {
    const { alice, bob } = await pair();
    const bundle = await bob.device.read((tx) => bob.device.bundle(tx));
    const from = alice.identity.publicKey;
    const content = encodeSessionContent({ bundle, payload: bytesOf('x') });
    expect(textOf(decodeSessionContent(bob.identity.publicKey, content).payload)).toBe('x');
    const tooLong = encodeSessionContent({ bundle, payload: new Uint8Array(0) });
    tooLong[3] = (tooLong[3] as number) + 1;
    for (const [sender, bytes] of [
      [from, content],
      [bob.identity.publicKey, bytesOf('x')],
      [bob.identity.publicKey, content.subarray(0, 40)],
      [bob.identity.publicKey, new Uint8Array(4)],
      [bob.identity.publicKey, tooLong],
    ] as const) {
      expect(() => decodeSessionContent(sender, bytes)).toThrow(
        expect.objectContaining({ code: 'MALFORMED_MESSAGE' }),
      );
    }
  });
});

describe('a device that lost its session', () => {
  it('answers a sealed message as it does others, while it is recent', async () => {
    const { alice, bob } = await pair();
    await bob.device.close();
    const lost = await seals('bob-1', { identity: bob.identity, clock: bob.clock });
    await meet(lost, alice);
    const { message, sealed } = await writeTo(alice, bob, 'x');
    expect(sealed).toBe(true);
    const outcome = await read(lost, alice.identity.publicKey, message).catch((error) => error.code);
    expect(outcome).toMatchObject({ kind: 'unreadable', reason: 'SESSION_NOT_FOUND' });
    const remedy = () =>
      lost.device.read((tx) => lost.device.remedyFor(tx, alice.identity.publicKey, message));
    expect(await remedy()).toMatchObject({ answer: true, report: true });
    lost.clock.advance(29 * DAY);
    expect(await remedy()).toMatchObject({ answer: true });
    lost.clock.advance(2 * DAY);
    expect(await remedy()).toMatchObject({ answer: false });
  });

  it('and a new device that no entry is for answers too, and the two go on', async () => {
    const { alice, bob } = await pair();
    const next = await seals('bob-2', { identity: bob.identity, clock: bob.clock });
    await meet(next, alice);
    const { message } = await writeTo(alice, bob, 'x');
    expect(await read(next, alice.identity.publicKey, message)).toMatchObject({
      kind: 'unreadable',
      reason: 'DEVICE_NOT_ADDRESSED',
      sealed: true,
      remedy: { answer: true },
    });
    const answer = await next.device.transaction((tx) =>
      next.device.encryptDh(tx, alice.identity.publicKey, new Uint8Array(0)),
    );
    expect(await read(alice, bob.identity.publicKey, answer.message)).toMatchObject({
      news: { added: ['bob-2'] },
    });
    const later = await writeTo(alice, bob, 'y');
    expect(later.sealed).toBe(false);
    expect(await readText(next, alice, later.message)).toBe('pq: y');
  });
});
