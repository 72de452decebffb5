import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { bundlePath } from '@sotto/testing/bundle';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CHAPTERS } from '../src/chapters/index.js';

const MAIN = bundlePath(join(import.meta.dirname, '..'), 'dist/main.js');
/** Shares its modules with what is loaded before it. */
const UNBUNDLED = join(import.meta.dirname, '../dist/main.js');
const BROKEN_LIBRARY = new URL('./children/broken-library.mjs', import.meta.url).href;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const ESCAPE = /\u001b/;

function environment(changes: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...inherited } = process.env;
  return { ...inherited, ...changes };
}

function run(
  args: readonly string[] = [],
  changes: NodeJS.ProcessEnv = {},
  nodeArgs: readonly string[] = [],
) {
  const env = environment(changes);
  const main = nodeArgs.length > 0 ? UNBUNDLED : MAIN;
  return spawnSync(process.execPath, [...nodeArgs, main, ...args], { env, encoding: 'utf8' });
}

/** The story without what is drawn anew each time: keys, words, sizes by a byte, times. */
function story(output: string): string {
  return output
    .replaceAll(/\b(zQ3sh|SOTTO:1\/|sotto-link:)[\w-]+…/g, '$1…')
    .replaceAll(/\b\d{5}( \d{5}){5}$/gm, 'digits')
    .replaceAll(/\bchain [0-9a-f]{10}\b/g, 'chain')
    .replaceAll(/words: [a-z ]+…/g, 'words')
    .replaceAll(/\b\d+ bytes\b/g, 'bytes')
    .replaceAll(/\bin \d+\.\d s\b/g, 'in time');
}

/** Lines of each chapter, by its title. */
function linesOf(output: string, title: string): string[] {
  const lines = output.split('\n');
  const start = lines.findIndex((line) => /^[ \d]\d /.test(line) && line.slice(3) === title);
  const end = lines.indexOf('', start);
  return start < 0 ? [] : lines.slice(start + 1, end);
}

const widerThan80 = (output: string) =>
  stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => [...line].length > 80);

