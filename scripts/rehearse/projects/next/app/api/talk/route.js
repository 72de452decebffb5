import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { talk } from '../../../talk.mjs';

export const dynamic = 'force-dynamic';

export async function GET() {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-next-'));
  try {
    const paths = ['alice', 'bob'].map((name) => join(folder, name));
    const stores = await Promise.all(paths.map((path) => createLevelDbStore({ path })));
    await talk({ stores });
    return new Response('in the route handler a message, LevelDB');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
