// Each contestant runs this in a process of its own, so that they share neither heap nor compiled code.

import { FLOOR, prepareFloor } from './floor.js';
import type { Library } from './library.js';
import { serveMeasurements } from './measuring.js';
import { scenarios } from './scenarios.js';
import { createSotto } from './sotto.js';

const [, , id = ''] = process.argv;

const ours = id.startsWith(FLOOR) ? id.slice(FLOOR.length) : undefined;

async function load(): Promise<Library> {
  if (id.startsWith('sotto-')) return createSotto(id);
  const { createLibrary } = await import(new URL(`../rivals/${id}.mjs`, import.meta.url).href);
  return createLibrary();
}

let library: Promise<Library> | undefined;

serveMeasurements(async (scenario) => {
  const found = scenarios.find((one) => one.id === scenario);
  if (found === undefined) throw new Error(`no such scenario: ${scenario}`);
  if (ours !== undefined) return prepareFloor(ours, found);
  library ??= load();
  return found.prepare(await library);
});
