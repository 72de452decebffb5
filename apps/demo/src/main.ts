import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CHAPTERS } from './chapters/index.js';
import { Checks } from './checks.js';
import { HELP, type Options, parseOptions } from './options.js';
import { styled, terminal } from './screen.js';
import { playTour } from './tour.js';

/** Exit codes of programs that were stopped: 128 and the number of the signal. */
const STOPPED = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** An error with advice for the user. */
class UserError extends Error {}

/** @returns the exit code */
async function run(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const start = performance.now();
  const stop = createStopController();
  const folder = await makeFolder();
  const checks = new Checks(terminal);
  try {
    introduce(options);
    const { only, seed, verbose } = options;
    const chapters = CHAPTERS.filter(({ name }) => only.length === 0 || only.includes(name));
    const onTurn = () => (options.pause ? waitForEnter(stop.signal) : Promise.resolve());
    await playTour(chapters, {
      screen: terminal,
      checks,
      folder,
      seed,
      verbose,
      signal: stop.signal,
      onTurn,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (stop.signal.aborted) {
    process.stderr.write('\nStopped. The temporary files were removed.\n');
    return stop.signal.reason;
  }
  checks.summary();
  conclude(checks, options, (performance.now() - start) / 1000);
  return checks.failed ? 1 : 0;
}

function introduce({ seed, verbose }: Options): void {
  const [check, limit, envelope] = [styled('✓', 'green'), styled('!', 'yellow'), styled('~', 'magenta')];
  terminal.line();
  terminal.line(styled('Sotto: a tour', 'bold', 'underline'));
  terminal.line('Alice has a phone and a laptop, Bob has a phone; Carol and Dave join later.');
  terminal.line('All of it is real, on this machine: keys, stores on disk, sealed messages.');
  terminal.line(`Only the network is in memory, with the faults of the story (seed ${seed}).`);
  terminal.line(`${check} is a claim that was just checked, ${limit} a limit that you should know.`);
  if (!verbose) return;
  terminal.line(`${envelope} is an envelope: its sender, size and topic, an address that many people`);
  terminal.line('share; then its content, which the network does not see.');
}

function conclude(checks: Checks, { seed, pause }: Options, seconds: number): void {
  terminal.line();
  if (checks.failed) {
    terminal.line(styled('Some checks failed, see ✗ above.', 'red', 'bold'));
    terminal.line('If you have not changed the code, please report it with all of');
    terminal.line(
      `this output, and the seed (--seed ${seed}). Node ${process.version}, ${process.platform}.`,
    );
    return;
  }
  const time = pause ? '' : `, in ${seconds.toFixed(1)} s`;
  terminal.line(styled(`All ${checks.total} checks passed${time}.`, 'green', 'bold'));
  terminal.line('npm run chat             try it by hand: a chat in two browsers');
  terminal.line('apps/demo/src/chapters/  each chapter as a short file, to copy from');
  terminal.line('README.md                begins with twenty lines of code');
}

/** Stops the tour cleanly on a signal, or when the reader of standard output is gone. */
function createStopController(): AbortController {
  const stop = new AbortController();
  for (const [signal, code] of Object.entries(STOPPED)) process.once(signal, () => stop.abort(code));
  process.stdout.once('error', () => stop.abort(1));
  return stop;
}

/** Waits for Enter, unless standard input is not a terminal. */
async function waitForEnter(signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY) return;
  const input = createInterface({ input: process.stdin, output: process.stdout, terminal: false });
  await input.question('\n   Enter for the next chapter ', { signal }).catch(() => undefined);
  input.close();
}

async function makeFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'sotto-demo-'));
  } catch (cause) {
    throw new UserError(
      `Cannot create a directory for the stores of Alice and Bob: ${(cause as Error).message}\nSet TMPDIR to a writable directory and try again.`,
      { cause },
    );
  }
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n\n${HELP}`);
  }
}

try {
  process.exitCode = await run(readOptions());
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(
    error instanceof UserError
      ? `\n${error.message}\n`
      : `\nThe demo crashed: ${error instanceof Error ? error.stack : error}\nThis is a bug: please report it with this output.\n`,
  );
}
