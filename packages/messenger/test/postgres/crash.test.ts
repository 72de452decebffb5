import { randomInt } from 'node:crypto';
import { repetitions } from '@sotto/testing/long';
import { PostgresServer } from '@sotto/testing/postgres';
import type {} from '@sotto/testing/postgres/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { newWorld } from '../crash/killed-person.js';

const programs = inject('postgres');
/** Kills at random moments, of each kind; more with SOTTO_CRASH_KILLS, before a release. */
const KILLS = Number(process.env['SOTTO_CRASH_KILLS'] ?? 4);
/** Between two kills at writes. */
const WRITES_APART = repetitions(2, 1);

describe.skipIf(programs === undefined)('hostile cases: crash and PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start(programs as string);
  });
  afterAll(() => server.close());

  it('killed at any write, then redelivered to another process: exactly once', async () => {
    const world = await newWorld('postgres', await server.createDatabase());
    let kills = 0;
    for (const [index, when] of (['before', 'after'] as const).entries()) {
      for (let at = WRITES_APART === 1 ? 1 : index + 1; !(await world.life({ at, when })); at += WRITES_APART)
        kills++;
    }
    await world.check();
    process.stdout.write(`crash: ${kills} kills at writes on postgres\n`);
    expect(kills).toBeGreaterThan(5 / WRITES_APART);
  }, 3_600_000);

  it.each(['postgres', 'encrypted postgres'])(
    'killed at any moment, then redelivered to another process: exactly once, on %s',
    async (kind) => {
      const world = await newWorld(kind, await server.createDatabase());
      let kills = 0;
      for (let i = 0; i < KILLS; i++) if (!(await world.life({ afterMs: randomInt(50, 900) }))) kills++;
      await world.check();
      process.stdout.write(`crash: ${kills} kills at random on ${kind}\n`);
    },
    3_600_000,
  );

  it('frozen at any moment, and woken when another process has taken over: exactly once', async () => {
    const world = await newWorld('postgres', await server.createDatabase());
    let frozen = 0;
    for (let i = 0; i < KILLS; i++)
      if (!(await world.life({ frozenAfterMs: randomInt(400, 1200) }))) frozen++;
    await world.check();
    process.stdout.write(`crash: ${frozen} processes frozen on postgres\n`);
  }, 3_600_000);

  it('while the server crashes, or is killed, over and over: exactly once', async () => {
    const world = await newWorld('postgres', await server.createDatabase());
    let crashes = 0;
    for (let i = 0; i < KILLS; i++) {
      let over = false;
      let begin = () => {};
      const ready = new Promise<void>((resolve) => {
        begin = resolve;
      });
      const life = world.life(undefined, begin).finally(() => {
        over = true;
      });
      await ready;
      await new Promise((resolve) => setTimeout(resolve, randomInt(150)));
      if (!over) crashes++;
      await (i % 2 === 0 ? server.crash() : server.kill());
      await server.start();
      expect(await life).toBe(true);
    }
    await world.check();
    process.stdout.write(`crash: ${crashes} crashes of the server\n`);
  }, 3_600_000);
});
