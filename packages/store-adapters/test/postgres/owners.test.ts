import { setTimeout } from 'node:timers/promises';
import { decodeUtf8, type Store } from '@sotto/core';
import { LineProcess } from '@sotto/testing/line-process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RECONNECT_MS } from '../../src/postgres/limits.js';
import { openPostgresDatabase } from '../../src/postgres.js';
import { childProgram } from '../child-program.js';
import { programs, sharedServer } from './server.js';
import { Wire } from './wire.js';

const getServer = sharedServer();

/** A process with the store open, or waiting for it. */
async function startOwner(url: string, name: string): Promise<LineProcess> {
  const owner = new LineProcess(process.execPath, [childProgram('owner'), url, name]);
  onTestFinished(() => void owner.kill());
  await owner.line((line) => line === 'waiting');
  return owner;
}

function open(url: string) {
  return openPostgresDatabase({ connection: url });
}

const began = (line: string) => line.startsWith('open ');
/** What a process was told is stored. */
const confirmed = ({ lines }: LineProcess) =>
  lines.flatMap((line) => (line.startsWith('done ') ? [Number(line.slice(5))] : []));

/** Nothing lost, nothing twice: each number once, each confirmed one by its author, and all of the first before the second's. */
async function checkLog(store: Store, first: LineProcess, second: LineProcess): Promise<void> {
  const authors: string[] = [];
  for await (const { key, value } of store.list('log/')) {
    expect(key).toBe(`log/${String(authors.length).padStart(9, '0')}`);
    authors.push(decodeUtf8(value));
  }
  const taken = Number(second.lines.find(began)?.slice(5));
  expect(authors.indexOf('second')).toBe(taken);
  expect(authors.lastIndexOf('first')).toBe(taken - 1);
  for (const i of confirmed(first)) expect(authors[i]).toBe('first');
  for (const i of confirmed(second)) expect(authors[i]).toBe('second');
}

/** How long the second process took to have the store, in milliseconds, for the report. */
async function takeover(second: LineProcess, how: string, begin: number): Promise<void> {
  await second.line(began);
  await second.line((line) => line.startsWith('done '));
  process.stdout.write(`postgres: taken over after ${Math.round(performance.now() - begin)} ms, ${how}\n`);
}

