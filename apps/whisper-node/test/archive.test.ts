import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rename, truncate, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeHex, silentLogger, systemClock } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { temporaryDirectory } from '@sotto/testing/files';
import { EnvelopePool, type PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { TOTALS_KEY } from '../src/archive/archive-key.js';
import { EnvelopeArchive } from '../src/archive/envelope-archive.js';
import { createLevel } from '../src/archive/level.js';
import { salvage } from '../src/archive/salvage.js';
import { sealEnvelope } from './envelopes.js';
import { type NodeProcess, startNode } from './node-process.js';
import { relayClient } from './relay-client.js';

const crypto = defaultProvider();
const topic = Uint8Array.of(1, 2, 3, 4);
const DAY = 86_400_000;

const folder = temporaryDirectory(afterAll);
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function newNode(...flags: string[]) {
  const node = await startNode(['--relay-rate', '10000', '--min-pow', '0', ...flags]);
  closers.push(() => node.close());
  return node;
}

async function clientOf(node: NodeProcess) {
  const client = await relayClient(node.relay);
  closers.push(() => client.socket.terminate());
  return client;
}

const hexes = (envelopes: readonly Uint8Array[]) => envelopes.map(encodeHex).sort();

/** Publishes new envelopes; answers those that were taken. */
async function publish(client: Awaited<ReturnType<typeof clientOf>>, count: number, size = 500) {
  const taken: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const envelope = await sealEnvelope({ topic, size, idle: true });
    if ((await client.publish(envelope)).kind === 'done') taken.push(envelope);
  }
  return taken;
}

