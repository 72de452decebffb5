import { join } from 'node:path';
import { decodeHex, encodeHex } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { decodeBundle, decodeContactCode, decodeProtocolMessage } from '@sotto/protocol-codec';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { temporaryDirectory } from '@sotto/testing/files';
import { describe, expect, it } from 'vitest';
import { HOUR, hex, NOW, Speaker } from './conversation.js';
import { type Answer, PeerProcess } from './peer-process.js';

/** The entry for a device in a ProtocolMessage. */
function entryOf({ message }: Answer, installation: string) {
  return decodeProtocolMessage(decodeHex(message)).directMessages.get(installation);
}

async function pair(): Promise<{ peer: PeerProcess; alice: Speaker; bob: Speaker }> {
  const peer = new PeerProcess();
  const alice = await Speaker.open(peer, 'alice-1');
  const bob = await Speaker.open(peer, 'bob-1');
  return { peer, alice, bob };
}

describe('two parties', () => {
  it('a bundle is given as protobuf, as JSON and as a contact code', async () => {
    const { bob } = await pair();
    const { bundle, json, contactCode } = await bob.ask('bundle');
    const decoded = decodeBundle(decodeHex(bundle));
    expect(decodeContactCode(contactCode)).toEqual(decoded);
    expect(Buffer.from(contactCode, 'base64').toString()).toBe(json);
    expect([...decoded.signedPreKeys.keys()]).toEqual(['bob-1']);
  });

  it.each(['bundle', 'direct', 'dh', 'public'])(
    '%s rotates a prekey that is due; state does not',
    async (cmd) => {
      const { alice, bob } = await pair();
      await bob.ask('clock', { now: NOW + 25 * HOUR });
      expect((await bob.ask('state'))['preKeyVersion']).toBe(1);
      await bob.ask(cmd, { to: alice.identity, payload: hex('hello') });
      expect((await bob.ask('state'))['preKeyVersion']).toBe(2);
    },
  );

  it('a first message, answers, and the agreed topic', async () => {
    const { alice, bob } = await pair();
    const added = await alice.ask('processBundle', { payload: (await bob.ask('bundle'))['bundle'] });
    expect(added['added']).toEqual(['bob-1']);
    const first = await alice.direct(bob, 'hello');
    expect(first).toMatchObject({ installations: ['bob-1'], sharedSecret: '', topicMode: 1, own: '' });
    const read = await bob.ask('handle', { from: alice.identity, message: first['message'], msgId: 'm1' });
    expect(read).toMatchObject({ payload: hex('hello'), security: 'dr' });
    const { sharedSecret } = await bob.tell(alice, 'hi');
    expect(sharedSecret).toMatch(/^[0-9a-f]{64}$/);
    expect((await alice.tell(bob, 'well?'))['sharedSecret']).toBe(sharedSecret);
  });

  it('identities may be given in 65 bytes', async () => {
    const { alice, bob } = await pair();
    const { secp256k1 } = defaultProvider();
    const uncompressed = (key: string) =>
      encodeHex(secp256k1.uncompressPublicKey(secp256k1.parsePublicKey(decodeHex(key))));
    const { message } = await alice.ask('dh', { to: uncompressed(bob.identity), payload: hex('x') });
    const from = uncompressed(alice.identity);
    expect(await bob.ask('handle', { from, message, msgId: '1' })).toMatchObject({ payload: hex('x') });
    expect((await bob.ask('devices', { of: from }))['devices']).toEqual([
      { id: 'alice-1', enabled: true, version: 1 },
    ]);
  });

  it('with no bundle of the recipient: to the identity alone, asked for or not', async () => {
    const { alice, bob } = await pair();
    const fallback = await alice.direct(bob, 'are you there?');
    expect(fallback).toMatchObject({ installations: [], sharedSecret: '', topicMode: 0, own: '' });
    const asked = await alice.ask('dh', { to: bob.identity, payload: hex('really?') });
    expect(asked).toMatchObject({ installations: [], sharedSecret: '', topicMode: 0, own: '' });
    for (const [{ message }, text] of [
      [fallback, 'are you there?'],
      [asked, 'really?'],
    ] as const) {
      const read = await bob.ask('handle', { from: alice.identity, message, msgId: text });
      expect(read).toMatchObject({ payload: hex(text), security: 'dh' });
    }
    // The message brought Alice's bundle.
    expect((await bob.direct(alice, 'yes'))['installations']).toEqual(['alice-1']);
  });

  it('a public message can be read by anyone', async () => {
    const { alice, bob } = await pair();
    const { message } = await alice.ask('public', { payload: hex('to all') });
    const read = { from: alice.identity, message, msgId: '1' };
    expect(await bob.ask('handle', read)).toMatchObject({ payload: hex('to all'), security: 'public' });
    expect((await bob.direct(alice, 'x'))['installations']).toEqual(['alice-1']);
  });

  it('out of order, and each once', async () => {
    const { alice, bob } = await pair();
    await alice.meet(bob);
    const sent: Answer[] = [];
    for (let i = 0; i < 20; i++) sent.push(await alice.direct(bob, `${i}`));
    for (const i of [3, 1, 19, 0, 2, 18, 10, 4, 5, 17, 16, 6, 15, 7, 14, 8, 13, 9, 12, 11]) {
      expect(await bob.read(alice, sent[i]?.['message'])).toBe(`${i}`);
    }
    for (const { message } of sent) expect(await bob.cannotRead(alice, message)).toBe('DUPLICATE_MESSAGE');
  });

  it('a duplicate is refused, confirmed or not, in every kind', async () => {
    const { alice, bob } = await pair();
    await alice.meet(bob);
    const messages = [
      await alice.direct(bob, 'dr'),
      await alice.ask('dh', { to: bob.identity, payload: hex('dh') }),
      await alice.ask('public', { payload: hex('public') }),
    ];
    for (const { message } of messages) {
      const request = { from: alice.identity, message, msgId: message };
      await bob.ask('handle', request);
      expect(await bob.refused('handle', request)).toBe('DUPLICATE_MESSAGE');
      await bob.ask('confirm', { msgId: message });
      expect(await bob.refused('confirm', { msgId: message })).toBe('NOT_FOUND');
      expect(await bob.refused('handle', request)).toBe('DUPLICATE_MESSAGE');
    }
  });

  it('the X3DH header is repeated until an answer comes', async () => {
    const { alice, bob } = await pair();
    await alice.meet(bob);
    const sent = [await alice.direct(bob, '0'), await alice.direct(bob, '1'), await alice.direct(bob, '2')];
    const headers = sent.map((answer) => entryOf(answer, 'bob-1')?.x3dhHeader?.key);
    expect(headers[0]).toHaveLength(33);
    expect(headers).toEqual([headers[0], headers[0], headers[0]]);
    // The first is lost; the second begins the session all the same.
    expect(await bob.read(alice, sent[1]?.['message'])).toBe('1');
    await bob.tell(alice, 'got it');
    expect(entryOf(await alice.tell(bob, '3'), 'bob-1')?.x3dhHeader).toBeUndefined();
    expect(await bob.read(alice, sent[2]?.['message'])).toBe('2');
  });

  it('both start at once and settle on one session', async () => {
    const { alice, bob } = await pair();
    await alice.meet(bob);
    await bob.meet(alice);
    const [fromAlice, fromBob] = [await alice.direct(bob, 'a'), await bob.direct(alice, 'b')];
    expect(await bob.read(alice, fromAlice['message'])).toBe('a');
    expect(await alice.read(bob, fromBob['message'])).toBe('b');
    await alice.tell(bob, 'a2');
    await bob.tell(alice, 'b2');
    const last = [await alice.tell(bob, 'a3'), await bob.tell(alice, 'b3'), await alice.tell(bob, 'a4')];
    const entries = last.map((answer, i) => entryOf(answer, i === 1 ? 'alice-1' : 'bob-1'));
    expect(entries.map((entry) => entry?.x3dhHeader)).toEqual([undefined, undefined, undefined]);
    expect(entries[1]?.drHeader?.id).toEqual(entries[0]?.drHeader?.id);
    expect(entries[2]?.drHeader?.key).not.toEqual(entries[0]?.drHeader?.key);
  });

  it('the prekey rotates after 48 h, with a message on its way', async () => {
    const { alice, bob } = await pair();
    await alice.meet(bob);
    const onItsWay = await alice.direct(bob, 'before');
    for (const { ask } of [alice, bob].map((speaker) => ({ ask: speaker.ask.bind(speaker) }))) {
      await ask('clock', { now: NOW + 48 * HOUR });
    }
    const preKeys = decodeBundle(decodeHex((await bob.ask('bundle'))['bundle'])).signedPreKeys;
    expect(preKeys.get('bob-1')?.version).toBe(2);
    expect((await bob.ask('state'))['preKeyVersion']).toBe(2);
    expect(await bob.read(alice, onItsWay['message'])).toBe('before');
    await bob.tell(alice, 'after');
    await alice.tell(bob, 'and after');
    await alice.tell(bob, 'and again');
  });
});

