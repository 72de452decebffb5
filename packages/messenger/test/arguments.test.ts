import { encodeHex } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { refusedArgument } from '@sotto/testing/refused-argument';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { createMessenger } from '../src/index.js';
import { newParty } from './party.js';
import { manualClock } from './support.js';
import { crypto, START } from './world.js';

const identity = crypto.secp256k1.generateKeyPair();
const right = () => ({
  identity,
  store: createMemoryStore(),
  transport: createMemoryNetwork().transport(),
  crypto,
  clock: manualClock(START),
});

describe('wrong arguments of plain JavaScript are refused by name', () => {
  it.each([
    ['options', undefined],
    ['identity', { identity: encodeHex(identity.publicKey) }],
    ['identity', { identity: identity.privateKey }],
    ['identity', { identity: {} }],
    ['identity.publicKey', { identity: { publicKey: 'x', privateKey: identity.privateKey } }],
    ['store', { store: undefined }],
    ['store', { store: Promise.resolve(createMemoryStore()) }],
    ['store', { store: '/a/path' }],
    ['transport', { transport: undefined }],
    ['transport', { transport: 'ws://localhost' }],
    ['crypto', { crypto: globalThis.crypto }],
    ['clock', { clock: Date }],
    ['logger', { logger: () => {} }],
    ['limits', { limits: 3 }],
    ['directory', { directories: [{ find: () => [] }] }],
    ['names', { names: new Map() }],
    ['installationId', { installationId: 7 }],
  ] as const)('createMessenger: %s', async (what, change) => {
    const options = change === undefined ? undefined : { ...right(), ...change };
    expect(await refusedArgument(() => createMessenger(options as never))).toBe(what);
  });

  it('of a messenger: payloads, events, listeners', async () => {
    const { messenger } = await newParty(createMemoryNetwork(), 'alice-1', { start: false });
    const { identity: own } = messenger;
    for (const send of [
      () => messenger.send(own, 'hello' as never),
      () => messenger.send(own, [1, 2] as never),
      () => messenger.send({ kind: 'public', name: 'cats' }, 'hello' as never),
      () => messenger.send({ kind: 'group', groupId: 'x' }, undefined as never),
    ]) {
      expect(await refusedArgument(send)).toBe('payload');
    }
    for (const to of [{ kind: 'person' }, {}, undefined, null, encodeHex(own)]) {
      expect(await refusedArgument(() => messenger.send(to as never, new Uint8Array(1)))).toBe(
        'conversation',
      );
    }
    for (const who of ['alice.eth', undefined, {}, { kind: 'group' }]) {
      expect(await refusedArgument(() => messenger.contacts.lookUp(who as never))).toBe('recipient');
    }
    expect(await refusedArgument(() => messenger.on('mesage' as never, () => {}))).toBe('name of an event');
    expect(await refusedArgument(() => messenger.on('toString' as never, () => {}))).toBe('name of an event');
    expect(await refusedArgument(() => messenger.on('message', 'x' as never))).toBe('listener');
  });
});
