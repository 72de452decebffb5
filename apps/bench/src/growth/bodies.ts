import { randomFillSync } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startConversation } from '../whole/conversation.js';
import type { Extent, Growth } from './curve.js';
import { Notebook } from './notebook.js';
import { each, timed } from './stopwatch.js';

const STORES = { LevelDB: 'leveldb-no-fsync', SQLite: 'sqlite-no-fsync' } as const;
const KIB = 1024;
/** The largest is what fits, with all overhead, into 1 MiB, the largest envelope that deployed nodes accept. */
const SIZES = [64, KIB, 64 * KIB, 1020 * KIB];
const MESSAGES = 16;

const along = 'bytes of the body';
const CURVES = {
  message: { id: 'bodies-message', title: 'Whole message: sent, sealed, opened, acknowledged, µs', along },
} as const;

/** Cost of a whole message by its size. */
export async function measureBodies(_crypto: unknown, extent: Extent): Promise<Growth> {
  const { rounds, short, folder, onProgress } = extent;
  // The largest as well, which is near the limits.
  const sizes = short ? [SIZES[0] as number, SIZES.at(-1) as number] : SIZES;
  const messages = short ? 2 : MESSAGES;
  const notebook = new Notebook();
  for (const [title, store] of Object.entries(STORES)) {
    const stores = join(folder, `bodies-${title}`);
    await mkdir(stores);
    const conversation = await startConversation({ provider: 'accelerated', store, minimumPow: 0 }, stores);
    const { alice, bob, bring } = conversation;
    // The first round is a warm-up.
    for (let round = 0; round <= rounds; round++) {
      for (const size of sizes) {
        onProgress(`bodies, ${title}: ${size} bytes, round ${round} of ${rounds}`);
        const payload = randomFillSync(new Uint8Array(size));
        const spent = await timed(async () => {
          for (let i = 0; i < messages; i++) await bring(alice, bob, payload);
          await alice.flushed();
        });
        if (round > 0) notebook.note(CURVES.message, title, size, each(spent, messages));
      }
    }
    await Promise.all([alice.close(), bob.close()]);
  }
  return { curves: notebook.curves(), aims: [] };
}