describe('several devices', () => {
  it('own devices: paired with enable, copies of what is sent, no more after disable', async () => {
    const { peer, alice, bob } = await pair();
    const phone = await Speaker.open(peer, 'alice-2', { key: alice.key });
    expect(phone.identity).toBe(alice.identity);
    expect(await alice.refused('enable', { install: 'alice-2' })).toBe('NOT_FOUND');
    await alice.meet(phone);
    await phone.meet(alice);
    const known = async (enabled: boolean) =>
      expect((await alice.ask('devices', { of: alice.identity }))['devices']).toEqual([
        { id: 'alice-2', enabled, version: 1 },
      ]);
    await known(false);
    await alice.meet(bob);
    expect((await alice.direct(bob, 'alone'))['own']).toBe('');

    await alice.ask('enable', { install: 'alice-2' });
    await phone.ask('enable', { install: 'alice-1' });
    await known(true);
    const sent = await alice.direct(bob, 'shared');
    expect(await bob.read(alice, sent['message'])).toBe('shared');
    expect(await phone.read(alice, sent['own'])).toBe('shared');
    expect(await phone.cannotRead(alice, sent['message'])).toBe('DEVICE_NOT_ADDRESSED');
    const fallback = await alice.ask('dh', { to: bob.identity, payload: hex('also') });
    expect(await phone.read(alice, fallback['own'])).toBe('also');
    expect((await alice.ask('dh', { to: bob.identity, payload: '' }))['own']).toBe('');

    // Bob has learned of the phone from the bundle that came with the message.
    const answer = await bob.direct(alice, 'for both');
    expect(answer['installations'].toSorted()).toEqual(['alice-1', 'alice-2']);
    expect(answer['sharedSecret']).toBe('');
    for (const device of [alice, phone]) expect(await device.read(bob, answer['message'])).toBe('for both');
    expect((await phone.tell(bob, 'from the phone'))['own']).not.toBe('');
    expect((await bob.direct(alice, 'x'))['sharedSecret']).not.toBe('');

    // To ourselves there is no second copy.
    const note = await alice.direct(phone, 'note to self');
    expect(note).toMatchObject({ own: '', installations: ['alice-2'] });
    expect(await phone.read(alice, note['message'])).toBe('note to self');

    await alice.ask('disable', { install: 'alice-2' });
    await known(false);
    const last = await alice.direct(bob, 'alone again');
    expect(last['own']).toBe('');
    await bob.read(alice, last['message']);
  });

  it('three parties, each with its own sessions', async () => {
    const { peer, alice, bob } = await pair();
    const carol = await Speaker.open(peer, 'carol-1');
    const all = [alice, bob, carol];
    for (const one of all) for (const other of all) if (one !== other) await one.meet(other);
    for (let round = 0; round < 3; round++) {
      for (const one of all) for (const other of all) if (one !== other) await one.tell(other, `${round}`);
    }
    const { message } = await alice.direct(bob, 'not for carol');
    expect(await carol.cannotRead(alice, message)).toBe('DEVICE_NOT_ADDRESSED');
    expect(await bob.cannotRead(carol, message)).not.toBe('INTERNAL');
    expect(await bob.read(alice, message)).toBe('not for carol');
  });

  it('an unknown device: an error, then an empty dh message brings it in', async () => {
    const { peer, alice, bob } = await pair();
    await alice.meet(bob);
    await alice.tell(bob, 'hello');
    await bob.tell(alice, 'hi');
    // Bob has a new machine, and no longer the old one.
    const laptop = await Speaker.open(peer, 'bob-2', { key: bob.key });
    const { message } = await alice.direct(bob, 'for the old one');
    const before = await laptop.ask('state');
    expect(await laptop.cannotRead(alice, message)).toBe('DEVICE_NOT_ADDRESSED');
    expect(await laptop.ask('state')).toEqual({ ...before, id: expect.any(Number) });
    expect((await laptop.ask('devices', { of: alice.identity }))['devices']).toEqual([]);
    const hint = await laptop.ask('dh', { to: alice.identity, payload: '' });
    const read = await alice.ask('handle', { from: bob.identity, message: hint['message'], msgId: 'hint' });
    expect(read).toMatchObject({ payload: '', security: 'dh' });
    const sent = await alice.direct(bob, 'for both');
    expect(sent['installations'].toSorted()).toEqual(['bob-1', 'bob-2']);
    expect(await laptop.read(alice, sent['message'])).toBe('for both');
  });

  it('a device that lost its store: SESSION_NOT_FOUND, then an empty dh message begins anew', async () => {
    const { peer, alice, bob } = await pair();
    await alice.meet(bob);
    await alice.tell(bob, 'hello');
    await bob.tell(alice, 'hi');
    await bob.ask('close');
    const again = await Speaker.open(peer, 'bob-1', { key: bob.key, now: NOW + HOUR });
    const { message } = await alice.direct(bob, 'lost');
    expect(await again.cannotRead(alice, message)).toBe('SESSION_NOT_FOUND');
    const hint = await again.ask('dh', { to: alice.identity, payload: '' });
    await alice.ask('clock', { now: NOW + HOUR });
    expect(await alice.read(bob, hint['message'])).toBe('');
    expect(await again.read(alice, (await alice.direct(bob, 'found'))['message'])).toBe('found');
  });
});