describe('pruning', () => {
  /** Goes on as ever, at a time that can be moved; what would run in a minute or later runs when it is told to. */
  function steeredClock() {
    let ahead = 0;
    const later = new Set<() => void>();
    return {
      now: () => systemClock.now() + ahead,
      after(milliseconds: number, run: () => void) {
        if (milliseconds < 60_000) return systemClock.after(milliseconds, run);
        later.add(run);
        return () => later.delete(run);
      },
      /** So many minutes, each when what is to run in it waits. */
      async minutes(count: number) {
        for (let minute = 0; minute < count; minute++) {
          while (later.size === 0) await new Promise((resolve) => setTimeout(resolve, 0));
          this.advance(60_000);
        }
      },
      advance(milliseconds: number) {
        ahead += milliseconds;
        for (const run of [...later]) {
          later.delete(run);
          run();
        }
      },
    };
  }

  const everything = { topics: [topic], from: 0, to: 2 ** 32 - 1, limit: 10_000, cursor: new Uint8Array(0) };
  const namesIn = async (archive: EnvelopeArchive) =>
    (await archive.byTopics(everything)).envelopes.map(({ hash }) => encodeHex(hash));

  async function open(limits: { maxAge?: number; maxBytes?: number }, clock = steeredClock()) {
    const archive = await EnvelopeArchive.open({
      path: await mkdtemp(join(folder, 'pruning-')),
      limits: { maxAge: 30 * 86_400, maxBytes: 1e9, maxWaiting: 10_000, maxWaitingBytes: 1e8, ...limits },
      clock,
      logger: silentLogger,
    });
    closers.push(() => archive.close());
    const pool = new EnvelopePool({ crypto, clock, policy: { minimumPow: 0 } });
    closers.push(() => pool.close());
    return {
      archive,
      clock,
      /** Archives new envelopes, of now. */
      async add(count: number, size = 500) {
        const added: PooledEnvelope[] = [];
        for (let i = 0; i < count; i++) {
          const expiry = Math.floor(clock.now() / 1000) + 15;
          const pooled = pool.add(await sealEnvelope({ topic, size, expiry, idle: true }));
          if (pooled !== undefined) added.push(pooled);
        }
        await Promise.all(added.map((pooled) => archive.add(pooled)));
        return added;
      },
    };
  }

  it('by age: what is older than so many days goes, and nothing else', async () => {
    const { archive, clock, add } = await open({ maxAge: 30 * 86_400 });
    const old = await add(20);
    clock.advance(20 * DAY);
    const recent = await add(20);
    clock.advance(5 * DAY);
    expect((await namesIn(archive)).length).toBe(40);
    clock.advance(6 * DAY);
    // Somebody else's time is the same.
    recent.push(...(await add(5)));
    const countAfterAMinute = () => {
      clock.advance(60_000);
      return archive.count;
    };
    await expect.poll(countAfterAMinute).toBe(25);
    expect((await namesIn(archive)).sort()).toEqual(recent.map(({ hash }) => hash).sort());
    expect(archive.bytes).toBe(recent.reduce((sum, { bytes }) => sum + bytes.length, 0));
    expect(old.length).toBe(20);
  });

  it('no more waits for the disk than may, by number and by bytes, and what was there before counts', async () => {
    const clock = steeredClock();
    const pool = new EnvelopePool({ crypto, clock, policy: { minimumPow: 0 } });
    closers.push(() => pool.close());
    const archive = await EnvelopeArchive.open({
      path: await mkdtemp(join(folder, 'waiting-')),
      limits: { maxAge: DAY, maxBytes: 1e9, maxWaiting: 20, maxWaitingBytes: 50_000 },
      clock,
      logger: silentLogger,
    });
    closers.push(() => archive.close());
    const pooled = async (count: number, size: number, ago = 0) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const expiry = Math.floor(clock.now() / 1000) + 15 - ago;
          return pool.add(await sealEnvelope({ topic, size, expiry, idle: true })) as PooledEnvelope;
        }),
      );
    const taken = async (envelopes: readonly PooledEnvelope[]) => {
      const results = await Promise.allSettled(envelopes.map((one) => archive.add(one)));
      return results.filter(({ status }) => status === 'fulfilled').length;
    };
    expect(await taken(await pooled(10, 20_000))).toBe(2);
    expect(await taken(await pooled(10, 20_000, 10))).toBe(2);
    expect(await taken([...(await pooled(30, 500)), ...(await pooled(30, 500, 10))])).toBe(20);
    expect(archive.waiting).toBe(0);
    expect(archive.count).toBe(24);
  });

  it('a clock that jumps ahead, or was ahead at the start, costs nothing; nor does one that is set back', async () => {
    const { archive, clock, add } = await open({ maxAge: 30 * 86_400 });
    await add(20);
    // Wrong from here on: nothing new comes in, as it would be of another time.
    clock.advance(100 * DAY);
    await clock.minutes(100);
    await add(0);
    expect(archive.count).toBe(20);
    clock.advance(-100 * DAY);
    await clock.minutes(100);
    expect(archive.count).toBe(20);
    const again = await add(1);
    expect((await namesIn(archive)).length).toBe(21);
    expect(again.length).toBe(1);
  });

  it('an archive whose envelopes are all old is emptied when the clock has been steady for a day', async () => {
    const { archive, clock, add } = await open({ maxAge: 30 * 86_400 });
    await add(20);
    clock.advance(100 * DAY);
    await clock.minutes(1_400);
    expect(archive.count).toBe(20);
    await clock.minutes(60);
    await expect.poll(() => archive.count).toBe(0);
  }, 60_000);

  it('by size: never more than so many bytes, and the oldest goes first', async () => {
    const clock = steeredClock();
    const { archive, add } = await open({ maxBytes: 100_000 }, clock);
    for (let round = 0; round < 10; round++) {
      clock.advance(60_000);
      await add(50);
      expect(archive.bytes).toBeLessThanOrEqual(100_000);
    }
    clock.advance(60_000);
    const latest = await add(50);
    const left = await namesIn(archive);
    expect(left).toEqual(expect.arrayContaining(latest.map(({ hash }) => hash)));
    expect(left.length).toBe(archive.count);
    expect(archive.bytes).toBeGreaterThan(80_000);
  });

  it('of a real node: --archive-mb holds, and holds after a restart', async () => {
    const node = await newNode('--archive-mb', '1');
    const client = await clientOf(node);
    const taken = await publish(client, 60, 40_000);
    expect(taken.length).toBe(60);
    expect(await node.metric('whisper_node_archive_bytes')).toBeLessThanOrEqual(1_000_000);
    const count = await node.metric('whisper_node_archive_envelopes');
    const left = hexes(await client.history([topic]));
    expect(left.length).toBe(count);
    expect(left.length).toBeGreaterThan(15);
    expect(hexes(taken)).toEqual(expect.arrayContaining(left));
    expect(await node.stop()).toBe(0);
    await node.start();
    expect(await node.metric('whisper_node_archive_envelopes')).toBe(count);
    expect(hexes(await (await clientOf(node)).history([topic]))).toEqual(left);
  });
});

