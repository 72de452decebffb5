import { rename, rm } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import {
  ALL_ENVELOPES,
  additions,
  POSITION_LENGTH,
  positionOfEnvelopeKey,
  TOPIC_LENGTH,
} from './archive-key.js';
import { type BatchOperation, createLevel, isDamage, type Level } from './level.js';

/** Records written in one batch. */
const STEP = 2_000;

/**
 * Copies the readable records of a damaged database into a new one, which replaces it. LevelDB's own repair makes it
 * readable, but leaves damaged records in it. The new one needs as much space, until the old one is deleted.
 *
 * @returns the number of envelopes, and their bytes
 * @throws errors of LevelDB and the file system
 */
export async function salvage(level: Level): Promise<{ readonly count: number; readonly bytes: number }> {
  const { location } = level;
  const [fresh, damaged] = [`${location}.salvaged`, `${location}.damaged`];
  await level.close();
  await ClassicLevel.repair(location);
  await level.open();
  for (const path of [fresh, damaged]) await rm(path, { recursive: true, force: true });
  const copy = createLevel(fresh);
  let totals: { readonly count: number; readonly bytes: number };
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

async function copyReadable(from: Level, to: Level): Promise<{ count: number; bytes: number }> {
  let [count, bytes] = [0, 0];
  let operations: BatchOperation[] = [];
  try {
    for await (const [key, value] of from.iterator(ALL_ENVELOPES)) {
      const position = positionOfEnvelopeKey(key);
      if (position.length !== POSITION_LENGTH || value.length <= TOPIC_LENGTH) continue;
      count++;
      bytes += value.length - TOPIC_LENGTH;
      operations.push(...additions(value.slice(0, TOPIC_LENGTH), position, value.slice(TOPIC_LENGTH)));
      if (operations.length < STEP) continue;
      await to.batch(operations);
      operations = [];
    }
  } catch (error) {
    // Thrown at the end, after everything else was copied.
    if (!isDamage(error)) throw error;
  }
  await to.batch(operations);
  return { count, bytes };
}
