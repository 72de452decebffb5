import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadVectors } from '@sotto/test-vectors';
import { Checks } from './checks.js';
import { converse } from './conversation.js';
import { styled, terminal } from './screen.js';
import { openTranscripts } from './transcripts.js';

const HELP = `Shows Sotto at work, and checks what it shows. Exits with 0 when all of it came out right.

  npm run demo                   with a random order of the recorded messages
  npm run demo -- --seed 123     with the order of an earlier run
`;

/** What can't go on, with what to do about it. */
class Trouble extends Error {}

async function main(): Promise<boolean> {
  const seed = readSeed();
  if (seed === undefined) {
    process.stdout.write(HELP);
    return true;
  }
  const start = performance.now();
  const checks = new Checks(terminal);
  await openTranscripts(terminal, checks, loadTranscripts(), seed);
  const folder = await makeFolder();
  try {
    await converse(terminal, checks, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  checks.summary();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  terminal.line();
  if (checks.failed) {
    terminal.line(styled('Not everything came out right, see ✗ above.', 'red', 'bold'));
    terminal.line('If you have changed the code, look there. If not, please report it with all of this');
    terminal.line(`output, and the order (--seed ${seed}). Node ${process.version}, ${process.platform}.`);
  } else {
    terminal.line(styled(`Everything came out right, in ${seconds} s.`, 'green', 'bold'));
    terminal.line('Next: the same in twenty lines of code, in README.md.');
  }
  return !checks.failed;
}

/** The seed, drawn when none is given; `undefined` when help is wanted. */
function readSeed(): number | undefined {
  try {
    const { values } = parseArgs({
      options: { seed: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return undefined;
    if (values.seed === undefined) return Math.floor(Math.random() * 1_000_000);
    if (!/^\d{1,9}$/.test(values.seed)) throw new Error('--seed is a number of 1 to 9 digits.');
    return Number(values.seed);
  } catch (error) {
    throw new Trouble(`${(error as Error).message}\n\n${HELP}`);
  }
}

function loadTranscripts() {
  try {
    return loadVectors('protocol-session').cases;
  } catch (cause) {
    throw new Trouble(
      `The recorded messages can't be read: ${(cause as Error).message}\nThey are in packages/test-vectors/vectors/protocol-session.json; restore the file with \`git checkout\`.`,
      { cause },
    );
  }
}

async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'sotto-demo-'));
  } catch (cause) {
    throw new Trouble(
      `No folder for the stores of Alice and Bob can be made: ${(cause as Error).message}\nSet TMPDIR to a folder that can be written to, and run this again.`,
      { cause },
    );
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(
    error instanceof Trouble
      ? `\n${error.message}\n`
      : `\nThe demo broke off: ${error instanceof Error ? error.stack : error}\nThis is a bug: please report it with this output.\n`,
  );
}
