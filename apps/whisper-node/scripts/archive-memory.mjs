// How much memory the archive of the built node takes with so many envelopes: node scripts/archive-memory.mjs --envelopes 1000000
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { silentLogger, systemClock } from '@sotto/core';
import { EnvelopeArchive } from '../dist/archive/envelope-archive.js';

const { values: options } = parseArgs({
  options: { envelopes: { type: 'string', multiple: true, default: ['100000', '1000000'] } },
});
const TOPICS = 5_000;
const BYTES = 500;
const TTL = 15;
const DAY = 86_400;
/** Added at once. */
const BATCH = 5_000;
/** Histories asked for, of one topic each. */
const QUERIES = 100;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

/** Megabytes on the collected heap, buffers included, and of the process. */
async function memory() {
  for (let turn = 0; turn < 4; turn++) {
    await nextTurn();
    collect();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: (heapUsed + external) / 1e6, rss: rss / 1e6 };
}

const topics = Array.from({ length: TOPICS }, () => new Uint8Array(randomBytes(4)));

/** Adds envelopes that were sealed within a day, in order. */
async function fill(archive, clock, count) {
  const begin = Math.floor(clock.now() / 1000) + 1;
  for (let from = 0; from < count; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => {
      const bytes = new Uint8Array(randomBytes(BYTES));
      const expiry = begin + Math.floor(((from + i) / count) * (DAY - 60)) + TTL;
      const envelope = { expiry, ttl: TTL, topic: topics[(from + i) % TOPICS], data: bytes, nonce: 0n };
      return { envelope, bytes, hash: createHash('sha256').update(bytes).digest('hex') };
    });
    await Promise.all(batch.map((pooled) => archive.add(pooled)));
  }
  return begin;
}

async function measure(count) {
  const path = await mkdtemp(join(tmpdir(), 'sotto-archive-'));
  const start = Date.now() - DAY * 1000;
  const clock = { now: () => start, after: (ms, run) => systemClock.after(ms, run) };
  const limits = { maxAge: 30 * DAY, maxBytes: 2 ** 40, maxWaiting: 2 * BATCH };
  const open = () => EnvelopeArchive.open({ path, limits, clock, logger: silentLogger });
  const before = await memory();
  const note = async (when) => {
    const { used, rss } = await memory();
    const held = (used - before.used).toFixed(2);
    process.stdout.write(`| ${count} | ${when} | ${held} | ${Math.round(rss)} |\n`);
  };
  try {
    let archive = await open();
    const begin = await fill(archive, clock, count);
    if (archive.count !== count) throw new Error(`${archive.count} of ${count} envelopes were archived`);
    await note('written');
    await archive.close();
    archive = await open();
    await note('opened again');
    let found = 0;
    for (const topic of topics.slice(0, QUERIES)) {
      const query = { topics: [topic], from: begin, to: begin + DAY, limit: 1_000, cursor: new Uint8Array() };
      found += (await archive.byTopics(query)).envelopes.length;
    }
    await note(`asked for ${QUERIES} histories, ${found} envelopes`);
    await archive.close();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

process.stdout.write('| Envelopes | When | Held, MB | RSS, MB |\n| --- | --- | --- | --- |\n');
for (const count of options.envelopes.map(Number)) await measure(count);