describe('a durable store', () => {
  it.each(['close and open', 'end and start', 'kill -9 and start'])(
    'goes on where it stopped: %s',
    async (how) => {
      const db = join(temporaryDirectory(), 'bob');
      const peer = new PeerProcess();
      const alice = await Speaker.open(peer, 'alice-1');
      let home = new PeerProcess();
      let bob = await Speaker.open(home, 'bob-1', { db });
      await alice.meet(bob);
      await alice.tell(bob, 'confirmed before');
      await bob.tell(alice, 'answer');
      const unconfirmed = await alice.direct(bob, 'not confirmed');
      const request = { from: alice.identity, message: unconfirmed['message'], msgId: 'first name' };
      const given = await bob.ask('handle', request);
      const late = await alice.direct(bob, 'late');

      if (how === 'close and open') await bob.ask('close');
      else {
        if (how === 'end and start') expect(await home.end()).toBe(0);
        else await home.kill();
        home = new PeerProcess();
      }
      const { identity, key } = bob;
      bob = await Speaker.open(home, 'bob-1', { db });
      expect([bob.identity, bob.key]).toEqual([identity, key]);
      expect((await bob.ask('state'))['unconfirmed']).toBe(1);

      const again = await bob.ask('handle', { ...request, msgId: 'second name' });
      expect([again['payload'], again['security']]).toEqual([given['payload'], given['security']]);
      expect(await bob.refused('handle', request)).toBe('DUPLICATE_MESSAGE');
      expect(await bob.refused('confirm', { msgId: 'first name' })).toBe('NOT_FOUND');
      await bob.ask('confirm', { msgId: 'second name' });
      expect((await bob.ask('state'))['unconfirmed']).toBe(0);
      expect(await bob.read(alice, late['message'])).toBe('late');
      await bob.tell(alice, 'still here');
      await alice.tell(bob, 'fine');

      await bob.ask('close');
      bob = await Speaker.open(home, 'bob-1', { db });
      expect(await bob.refused('handle', request)).toBe('DUPLICATE_MESSAGE');
    },
  );

  it('an entry of an earlier run can be confirmed without reading it again', async () => {
    const db = join(temporaryDirectory(), 'bob');
    const peer = new PeerProcess();
    const alice = await Speaker.open(peer, 'alice-1');
    let bob = await Speaker.open(peer, 'bob-1', { db });
    await alice.meet(bob);
    const { message } = await alice.direct(bob, 'x');
    await bob.ask('handle', { from: alice.identity, message, msgId: 'x' });
    await bob.ask('close');
    bob = await Speaker.open(peer, 'bob-1', { db });
    await bob.ask('confirm', { msgId: 'x' });
    expect(await bob.cannotRead(alice, message)).toBe('DUPLICATE_MESSAGE');
  });

  it('belongs to one key and one installation', async () => {
    const folder = temporaryDirectory();
    const peer = new PeerProcess();
    const bob = await Speaker.open(peer, 'bob-1', { db: join(folder, 'bob') });
    const open = { install: 'bob-1', db: join(folder, 'bob') };
    expect(await peer.refused('bob-1', 'open', { install: 'bob-1' })).toBe('INVALID_ARGUMENT');
    expect(await peer.refused('other', 'open', open)).toBe('STORE_LOCKED');
    await bob.ask('close');
    expect(await bob.refused('state')).toBe('NOT_FOUND');
    const refused = (fields: object) => peer.refused('bob-1', 'open', { ...open, ...fields });
    expect(await refused({ key: '11'.repeat(32) })).toBe('INVALID_ARGUMENT');
    expect(await refused({ install: 'bob-2' })).toBe('INVALID_ARGUMENT');
    const again = await Speaker.open(peer, 'bob-1', { db: open.db, key: bob.key });
    expect(again.identity).toBe(bob.identity);
  });

  it('that was made by something else is refused', async () => {
    const path = join(temporaryDirectory(), 'strange');
    const store = await createLevelDbStore({ path });
    await store.commit([{ type: 'put', key: 'something', value: new Uint8Array(1) }]);
    await store.close();
    const peer = new PeerProcess();
    expect(await peer.refused('bob', 'open', { install: 'bob', db: path })).toBe('INVALID_ARGUMENT');
  });
});

