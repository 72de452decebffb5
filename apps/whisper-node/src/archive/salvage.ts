import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import {
  ALL_ENVELOPES,
  additions,
  POSITION_LENGTH,
  positionOfEnvelopeKey,
  TOPIC_LENGTH,
  type Totals,
  totalsPut,
} from './archive-key.js';
import { type BatchOperation, createLevel, isDamage, type Level } from './level.js';

/** Records written in one batch, and bytes of envelopes, about. */
const STEP = 2_000;
const STEP_BYTES = 4 * 1024 * 1024;

/**
 * Copies the readable records of a damaged database into a new one, which replaces it. LevelDB's own repair makes it
 * readable, but leaves damaged records in it. The new one needs as much space, until the old one is deleted.
 *
 * When it is killed, {@link endSalvage} ends it.
 *
 * @returns what it has, as written in it
 * @throws errors of LevelDB and the file system
 */
export async function salvage(level: Level): Promise<Totals> {
  const { location } = level;
  const { fresh, damaged } = besides(location);
  await level.close();
  await ClassicLevel.repair(location);
  await level.open();
  await deleteRemains(location);
  const copy = createLevel(fresh);
  let totals: Totals;
  try {
    totals = await copyReadable(level, copy);
  } finally {
    await copy.close();
  }
  await level.close();
  await rename(location, damaged);
  await rename(fresh, location);
  await level.open();
  await rm(damaged, { recursive: true, force: true });
  return totals;
}

/**
 * Puts the new database in its place when a process was killed in {@link salvage} after it had moved the damaged one away, for which
 * the new one has to be complete. To be called before the database is opened.
 * @throws errors of the file system
 */
export async function endSalvage(location: string): Promise<void> {
  const { fresh, damaged } = besides(location);
  if (!existsSync(location) && existsSync(damaged) && existsSync(fresh)) await rename(fresh, location);
}

/**
 * Deletes what a process that was killed in {@link salvage} has left. To be called when the database is open, and so locked: another
 * process may be at it otherwise.
 * @throws errors of the file system
 */
export async function deleteRemains(location: string): Promise<void> {
  const { fresh, damaged } = besides(location);
  for (const path of [fresh, damaged]) await rm(path, { recursive: true, force: true });
}

function besides(location: string) {
  return { fresh: `${location}.salvaged`, damaged: `${location}.damaged` };
}

async function copyReadable(from: Level, to: Level): Promise<Totals> {
  let [count, bytes] = [0, 0];
  let operations: BatchOperation[] = [];
  let written = 0;
  try {
    for await (const [key, value] of from.iterator(ALL_ENVELOPES)) {
      const position = positionOfEnvelopeKey(key);
      if (position.length !== POSITION_LENGTH || value.length <= TOPIC_LENGTH) continue;
      count++;
      bytes += value.length - TOPIC_LENGTH;
      operations.push(...additions(value.slice(0, TOPIC_LENGTH), position, value.slice(TOPIC_LENGTH)));
      if (operations.length < STEP && bytes - written < STEP_BYTES) continue;
      await to.batch(operations);
      operations = [];
      written = bytes;
    }
  } catch (error) {
    // Thrown at the end, after everything else was copied.
    if (!isDamage(error)) throw error;
  }
  await to.batch([...operations, totalsPut({ count, bytes })]);
  return { count, bytes };
}
