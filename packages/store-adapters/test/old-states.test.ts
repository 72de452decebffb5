/**
 * Stores as released software wrote them, kept from the first schema on: every later version has to open them.
 *
 * After a new schema, `SOTTO_WRITE_FIXTURES=schema-2 npx vitest run test/old-states.test.ts` adds its own. What is
 * there already is never written again.
 */
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeUtf8, encodeUtf8, type Store } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { randomBytes } from '@sotto/testing/random';
import { describe, expect, it } from 'vitest';
import { createEncryptedStore } from '../src/encrypted.js';
import { createLevelDbStore } from '../src/leveldb.js';
import { createSqliteStore } from '../src/sqlite.js';

const fixtures = fileURLToPath(new URL('fixtures', import.meta.url));
const passphrase = 'the passphrase of the fixtures';

/** How each file or folder of a fixture is opened. */
const openers: Record<string, (path: string) => Promise<Store>> = {
  leveldb: (path) => createLevelDbStore({ path }),
  'plain.sqlite': (path) => createSqliteStore({ path }),
  'encrypted.sqlite': async (path) =>
    createEncryptedStore({
      store: await createSqliteStore({ path }),
      passphrase,
      randomBytes,
      passphraseCost: { memoryKiB: 64, passes: 1 },
    }),
};

/** What every fixture holds, in the order in which it was written: one commit each, the last one deletes. */
const history = [
  { 'session/peer/device': 'first', 'inbox/1': 'mail' },
  { 'session/peer/device': 'second', empty: '' },
  { long: 'x'.repeat(5000) },
];
const contents = ['empty=@2', `long=${'x'.repeat(5000)}@3`, 'session/peer/device=second@2'];

async function printed(store: Store): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value, revision } of store.list(''))
    found.push(`${key}=${decodeUtf8(value)}@${revision}`);
  return found;
}

async function write(name: string): Promise<void> {
  await mkdir(join(fixtures, name));
  for (const [file, open] of Object.entries(openers)) {
    const path = join(fixtures, name, file);
    let store = await open(path);
    for (const values of history) {
      const entries = Object.entries(values);
      await store.commit(entries.map(([key, text]) => ({ type: 'put', key, value: encodeUtf8(text) })));
    }
    await store.commit([{ type: 'delete', key: 'inbox/1' }]);
    await store.close();
    // Opened once more, so that LevelDB moves everything from its log, which isn't kept, to a table.
    store = await open(path);
    await store.close();
    for (const log of file === 'leveldb' ? await readdir(path) : []) {
      if (/^(LOG|LOCK)/.test(log) || log.endsWith('.log')) await rm(join(path, log));
    }
  }
}

const wanted = process.env['SOTTO_WRITE_FIXTURES'];
if (wanted) await write(wanted);

describe.each((await readdir(fixtures)).filter((name) => name.startsWith('schema-')))('%s', (schema) => {
  it.each(Object.keys(openers))('%s is read, and written on', async (file) => {
    const path = join(temporaryDirectory(), file);
    await cp(join(fixtures, schema, file), path, { recursive: true });
    const open = openers[file] as (path: string) => Promise<Store>;
    let store = await open(path);
    // The encrypted store makes a commit of its own before the first.
    const own = file.startsWith('encrypted') ? 1 : 0;
    const shifted = contents.map((text) =>
      text.replace(/\d+$/, (revision) => String(Number(revision) + own)),
    );
    expect(await printed(store)).toEqual(shifted);
    const last = (await store.get('session/peer/device'))?.revision as number;
    const revision = await store.commit([
      { type: 'put', key: 'session/peer/device', value: encodeUtf8('third'), expect: last },
    ]);
    // And another one whenever it is closed after changes.
    expect(revision).toBe(5 + 2 * own);
    await store.close();
    store = await open(path);
    expect((await printed(store)).at(-1)).toBe(`session/peer/device=third@${revision}`);
    await store.close();
  });
});
