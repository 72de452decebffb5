// A runtime with files: the stores named by the arguments have to work.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { checkRuntime } from './checks.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sotto-runtime-'));
let fixtures = 0;
const fixtureOf = (create) => () => {
  const path = join(folder, String(fixtures++));
  return { open: () => create({ path, durability: 'process-crash' }) };
};
const known = {
  LevelDB: { fixture: fixtureOf(createLevelDbStore) },
  SQLite: { fixture: fixtureOf(createSqliteStore) },
};
const stores = Object.fromEntries(process.argv.slice(2).map((name) => [name, known[name]]));
try {
  console.log(`did: ${await checkRuntime(process.env.RELAY_URL, stores)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