describe('two nodes on the same data directory', () => {
  it('the second one does not start, and says why; the first goes on', async () => {
    const node = await newNode();
    const client = await clientOf(node);
    const second = startNode(['--data', node.folder]);
    await expect(second).rejects.toThrow(/another process has the archive.*--data/);
    expect((await publish(client, 1)).length).toBe(1);
  });
});

describe('a corrupted archive', () => {
  const find = async (path: string, pattern: RegExp) => {
    const name = (await readdir(path)).find((file) => pattern.test(file));
    if (name === undefined) throw new Error(`no ${pattern} in ${path}`);
    return join(path, name);
  };
  const overwrite = async (path: string) => {
    const bytes = await readFile(path);
    bytes.fill(0x55, 20, Math.min(3_000, bytes.length));
    await writeFile(path, bytes);
  };

  /** All that is archived. Damage shows whenever something reads it, and until it is repaired the node is busy. */
  const historyOnceRepaired = async (client: Awaited<ReturnType<typeof clientOf>>) => {
    let history: Uint8Array[] = [];
    const read = async () => {
      history = await client.history([topic]);
      return 'read';
    };
    await expect.poll(() => read().catch((error: Error) => error.message), { timeout: 30_000 }).toBe('read');
    return history;
  };

  it.each([
    ['CURRENT is missing', 'all', (path: string) => unlink(join(path, 'CURRENT'))],
    ['CURRENT names nothing', 'all', (path: string) => writeFile(join(path, 'CURRENT'), 'nothing\n')],
    ['the manifest is cut off', 'all', async (path: string) => truncate(await find(path, /^MANIFEST/), 20)],
    ['the manifest is overwritten', 'all', async (path: string) => overwrite(await find(path, /^MANIFEST/))],
    ['a table is missing', 'some', async (path: string) => unlink(await find(path, /\.ldb$/))],
    ['a table is overwritten', 'some', async (path: string) => overwrite(await find(path, /\.ldb$/))],
    ['the log is overwritten', 'some', async (path: string) => overwrite(await find(path, /\.log$/))],
  ])('%s: the node starts, with what can be read', async (_, kept, harm) => {
    const node = await newNode();
    const first = await publish(await clientOf(node), 40);
    await node.stop();
    // What was in the log goes into a table.
    await node.start();
    const second = await publish(await clientOf(node), 40);
    const sent = [...first, ...second];
    expect(sent.length).toBe(80);
    await node.stop();
    await harm(join(node.folder, 'archive'));
    await node.start();
    const client = await clientOf(node);
    const left = hexes(await historyOnceRepaired(client));
    expect(hexes(sent)).toEqual(expect.arrayContaining(left));
    if (kept === 'all') {
      expect(left.length).toBe(80);
      expect(node.log.map(({ event }) => event)).toContain('archive.repaired');
      expect(await node.metric('whisper_node_archive_envelopes')).toBe(80);
    }
    expect(left.length).toBeGreaterThan(0);
    // One that was refused as busy meanwhile is sent again.
    const later: Uint8Array[] = [];
    await expect.poll(async () => later.push(...(await publish(client, 1))), { timeout: 30_000 }).toBe(5);
    expect(hexes(await historyOnceRepaired(client))).toEqual(expect.arrayContaining(hexes(later)));
    expect(await node.stop()).toBe(0);
  });

  it('a repair that was killed at any moment: nothing of the archive is lost, and nothing of the repair is left', async () => {
    const path = join(await mkdtemp(join(folder, 'killed-')), 'archive');
    const clock = systemClock;
    const pool = new EnvelopePool({ crypto, clock, policy: { minimumPow: 0 } });
    closers.push(() => pool.close());
    const limits = { maxAge: 86_400, maxBytes: 1e9, maxWaiting: 100, maxWaitingBytes: 1e7 };
    const openedAt = (place: string) =>
      EnvelopeArchive.open({ path: place, limits, clock, logger: silentLogger });
    const archive = await openedAt(path);
    for (let i = 0; i < 20; i++)
      await archive.add(pool.add(await sealEnvelope({ topic, idle: true })) as PooledEnvelope);
    const { count, bytes } = archive;
    await archive.close();

    const contents = async () => {
      const opened = await openedAt(path);
      const page = await opened.byTopics({
        ...{ topics: [topic], from: 0, to: 2 ** 32 - 1, limit: 100, cursor: new Uint8Array(0) },
      });
      const found = { count: opened.count, bytes: opened.bytes, envelopes: page.envelopes.length };
      await opened.close();
      return { ...found, files: await readdir(join(path, '..')) };
    };
    const intact = { count, bytes, envelopes: 20, files: ['archive'] };
    // While it copied.
    await cp(path, `${path}.salvaged`, { recursive: true });
    await unlink(join(`${path}.salvaged`, 'CURRENT'));
    expect(await contents()).toEqual(intact);
    // After it had moved the damaged one away: what the copy has is what counts.
    const level = createLevel(path);
    await level.open();
    await level.del(TOTALS_KEY);
    expect(await salvage(level)).toEqual({ count, bytes });
    await level.close();
    await cp(path, `${path}.damaged`, { recursive: true });
    await unlink(join(`${path}.damaged`, 'CURRENT'));
    await rename(path, `${path}.salvaged`);
    expect(await contents()).toEqual(intact);
    // Before it deleted the damaged one.
    await cp(path, `${path}.damaged`, { recursive: true });
    expect(await contents()).toEqual(intact);
  });

  it('a file that is not a database: the node reports why it does not start', async () => {
    const path = await mkdtemp(join(folder, 'no-database-'));
    await writeFile(join(path, 'archive'), 'a file where a directory should be');
    const starting = startNode(['--data', path]);
    await expect(starting).rejects.toThrow(/node\.not-started/);
  });
});

