import { parseArgs } from 'node:util';
import { CHAPTERS } from './chapters/index.js';

const widest = Math.max(...CHAPTERS.map(({ name }) => name.length));

export const HELP = `A tour of Sotto: shows what the library does, and checks every claim it makes.

  npm run demo                     the whole tour
  npm run demo -- --only group     one chapter; can be repeated
  npm run demo -- --pause          waits for Enter after each chapter
  npm run demo -- --verbose        also shows the envelopes on the wire
  npm run demo -- --seed 123       repeats the random choices of an earlier run

Chapters:
${CHAPTERS.map(({ name, title }) => `  ${name.padEnd(widest)}  ${title}`).join('\n')}

The exit code is 0 when every check passed.
`;

/** The parsed command line. */
export interface Options {
  readonly seed: number;
  /** Names of chapters; all of them when there is none. */
  readonly only: readonly string[];
  readonly verbose: boolean;
  readonly pause: boolean;
  readonly help: boolean;
}

/** @throws Error with what is wrong */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      only: { type: 'string', multiple: true },
      verbose: { type: 'boolean', short: 'v' },
      pause: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const { seed, only = [], verbose = false, pause = false, help = false } = values;
  if (seed !== undefined && !/^\d{1,9}$/.test(seed))
    throw new Error('--seed must be a number of 1 to 9 digits.');
  for (const name of only) {
    if (!CHAPTERS.some((chapter) => chapter.name === name)) throw new Error(`There is no chapter "${name}".`);
  }
  return {
    seed: seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(seed),
    only,
    verbose,
    pause,
    help,
  };
}