describe('the whole tour', () => {
  let tour: ReturnType<typeof run>;
  const folder = temporaryDirectory(afterAll);

  beforeAll(() => {
    tour = run(['--seed', '5'], { TMPDIR: folder });
  });

  it('comes to the end with everything as it says', () => {
    const { status, stdout, stderr } = tour;
    expect(stderr).toBe('');
    expect(stdout).not.toMatch(/✗| FAILED$|\bundefined\b|\bNaN\b|\[object/m);
    expect(stdout).toMatch(/^All \d+ checks passed, in \d+\.\d s\.$/m);
    expect(status).toBe(0);
  });

  it.each(CHAPTERS)('$name: each check is shown, counted and passed', ({ name, title }) => {
    const shown = linesOf(tour.stdout, title).filter((line) => /^ {3}[✓!] /.test(line)).length;
    expect(shown).toBeGreaterThanOrEqual(name === 'go-client' ? 2 : 3);
    const row = tour.stdout.split('\n').find((line) => line.startsWith(` ✓  ${title} `));
    const [, passed, all] = row?.match(/ (\d+) of (\d+)$/) ?? [];
    expect(passed).toBe(all);
    // Some are counted without a line of their own.
    expect(Number(all)).toBeGreaterThanOrEqual(shown);
  });

  it('shows with which code something is refused', () => {
    for (const [title, ...codes] of [
      [
        'Mallory: forged and replayed messages',
        'INVALID_CONTACT_CARD',
        'WRONG_IDENTITY',
        'BUNDLE_SIGNATURE_INVALID',
        'AUTHENTICATION_FAILED',
        'DUPLICATE_MESSAGE',
      ],
      ['A group of four', 'NOT_PERMITTED', 'NOT_PERMITTED'],
      ['A lost phone, and a backup', 'STORE_WRONG_PASSPHRASE'],
    ] as const) {
      const refusals = linesOf(tour.stdout, title).flatMap(
        (line) => line.match(/ {2}([A-Z_]{8,})$/)?.[1] ?? [],
      );
      expect(refusals).toEqual(codes);
    }
  });

  it('opens every recorded message', () => {
    expect(tour.stdout).toMatch(/✓ 15 of 15 read as recorded/);
    expect(tour.stdout).toMatch(/✓ 43 of 43 read as recorded/);
  });

  it('fits a terminal of 80 columns, and has no escape codes in a pipe', () => {
    expect(widerThan80(tour.stdout)).toEqual([]);
    expect(tour.stdout).not.toMatch(ESCAPE);
  });

  it('leaves no files behind', () => {
    expect(readdirSync(folder)).toEqual([]);
  });

  it('tells the same story for the same seed', () => {
    expect(story(run(['--seed', '5']).stdout)).toBe(story(tour.stdout));
  });
});

describe('the command line', () => {
  it('--only plays the chapters that it names, with the chances of the seed', () => {
    const played = run(['--only', 'bad-network', '--only', 'public', '--seed', '6']);
    expect(played.status).toBe(0);
    expect(linesOf(played.stdout, 'A public room')).not.toEqual([]);
    expect(linesOf(played.stdout, 'A group of four')).toEqual([]);
    const others = run(['--only', 'bad-network', '--seed', '7']);
    expect(linesOf(others.stdout, 'A bad network')).not.toEqual(linesOf(played.stdout, 'A bad network'));
  });

  it('draws a seed and says which', () => {
    const first = run(['--only', 'bad-network']).stdout;
    const seed = first.match(/\(seed (\d+)\)/)?.[1] as string;
    expect(story(run(['--only', 'bad-network', '--seed', seed]).stdout)).toBe(story(first));
  });

  it('--verbose shows the envelopes, within 80 columns', () => {
    const chapters = ['laptop', 'lost-phone', 'go-client'].flatMap((name) => ['--only', name]);
    const { status, stdout } = run([...chapters, '--verbose']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {5}~ Alice's phone: \d+ bytes on [0-9a-f]{8}; X3DH [0-9a-f]{10} no\. 0$/m);
    expect(stdout).toMatch(/^ {5} *1\. {2}DH fallback .* hello without a bundle$/m);
    expect(widerThan80(stdout)).toEqual([]);
  });

  it('draws the QR code where there are colours, and none with NO_COLOR', () => {
    const coloured = run(['--only', 'card'], { FORCE_COLOR: '1' }).stdout;
    expect(coloured).toMatch(ESCAPE);
    expect(coloured.split('\n').filter((line) => /[█▀▄]{2}/.test(line))).toHaveLength(19);
    expect(widerThan80(coloured)).toEqual([]);
    const plain = run(['--only', 'card'], { NO_COLOR: '1' }).stdout;
    expect(plain).not.toMatch(ESCAPE);
    expect(plain).toMatch(/SOTTO:1\/[A-Z2-7]+…/);
  });

  it('--pause waits for no one where there is no terminal', () => {
    const { status, stdout } = run(['--only', 'ratchet', '--only', 'public', '--pause']);
    expect(status).toBe(0);
    expect(stdout).not.toContain('Enter');
  });

  it.each([
    [['--seed', 'x'], '--seed must be a number'],
    [['--seed'], '--seed'],
    [['--sed', '1'], '--sed'],
    [['something'], 'something'],
    [['--only', 'nothing'], 'There is no chapter "nothing".'],
  ])('explains itself: %s', (args, complaint) => {
    const { status, stdout, stderr } = run(args);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(complaint);
    expect(stderr).toContain('npm run demo -- --only group');
    expect(stderr).not.toContain('bug');
  });

  it('--help exits with 0, names every chapter, and fits 80 columns', () => {
    const { status, stdout } = run(['--help']);
    expect(status).toBe(0);
    for (const { name, title } of CHAPTERS)
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${title.replace('?', '\\?')}$`, 'm'));
    expect(widerThan80(stdout)).toEqual([]);
  });
});

describe('what does not come out right', () => {
  it.each([
    ['no sessions', 'first-message'],
    ['no pairing', 'laptop'],
    ['replays are taken', 'mallory'],
    ['forgeries are taken', 'mallory'],
  ])('a library in which %s: exit code 1', (BROKEN, chapter) => {
    const { status, stdout } = run(['--only', chapter], { BROKEN }, ['--import', BROKEN_LIBRARY]);
    expect(stdout).toMatch(/^ {3}✗ FAILED: /m);
    expect(stdout).toMatch(/^ ✗ .* FAILED$/m);
    expect(stdout).toContain('If you have not changed the code, please report it');
    expect(stdout).not.toContain('checks passed');
    expect(widerThan80(stdout)).toEqual([]);
    expect(status).toBe(1);
  });

  it('no place for the stores: says what to do', () => {
    const { status, stderr } = run([], { TMPDIR: join(temporaryDirectory(), 'not-there') });
    expect(status).toBe(1);
    expect(stderr).toContain('Set TMPDIR to a writable directory');
  });
});

describe('stopped on its way', () => {
  /** Starts the tour, and gives it when a text was written. */
  async function startedUntil(text: string, folder: string) {
    const env = environment({ TMPDIR: folder });
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    let output = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      output += chunk;
      if (output.includes(text)) break;
    }
    expect(readdirSync(folder)).toHaveLength(1);
    return { child, exit };
  }

  it.each([
    ['SIGINT', 130, 'I count to eight.'],
    // A device is being switched on then.
    ['SIGINT', 130, 'Hours later Bob switches his phone on.'],
    ['SIGTERM', 143, 'Paired: the phone lists'],
  ] as const)('by %s, code %i, after "%s": leaves no files behind', async (signal, code, text) => {
    const folder = temporaryDirectory();
    const { child, exit } = await startedUntil(text, folder);
    let rest = '';
    child.stdout.on('data', (chunk) => {
      rest += chunk;
    });
    child.kill(signal);
    expect(await exit).toEqual([code, null]);
    expect(rest).not.toContain('✗');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('because no one reads any more: leaves no files behind', async () => {
    const folder = temporaryDirectory();
    const { child, exit } = await startedUntil('I count to eight.', folder);
    child.stdout.destroy();
    expect(await exit).toEqual([1, null]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