describe('hostile lines', () => {
  const lines: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['nothing', '', 'MALFORMED_MESSAGE'],
    ['no JSON', 'hello', 'MALFORMED_MESSAGE'],
    ['half of JSON', '{"id":1', 'MALFORMED_MESSAGE'],
    ['null', 'null', 'MALFORMED_MESSAGE'],
    ['a list', '[{"id":1}]', 'MALFORMED_MESSAGE'],
    ['a text', '"open"', 'MALFORMED_MESSAGE'],
    ['no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 'MALFORMED_MESSAGE'],
    ['deep nesting', '['.repeat(1_000_000), 'MALFORMED_MESSAGE'],
    ['no id', '{"cmd":"state","device":"bob-1"}', 'INVALID_ARGUMENT'],
    ['an id that is no number', '{"id":"1","cmd":"state","device":"bob-1"}', 'INVALID_ARGUMENT'],
    ['an id beyond numbers', '{"id":1e999,"cmd":"state","device":"bob-1"}', 'INVALID_ARGUMENT'],
    ['__proto__', '{"__proto__":{"id":1,"cmd":"state","device":"bob-1"}}', 'INVALID_ARGUMENT'],
  ];

  it('are answered with an error, and the next one is answered as ever', async () => {
    const peer = new PeerProcess();
    const bob = await Speaker.open(peer, 'bob-1');
    for (const [what, line, code] of lines) {
      peer.write(line);
      peer.write('\n');
      const { id, error } = JSON.parse(await peer.line());
      expect([what, id, error.split(':')[0]]).toEqual([what, null, code]);
      expect((await bob.ask('state'))['install']).toBe('bob-1');
    }
  });

  it('a line beyond 64 MiB', async () => {
    const peer = new PeerProcess();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (let i = 0; i < 65; i++) peer.write(chunk);
    peer.write('\n');
    expect(JSON.parse(await peer.line())).toEqual({
      id: null,
      error: expect.stringMatching('^LIMIT_EXCEEDED: '),
    });
    await Speaker.open(peer, 'bob-1');
  });

  it('fields that are missing or wrong', async () => {
    const { peer, alice, bob } = await pair();
    await alice.meet(bob);
    const { message } = await alice.direct(bob, 'x');
    const from = alice.identity;
    const to = alice.identity;
    const state = await bob.ask('state');
    const requests: readonly (readonly [string, object, string])[] = [
      ['', {}, 'INVALID_ARGUMENT'],
      ['toString', {}, 'INVALID_ARGUMENT'],
      ['__proto__', {}, 'INVALID_ARGUMENT'],
      ['clock', {}, 'INVALID_ARGUMENT'],
      ['clock', { now: '1' }, 'INVALID_ARGUMENT'],
      ['clock', { now: -1 }, 'INVALID_ARGUMENT'],
      ['clock', { now: 1e300 }, 'INVALID_ARGUMENT'],
      ['processBundle', {}, 'INVALID_ARGUMENT'],
      ['processBundle', { payload: '' }, 'BUNDLE_SIGNATURE_INVALID'],
      ['processBundle', { payload: 'ff' }, 'MALFORMED_MESSAGE'],
      ['direct', { to }, 'INVALID_ARGUMENT'],
      ['direct', { payload: '00' }, 'INVALID_ARGUMENT'],
      ['direct', { to, payload: 7 }, 'INVALID_ARGUMENT'],
      ['direct', { to, payload: '0' }, 'INVALID_TEXT'],
      ['direct', { to, payload: 'xy' }, 'INVALID_TEXT'],
      ['direct', { to: '', payload: '00' }, 'INVALID_PUBLIC_KEY'],
      ['direct', { to: '05'.repeat(33), payload: '00' }, 'INVALID_PUBLIC_KEY'],
      ['dh', { to: `02${'ff'.repeat(32)}`, payload: '00' }, 'INVALID_PUBLIC_KEY'],
      ['public', {}, 'INVALID_ARGUMENT'],
      ['public', { payload: null }, 'INVALID_ARGUMENT'],
      ['handle', { from, message }, 'INVALID_ARGUMENT'],
      ['handle', { from, msgId: '1' }, 'INVALID_ARGUMENT'],
      ['handle', { message, msgId: '1' }, 'INVALID_ARGUMENT'],
      ['handle', { from, message, msgId: 1 }, 'INVALID_ARGUMENT'],
      ['handle', { from, message: `${message}ff`, msgId: '1' }, 'MALFORMED_MESSAGE'],
      ['confirm', {}, 'INVALID_ARGUMENT'],
      ['confirm', { msgId: 'nobody' }, 'NOT_FOUND'],
      ['enable', {}, 'INVALID_ARGUMENT'],
      ['enable', { install: 'bob-1' }, 'NOT_FOUND'],
      ['disable', { install: '' }, 'NOT_FOUND'],
      ['devices', {}, 'INVALID_ARGUMENT'],
      ['devices', { of: 'zz' }, 'INVALID_TEXT'],
    ];
    for (const [cmd, fields, code] of requests) {
      expect([cmd, fields, await bob.refused(cmd, fields)]).toEqual([cmd, fields, code]);
    }
    const opens: readonly (readonly [object, string])[] = [
      [{}, 'INVALID_ARGUMENT'],
      [{ install: '' }, 'INVALID_TEXT'],
      [{ install: 'none' }, 'INVALID_TEXT'],
      [{ install: 'x'.repeat(1_000_000) }, 'INVALID_TEXT'],
      [{ install: 'x', key: '00' }, 'INVALID_LENGTH'],
      [{ install: 'x', key: '00'.repeat(32) }, 'INVALID_PRIVATE_KEY'],
      [{ install: 'x', now: 'today' }, 'INVALID_ARGUMENT'],
      [{ install: 'x', db: 7 }, 'INVALID_ARGUMENT'],
      [{ install: 'x', db: '/\0' }, 'INVALID_ARGUMENT'],
    ];
    for (const [fields, code] of opens) {
      expect([fields, await peer.refused('new', 'open', fields)]).toEqual([fields, code]);
    }
    expect(await peer.refused('nobody', 'state')).toBe('NOT_FOUND');
    expect({ ...(await bob.ask('state')), id: 0 }).toEqual({ ...state, id: 0 });
    // Nothing of this has hurt the session.
    expect(await bob.read(alice, message)).toBe('x');
  });

  it('a forged or damaged message changes nothing', async () => {
    const { alice, bob } = await pair();
    await alice.meet(bob);
    const { message } = await alice.direct(bob, 'x');
    const damaged = Buffer.from(message, 'hex');
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    expect(await bob.cannotRead(alice, damaged.toString('hex'))).toBe('AUTHENTICATION_FAILED');
    expect((await bob.ask('devices', { of: alice.identity }))['devices']).toEqual([]);
    expect(await bob.read(alice, message)).toBe('x');
  });

  it('many requests at once are answered in order, the last without an end of line', async () => {
    const peer = new PeerProcess();
    await Speaker.open(peer, 'bob-1');
    const request = (id: number) => JSON.stringify({ id, cmd: 'public', device: 'bob-1', payload: '00' });
    peer.write(Array.from({ length: 200 }, (_, i) => request(i)).join('\r\n'));
    const exit = peer.end();
    for (let i = 0; i < 200; i++) expect(JSON.parse(await peer.line())).toMatchObject({ id: i });
    expect(await exit).toBe(0);
    expect(peer.stderr).toBe('');
  });
});