/** A small disk of its own; `undefined` where that may not be made. */
function smallDisk(path: string): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', path], { stdio: 'ignore' });
    return path;
  } catch {
    return undefined;
  }
}

describe('a full disk', () => {
  it('what can not be kept is refused, the rest goes on, and all is well when there is room again', async ({
    skip,
  }) => {
    const path = smallDisk(await mkdtemp(join(folder, 'disk-')));
    if (path === undefined) {
      const loud = 'NOT TESTED HERE: a full disk wants a tmpfs to be mounted, which takes root on Linux.';
      process.stderr.write(`\n!!! ${loud}\n\n`);
      return skip(loud);
    }
    closers.push(() => execFileSync('umount', [path]));
    const node = await newNode('--data', path);
    const health = async () => (await fetch(`${node.admin}/health`)).status;
    const client = await clientOf(node);
    const listener = await clientOf(node);
    listener.say({ kind: 'subscribe', id: 1, topics: [topic] });
    await listener.next('done', 1);
    const before = await publish(client, 20);
    expect(await health()).toBe(200);
    await fill(join(path, 'ballast'));
    const full = await publishUntilRefused(client);
    expect(full.refused).toMatchObject({ kind: 'refused', code: 'busy' });
    expect(await health()).toBe(503);
    // It is still told to those who listen, and what was kept is still there.
    await expect.poll(() => listener.frames.some(carries(full.envelope))).toBe(true);
    const kept = hexes([...before, ...full.taken]);
    expect(hexes(await client.history([topic]))).toEqual(kept);
    expect(await publish(client, 5)).toEqual([]);
    expect(node.log.filter(({ event }) => event === 'archive.write-failed').length).toBe(1);
    await unlink(join(path, 'ballast'));
    const after: Uint8Array[] = [];
    await expect.poll(async () => after.push(...(await publish(client, 1))), { timeout: 30_000 }).toBe(1);
    expect(await health()).toBe(200);
    expect(await node.stop()).toBe(0);
    await node.start();
    const left = hexes(await (await clientOf(node)).history([topic]));
    expect(left).toEqual(expect.arrayContaining([...kept, ...hexes(after)]));
  });

  /** Writes until no byte more fits. */
  async function fill(path: string) {
    for (let size = 1_000_000; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) await writeFile(path, new Uint8Array(size), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  }

  const carries = (envelope: Uint8Array) => (frame: { kind: string; envelope?: Uint8Array }) =>
    frame.kind === 'envelope' && encodeHex(frame.envelope as Uint8Array) === encodeHex(envelope);

  async function publishUntilRefused(client: Awaited<ReturnType<typeof clientOf>>) {
    const taken: Uint8Array[] = [];
    for (;;) {
      const envelope = await sealEnvelope({ topic, size: 50_000, idle: true });
      const answer = await client.publish(envelope);
      if (answer.kind !== 'done') return { taken, refused: answer, envelope };
      taken.push(envelope);
    }
  }
});
