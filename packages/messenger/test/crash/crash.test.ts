import { randomInt } from 'node:crypto';
import { repetitions } from '@sotto/testing/long';
import { describe, expect, it } from 'vitest';
import { newWorld } from './killed-person.js';

/** Kills at random moments for each store; more with SOTTO_CRASH_KILLS, before a release. */
const RANDOM_KILLS = Number(process.env['SOTTO_CRASH_KILLS'] ?? 4);
/** Between two kills. Each write is killed before and after it with SOTTO_LONG; otherwise before one, and after the next. */
const WRITES_APART = repetitions(2, 1);
const KINDS = [
  'leveldb',
  'sqlite',
  'encrypted leveldb',
  'encrypted sqlite',
  'power cut leveldb',
  'power cut sqlite',
] as const;

describe('hostile cases: crash and storage', () => {
  it.each(KINDS)(
    'killed at any write, then redelivered: exactly once, on %s',
    async (kind) => {
      const world = await newWorld(kind);
      let kills = 0;
      // Dying before a write differs from dying after the one before it by what left the process in between.
      const moments = kind.startsWith('encrypted') ? (['after'] as const) : (['before', 'after'] as const);
      for (const [index, when] of moments.entries()) {
        for (
          let at = WRITES_APART === 1 ? 1 : index + 1;
          !(await world.life({ at, when }));
          at += WRITES_APART
        )
          kills++;
      }
      await world.check();
      process.stdout.write(`crash: ${kills} kills at writes on ${kind}\n`);
      // How many writes there are depends on what shares a commit, and that on how fast the disk is.
      expect(kills).toBeGreaterThan((5 * moments.length) / WRITES_APART);
    },
    3_600_000,
  );

  it.each(KINDS)(
    'killed at any moment, then redelivered: exactly once, on %s',
    async (kind) => {
      const world = await newWorld(kind);
      await world.life(undefined);
      let kills = 0;
      for (let i = 0; i < RANDOM_KILLS; i++) {
        if (!(await world.life({ afterMs: randomInt(50, 600) }))) kills++;
      }
      await world.check();
      process.stdout.write(`crash: ${kills} kills at random on ${kind}\n`);
    },
    3_600_000,
  );
});
