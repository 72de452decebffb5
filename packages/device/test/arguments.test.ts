import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { refusedArgument } from '@sotto/testing/refused-argument';
import { describe, expect, it } from 'vitest';
import { defineTable, openDevice } from '../src/index.js';
import { checkDeviceOptions } from '../src/options.js';
import * as tables from '../src/storage/tables.js';
import { crypto, START } from './world.js';

const identity = crypto.secp256k1.generateKeyPair();
const right = () => ({ identity, store: createMemoryStore(), crypto, clock: manualClock(START) });

describe('wrong arguments of plain JavaScript are refused by name', () => {
  it.each([
    ['options', undefined],
    ['identity', { identity: {} }],
    ['store', { store: undefined }],
    ['store', { store: Promise.resolve(createMemoryStore()) }],
    ['crypto', { crypto: globalThis.crypto }],
    ['crypto', { crypto: undefined }],
    ['clock', { clock: Date }],
    ['clock', { clock: undefined }],
    ['limits', { limits: 3 }],
    ['hybrid', { hybrid: { begin() {} } }],
    ['sealedSender', { sealedSender: 'yes' }],
    ['installationId', { installationId: 7 }],
    ['onHookError', { onHookError: 7 }],
  ] as const)('openDevice: %s', async (what, change) => {
    const options = change === undefined ? undefined : { ...right(), ...change };
    expect(await refusedArgument(() => openDevice(options as never))).toBe(what);
  });

  it('what a messenger has defaults for may be missing', () => {
    expect(() => checkDeviceOptions({ identity, store: createMemoryStore() })).not.toThrow();
    for (const what of ['crypto', 'clock']) {
      expect(() => checkDeviceOptions({ ...right(), [what]: {} })).toThrow(
        expect.objectContaining({ details: expect.objectContaining({ what }) }),
      );
    }
  });

  it.each([
    ['a text', '00'.repeat(32)],
    ['bytes', new Uint8Array(32)],
  ])('openDevice: %s instead of an identity, with what is needed', async (_, identity) => {
    await expect(openDevice({ ...right(), identity: identity as never })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { what: 'identity', reason: expect.stringContaining('keyPairFromPrivateKey') },
    });
  });

  const own = Object.values(tables).map(({ name }) => name);
  it.each(['', 'Note', 'a/b', 'x'.repeat(33), 'app', 'received', ...own])(
    'defineTable: the name %j',
    async (name) => {
      const codec = { encode: (value: Uint8Array) => value, decode: (value: Uint8Array) => value };
      expect(await refusedArgument(() => defineTable({ name, ...codec }))).toBe('name of a table');
    },
  );
});
