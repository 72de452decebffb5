import { join } from 'node:path';
import { Crowd } from './crowd.js';
import type { Extent, Growth } from './curve.js';
import { Notebook } from './notebook.js';
import type { Providers } from './providers.js';
import { inMilliseconds } from './stopwatch.js';

/** Members other than ourselves. */
const SIZES = [16, 100, 999];
const SHORT_SIZES = [2, 10];
/** Messages in each measurement, so that the time is measurable. */
const MESSAGES = 256;
const SHORT_MESSAGES = 2;

const along = 'members';
const CURVES = {
  send: { id: 'sender-keys-send', title: 'Send 1 KiB to a group under a sender key, µs', along },
  ratio: { id: 'sender-keys-ratio', title: 'A message under a sender key, to a single send', along },
  first: { id: 'sender-keys-first', title: 'The first message under a sender key, ms', along },
  memory: {
    id: 'sender-keys-memory',
    title: 'Most memory held while sending under a sender key, KiB',
    along,
  },
  removal: { id: 'sender-keys-removal', title: 'Remove a member, and replace the sender key, ms', along },
} as const;

/** Cost of messages to groups under sender keys, and of replacing one. */
export async function measureSenderKeys(providers: Providers, extent: Extent): Promise<Growth> {
  const sizes = extent.short ? SHORT_SIZES : SIZES;
  const messages = extent.short ? SHORT_MESSAGES : MESSAGES;
  const kinds = ['LevelDB', 'SQLite'] as const;
  const notebook = new Notebook();
  for (const kind of kinds) {
    const path = join(extent.folder, `sender-keys-${kind}`);
    extent.onProgress(`sender keys, ${kind}: meeting people`);
    const crowd = await Crowd.gather(providers.accelerated, {
      kind,
      path,
      sizes,
      devices: 1,
      senderKeys: true,
    });
    for (let round = 0; round <= extent.rounds; round++) {
      for (const size of sizes) {
        extent.onProgress(`sender keys, ${kind}: ${size} members, round ${round} of ${extent.rounds}`);
        const removal = await crowd.timeRemoval(size);
        const first = await crowd.timeWhole(size, 1);
        const whole = await crowd.timeWhole(size, messages);
        const single = await crowd.timeSingles(1, messages);
        // The first round is a warm-up, and the first removal replaces nothing.
        if (round === 0) continue;
        notebook.note(CURVES.send, kind, size, whole);
        notebook.note(CURVES.ratio, kind, size, whole.processor / single.processor);
        notebook.note(CURVES.first, kind, size, inMilliseconds(first));
        notebook.note(CURVES.removal, kind, size, inMilliseconds(removal));
        notebook.note(CURVES.memory, kind, size, Math.max(0, await crowd.mostMemory(size)) / 1024);
      }
    }
    await crowd.close();
  }
  const largest = sizes.at(-1) as number;
  const medians = (curve: string) =>
    kinds.map((kind) => [kind, notebook.median({ curve, line: kind, at: largest })] as const);
  return {
    curves: notebook.curves(),
    aims: [
      {
        what: `a message under a sender key to ${largest} members, to a single send`,
        most: 3,
        unit: 'x',
        values: medians(CURVES.ratio.id),
      },
      {
        what: `removing one of ${largest} members`,
        most: 1_500,
        unit: ' ms',
        values: medians(CURVES.removal.id),
      },
    ],
  };
}
