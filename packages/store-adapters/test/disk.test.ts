import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { decodeUtf8, type Store } from '@sotto/core';
import { temporaryDirectory } from '@sotto/testing/files';
import { LineProcess } from '@sotto/testing/line-process';
import { describe, expect, it } from 'vitest';
import { childProgram } from './child-program.js';
import { diskStores, openStore } from './children/open-store.js';

/** What is stored belongs together, and is what was confirmed: at most the commit under way came on top. */
async function checkLog(store: Store, confirmed: readonly number[], underWay?: number): Promise<number> {
  const log: number[] = [];
  for await (const { key, value } of store.list('log/')) {
    const i = Number(key.slice(4));
    expect(
      value.every((byte) => byte === (i & 0xff)),
      `value of ${key}`,
    ).toBe(true);
    log.push(i);
  }
  const expected = underWay !== undefined && log.includes(underWay) ? [...confirmed, underWay] : confirmed;
  expect(log).toEqual(expected);
  const [a, b] = await Promise.all([store.get('a'), store.get('b')]);
  expect(b?.revision).toBe(a?.revision);
  expect(a && decodeUtf8(a.value)).toBe(expected.length === 0 ? undefined : String(expected.at(-1)));
  return log.length;
}

function confirmedBy(lines: readonly string[]): number[] {
  return lines.flatMap((line) => (line.startsWith('done ') ? [Number(line.slice(5))] : []));
}

describe.each(diskStores)('%s', (kind) => {
  it('opened by another process is STORE_LOCKED, until that one closes it or dies', async () => {
    const directory = temporaryDirectory();
    for (const leave of ['end', 'kill'] as const) {
      const holder = new LineProcess(process.execPath, [childProgram('holder'), kind, directory]);
      await holder.line((line) => line === 'open');
      await expect(openStore(kind, directory)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
      holder[leave]();
      await holder.ended;
      await (await openStore(kind, directory)).close();
    }
  });

  it('killed over and over: what was confirmed is there, in whole commits', async () => {
    const directory = temporaryDirectory();
    const child = childProgram('writer');
    let confirmed: number[] = [];
    for (let kill = 1; kill <= 12; kill++) {
      const writer = new LineProcess(process.execPath, [child, kind, directory, '1000000', '500', '-']);
      // Sometimes right after opening, sometimes after a while: by what it says, not by the clock.
      const enough = (kill * 7) % 11;
      await writer.line(
        (line) => line === (enough === 0 ? 'open' : `done ${(confirmed.at(-1) ?? 0) + enough}`),
      );
      await writer.kill();
      confirmed = [...confirmed, ...confirmedBy(writer.lines)];
      const store = await openStore(kind, directory);
      const next = (confirmed.at(-1) ?? 0) + 1;
      if ((await checkLog(store, confirmed, next)) > confirmed.length) confirmed.push(next);
      await store.close();
    }
    expect(confirmed.length).toBeGreaterThan(40);
  }, 60_000);
});

/** How a small file system can be mounted here for a process of its own, `undefined` when that isn't permitted. */
const smallDisk = ['unshare --mount --map-root-user', 'unshare --mount'].find(
  (unshare) => spawnSync('sh', ['-c', `${unshare} sh -c "mount -t tmpfs tmpfs ${tmpdir()}"`]).status === 0,
);

describe.runIf(mayRun('a full disk', smallDisk !== undefined, 'mounting a tmpfs is not permitted here'))(
  'a full disk',
  () => {
    it.each(diskStores)(
      '%s: STORE_UNAVAILABLE, and the work goes on when there is space again',
      async (kind) => {
        const directory = temporaryDirectory();
        const child = childProgram('writer');
        // The writer runs twice in one namespace, on one disk: what the second one finds is what was stored.
        const script = [
          `mount -t tmpfs -o size=16m tmpfs ${directory}`,
          `head -c 13000000 /dev/zero > ${directory}/ballast`,
          `"$NODE" ${child} "$KIND" ${directory} 500 20000 ${directory}/ballast`,
          'echo reopened',
          `"$NODE" ${child} "$KIND" ${directory} 0 0 -`,
          `cp -r ${directory}/. "$COPY"`,
        ].join(' && ');
        const copy = temporaryDirectory();
        const [command, ...args] = (smallDisk as string).split(' ');
        const environment = { NODE: process.execPath, KIND: kind, COPY: copy };
        const writer = new LineProcess(command as string, [...args, 'sh', '-c', script], environment);
        const { code, stderr } = await writer.ended;
        expect(stderr).toBe('');
        expect(code).toBe(0);

        const failed = writer.lines.filter((line) => line.startsWith('failed'));
        expect(failed.length).toBeGreaterThanOrEqual(5);
        expect(failed.every((line) => line.endsWith('STORE_UNAVAILABLE'))).toBe(true);
        expect(writer.lines.filter((line) => /unread/.test(line) && !/STORE_UNAVAILABLE/.test(line))).toEqual(
          [],
        );
        // After the ballast was thrown off, commits succeed again.
        const lastFailure = writer.lines.lastIndexOf(failed[4] as string);
        expect(confirmedBy(writer.lines.slice(lastFailure)).length).toBeGreaterThan(50);
        const store = await openStore(kind, copy);
        await checkLog(store, confirmedBy(writer.lines));
        await store.close();
      },
      60_000,
    );
  },
);

/** Whether system calls of a child can be made to fail. */
const strace = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;

describe.runIf(mayRun('a failing fsync', strace, 'strace is not installed, or may not trace'))(
  'a failing fsync',
  () => {
    // One thread for I/O, since strace counts calls by thread; the commit that is struck depends on what opening needs.
    const cases = diskStores.flatMap((kind) => [15, 18, 21].map((call) => ({ kind, call })));
    it.each(cases)(
      '$kind: the call $call fails; commits are confirmed or not there',
      async ({ kind, call }) => {
        const directory = temporaryDirectory();
        const child = childProgram('writer');
        const inject = `inject=fsync,fdatasync:error=EIO:when=${call}..${call}`;
        const args = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync', '-e', inject];
        const writer = new LineProcess(
          'strace',
          [...args, process.execPath, child, kind, directory, '30', '500', '-'],
          {
            UV_THREADPOOL_SIZE: '1',
          },
        );
        const { stderr } = await writer.ended;
        expect(stderr).toBe('');
        expect(writer.lines.at(-1)).toBe('finished');
        const failed = writer.lines.filter((line) => line.startsWith('failed'));
        expect(failed.length).toBeGreaterThanOrEqual(1);
        expect(failed.every((line) => line.endsWith('STORE_UNAVAILABLE'))).toBe(true);
        expect(confirmedBy(writer.lines).at(-1)).toBe(30);
        const store = await openStore(kind, directory);
        await checkLog(store, confirmedBy(writer.lines));
        await store.close();
      },
      60_000,
    );
  },
);

/** Says it loudly when a test can't run here. */
function mayRun(what: string, possible: boolean, reason: string): boolean {
  if (!possible) process.stderr.write(`\nNOT TESTED HERE: ${what}, since ${reason}.\n\n`);
  return possible;
}
