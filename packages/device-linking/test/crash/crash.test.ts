import { join } from 'node:path';
import type { KeyPair, Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { readAccount, writeAccount } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { bundlePath } from '@sotto/testing/bundle';
import { temporaryDirectory } from '@sotto/testing/files';
import { liveOnce } from '@sotto/testing/kills';
import { repetitions } from '@sotto/testing/long';
import { countRecords } from '@sotto/testing/stores';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { handOverAccount, receiveAccount } from '../../src/index.js';
import { hurried } from './hurried.js';
import { openStore } from './stores.js';

/** Linkings on each store; more with SOTTO_CRASH_KILLS, before a release. */
const LINKINGS = Number(process.env['SOTTO_CRASH_KILLS'] ?? repetitions(1, 3));
const SIDE = bundlePath(join(import.meta.dirname, '../..'), 'test/crash/side.mjs');
const KINDS = ['leveldb', 'sqlite'] as const;
/** Lives after which a side is left alone, so that each linking ends. */
const KILLS_A_LINKING = repetitions(2, 4);
/** About how many commits and milliseconds a side takes. */
const DEATH = { commits: 14, ms: 400 };
const HISTORY = 120;

const crypto = defaultProvider();

async function fill(store: Store, identity: KeyPair): Promise<void> {
  await writeAccount(store, identity, crypto);
  await store.commit(
    Array.from({ length: HISTORY }, (_, i) => ({
      type: 'put' as const,
      key: `app/history/${i}`,
      value: new Uint8Array(4_000).fill(i),
    })),
  );
}

/** One side in processes, killed some times and then left alone. @returns the number of kills */
async function liveOn(
  network: MemoryNetwork,
  argument: { readonly side: 'new' | 'old'; readonly code?: string; readonly [name: string]: unknown },
  onCode: (code: string) => void = () => {},
): Promise<number> {
  let kills = 0;
  const live = (death: typeof DEATH | undefined) =>
    liveOnce({
      program: SIDE,
      argument,
      death,
      network,
      onMessage: (message) => {
        if (message.type === 'code') onCode((message as unknown as { readonly text: string }).text);
      },
    });
  for (let i = 0; i < KILLS_A_LINKING; i++) {
    if (await live(DEATH)) return kills;
    kills++;
  }
  expect(await live(undefined)).toBe(true);
  return kills;
}

/** The account has moved as a whole, and nothing of the linking is left but the result on the old device. */
async function expectWhole(
  account: Store,
  links: { readonly new: Store; readonly old: Store },
  identity: KeyPair,
): Promise<void> {
  expect((await readAccount(account, crypto))?.publicKey).toEqual(identity.publicKey);
  expect(await countRecords(account, 'app/history')).toBe(HISTORY);
  expect(await countRecords(links.new)).toBe(0);
  expect(await countRecords(links.old)).toBe(1);
}

describe('a linking whose process is killed over and over', () => {
  it.each(KINDS)(
    'as the new device: it gets the whole account in the end, on %s',
    async (kind) => {
      let kills = 0;
      for (let i = 0; i < LINKINGS; i++) {
        const network = createMemoryNetwork();
        const directory = temporaryDirectory();
        const identity = crypto.secp256k1.generateKeyPair();
        const [oldAccount, oldLink] = [createMemoryStore(), createMemoryStore()];
        await fill(oldAccount, identity);
        let handedOver: Promise<unknown> | undefined;
        kills += await liveOn(network, { side: 'new', kind, directory, installationId: 'new-1' }, (code) => {
          handedOver ??= handOverAccount({
            linkStore: oldLink,
            transport: network.transport(),
            crypto,
            clock: hurried,
            deviceName: 'old',
            account: { store: oldAccount, identity, installationId: 'old-1' },
            code,
            confirm: () => true,
          });
        });
        expect(await handedOver).toMatchObject({ installationId: 'new-1', name: 'new' });
        const [account, link] = [
          await openStore(kind, directory, 'account'),
          await openStore(kind, directory, 'link'),
        ];
        await expectWhole(account, { new: link, old: oldLink }, identity);
        await account.close();
        await link.close();
      }
      process.stdout.write(`crash: ${kills} kills as the new device on ${kind}\n`);
    },
    3_600_000,
  );

  it.each(KINDS)(
    'as the old device: the new one gets the whole account in the end, on %s',
    async (kind) => {
      let kills = 0;
      for (let i = 0; i < LINKINGS; i++) {
        const network = createMemoryNetwork();
        const directory = temporaryDirectory();
        const identity = crypto.secp256k1.generateKeyPair();
        const old = await openStore(kind, directory, 'account');
        await fill(old, identity);
        await old.close();
        const [account, link] = [createMemoryStore(), createMemoryStore()];
        let show: (code: string) => void = () => {};
        const shown = new Promise<string>((resolve) => {
          show = resolve;
        });
        const received = receiveAccount({
          linkStore: link,
          accountStore: account,
          transport: network.transport(),
          crypto,
          clock: hurried,
          deviceName: 'new',
          onCode: show,
          confirm: () => true,
        }).then((device) => device.finish('new-1'));
        const code = await shown;
        kills += await liveOn(network, { side: 'old', kind, directory, code, installationId: 'old-1' });
        await received;
        const oldLink = await openStore(kind, directory, 'link');
        await expectWhole(account, { new: link, old: oldLink }, identity);
        await oldLink.close();
      }
      process.stdout.write(`crash: ${kills} kills as the old device on ${kind}\n`);
    },
    3_600_000,
  );
});