describe.skipIf(programs === undefined)('a store that another process takes over', () => {
  it('from one that is killed: nothing is lost, and nothing is there twice', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const first = await startOwner(url, 'first');
    await first.line((line) => line === 'done 20');
    const second = await startOwner(url, 'second');
    const begin = performance.now();
    await first.kill();
    await takeover(second, 'from a process that was killed', begin);
    await second.kill();
    const database = await open(url);
    onTestFinished(() => database.close());
    await checkLog(await database.openStore({ name: 'shared', whenLocked: 'wait' }), first, second);
  });

  it('from one that is frozen: when it wakes, it can not write, and is told', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const first = await startOwner(url, 'first');
    await first.line((line) => line === 'done 20');
    const second = await startOwner(url, 'second');
    const begin = performance.now();
    process.kill(first.pid, 'SIGSTOP');
    await takeover(second, 'from a process that was frozen', begin);
    process.kill(first.pid, 'SIGCONT');
    const { code } = await first.ended;
    expect(code).toBe(0);
    expect(first.lines.at(-1)).toBe('handed over');
    const failed = first.lines.filter((line) => line.startsWith('failed'));
    for (const line of failed) expect(line).toMatch(/STORE_LOCKED|STORE_UNAVAILABLE/);
    const enough = `done ${(confirmed(second).at(-1) ?? 0) + 20}`;
    await second.line((line) => line === enough);
    await second.kill();
    const database = await open(url);
    onTestFinished(() => database.close());
    await checkLog(await database.openStore({ name: 'shared', whenLocked: 'wait' }), first, second);
  });

  it('from one whose network is gone: when it is back, it can not write, and is told', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const wire = await Wire.start(server.port);
    onTestFinished(() => wire.close());
    const first = await startOwner(wire.through(url), 'first');
    await first.line((line) => line === 'done 20');
    const second = await startOwner(url, 'second');
    const begin = performance.now();
    wire.pull();
    await takeover(second, 'from a process without a network', begin);
    wire.mend();
    await first.ended;
    expect(first.lines.at(-1)).toBe('handed over');
    await second.kill();
    const database = await open(url);
    onTestFinished(() => database.close());
    await checkLog(await database.openStore({ name: 'shared', whenLocked: 'wait' }), first, second);
  });

  it('is closed by the first: the second has it without waiting for a lease', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const [first, second] = [await open(url), await open(url)];
    onTestFinished(() => Promise.all([first.close(), second.close()]).then(() => {}));
    const store = await first.openStore({ name: 'a' });
    await expect(second.openStore({ name: 'a' })).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      details: { where: 'a' },
    });
    const waiting = second.openStore({ name: 'a', whenLocked: 'wait' });
    await store.commit([{ type: 'put', key: 'a', value: new Uint8Array([1]) }]);
    await store.close();
    expect(await (await waiting).get('a')).toMatchObject({ value: new Uint8Array([1]) });
  });

  it('and one that only lost its connections keeps what nobody has taken', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const wire = await Wire.start(server.port);
    onTestFinished(() => wire.close());
    const [first, second] = [await open(wire.through(url)), await open(url)];
    onTestFinished(() => Promise.all([first.close(), second.close()]).then(() => {}));
    const [kept, lost] = [await first.openStore({ name: 'kept' }), await first.openStore({ name: 'lost' })];
    await kept.commit([{ type: 'put', key: 'a', value: new Uint8Array([1]) }]);
    const waiting = second.openStore({ name: 'lost', whenLocked: 'wait' });
    wire.pull();
    const taken = await waiting;
    wire.mend();
    await lost.handedOver;
    for (const call of [
      lost.get('a'),
      lost.commit([{ type: 'put', key: 'a', value: new Uint8Array() }]),
      lost.list('')[Symbol.asyncIterator]().next(),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'STORE_LOCKED', details: { where: 'lost' } });
    }
    await kept.commit([{ type: 'put', key: 'a', value: new Uint8Array([2]) }]);
    await taken.commit([{ type: 'put', key: 'a', value: new Uint8Array([3]) }]);
    expect(await Promise.race([kept.handedOver.then(() => 'handed over'), kept.get('a')])).toMatchObject({
      value: new Uint8Array([2]),
    });
  });

  it('is nobody else’s though it is closed while its process gets its lock back', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const wire = await Wire.start(server.port);
    onTestFinished(() => wire.close());
    const database = await open(wire.through(url));
    onTestFinished(() => database.close());
    const kept = await database.openStore({ name: 'kept' });
    let handedOver = 0;
    void kept.handedOver.then(() => handedOver++);
    for (let round = 0; round < 40; round++) {
      const store = await database.openStore({ name: 'closed', whenLocked: 'wait' });
      void store.handedOver.then(() => handedOver++);
      wire.cut();
      await setTimeout(RECONNECT_MS + 2 * round);
      await store.close();
    }
    await kept.get('a');
    expect(handedOver).toBe(0);
  });

  it('even when it was frozen within a statement, which keeps the store locked', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const first = await startOwner(url, 'first');
    await first.line((line) => line === 'done 20');
    process.kill(first.pid, 'SIGSTOP');
    // What such a process looks like to the server: a session of its name that has locked the row, and says nothing more.
    const [holder] = await server.query('SELECT holder FROM sotto_stores', url);
    const stuck = new LineProcess(`${programs}/psql`, ['--no-psqlrc', '--quiet', url]);
    onTestFinished(() => void stuck.kill());
    stuck.write(
      `SET application_name = 'sotto ${holder}'; BEGIN; SELECT 'locked' FROM sotto_stores FOR UPDATE;\n`,
    );
    await stuck.line((line) => line.includes('locked'));
    const second = await startOwner(url, 'second');
    await second.line(began);
    process.kill(first.pid, 'SIGCONT');
    await first.ended;
    expect(first.lines.at(-1)).toBe('handed over');
  });

  it('is there for others though it was closed while the server was away', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const [first, second] = [await open(url), await open(url)];
    onTestFinished(() => Promise.all([first.close(), second.close()]).then(() => {}));
    const store = await first.openStore({ name: 'a' });
    const waiting = second.openStore({ name: 'a', whenLocked: 'wait' });
    // Opened after it: the one that waits was told that its store is taken. Before that, a server that is away is an error.
    await second.openStore({ name: 'b' });
    await server.crash();
    await store.close();
    await server.start();
    await (await waiting).commit([{ type: 'put', key: 'a', value: new Uint8Array() }]);
    // Its first owner is still there, and may have it back.
    await (await waiting).close();
    await (await first.openStore({ name: 'a', whenLocked: 'wait' })).close();
  });

  it('waits no longer than its signal says, or than the database is open', async () => {
    const server = await getServer();
    const url = await server.createDatabase();
    const [first, second] = [await open(url), await open(url)];
    onTestFinished(() => first.close());
    const store = await first.openStore({ name: 'a' });
    const controller = new AbortController();
    const aborted = second.openStore({ name: 'a', whenLocked: 'wait', signal: controller.signal });
    const closed = second.openStore({ name: 'a', whenLocked: 'wait' });
    const check = Promise.all([
      expect(aborted).rejects.toMatchObject({ code: 'ABORTED' }),
      expect(closed).rejects.toMatchObject({ code: 'CLOSED' }),
    ]);
    controller.abort();
    await second.close();
    await check;
    await expect(second.openStore({ name: 'b' })).rejects.toMatchObject({ code: 'CLOSED' });
    await store.commit([{ type: 'put', key: 'a', value: new Uint8Array() }]);
  });
});
