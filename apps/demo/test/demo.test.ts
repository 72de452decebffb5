import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadVectors } from '@sotto/test-vectors';
import { describe, expect, it, onTestFinished } from 'vitest';
import { shuffled } from '../src/chance.js';
import { Checks } from '../src/checks.js';
import { converse } from '../src/conversation.js';
import type { Screen } from '../src/screen.js';
import { openTranscripts } from '../src/transcripts.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const TRANSCRIPTS = loadVectors('protocol-session').cases;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
const COLOUR = /\u001b\[/;

function run(args: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const env = { ...inherited, ...environment };
  return spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8' });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A screen that keeps what is written to it. */
function paper(): Screen & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, line: (text = '') => lines.push(text) };
}

describe('the built demo', () => {
  it('shows everything, and exits with 0', () => {
    const { status, stdout, stderr } = run(['--seed', '5']);
    expect(stderr).toBe('');
    expect(stdout).not.toMatch(/✗|NOT SO|\bundefined\b|\bNaN\b|\[object/);
    expect(stdout).not.toMatch(COLOUR);
    const opened = stdout.match(/^ {2}✓ +\d+ {2}(DH fallback|X3DH|ratchet|public) /gm) ?? [];
    expect(opened.length).toBe(TRANSCRIPTS.reduce((sum, { messages }) => sum + messages.length, 0));
    for (const step of ['Contact code', 'First message', 'Answers', 'Out of order', 'A lost message']) {
      expect(stdout).toMatch(new RegExp(`^✓ {2}${step} .* as expected$`, 'm'));
    }
    for (const step of ['A replay', 'A forgery', 'Restart']) {
      expect(stdout).toMatch(new RegExp(`^✓ {2}${step} .* as expected$`, 'm'));
    }
    expect(stdout).toContain('refused with AUTHENTICATION_FAILED');
    expect(stdout).toContain('✓ Bob reads "Did you see this?" and "And this?", and nothing else');
    expect(stdout).toMatch(/^Everything came out right, in \d+\.\d s\.$/m);
    expect(status).toBe(0);
  });

  it('fits a terminal of 80 columns', () => {
    const { stdout } = run();
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('shows the same order for the same seed, and says which it drew', () => {
    const order = (text: string) => text.split('Part 2')[0];
    const first = run().stdout;
    const seed = first.match(/\(seed (\d+)\)/)?.[1] as string;
    expect(order(run(['--seed', seed]).stdout)).toBe(order(first));
    expect(order(run(['--seed', String(Number(seed) + 1)]).stdout)).not.toBe(order(first));
  });

  it('uses colours when told to, and not with NO_COLOR', () => {
    expect(run([], { FORCE_COLOR: '1' }).stdout).toMatch(COLOUR);
    expect(run([], { NO_COLOR: '1' }).stdout).not.toMatch(COLOUR);
  });

  it('leaves no files behind', () => {
    const folder = temporaryFolder();
    expect(run([], { TMPDIR: folder }).status).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says what to do when there is no place for the stores', () => {
    const { status, stderr } = run([], { TMPDIR: join(temporaryFolder(), 'not-there') });
    expect(status).toBe(1);
    expect(stderr).toContain('Set TMPDIR to a folder that can be written to');
  });

  it.each([['--seed', 'x'], ['--seed'], ['--sed', '1'], ['something']])(
    'explains itself: %s %s',
    (...args) => {
      const { status, stdout, stderr } = run(args.filter((arg) => arg !== undefined));
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('npm run demo -- --seed 123');
    },
  );

  it('--help exits with 0', () => {
    const { status, stdout } = run(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('npm run demo -- --seed 123');
  });
});

describe('what does not come out right is noticed', () => {
  const [transcript] = TRANSCRIPTS as [(typeof TRANSCRIPTS)[number]];
  type Message = (typeof transcript.messages)[number];
  const [message, ...others] = transcript.messages as [Message, ...Message[]];

  it.each([
    ['another text', { ...message, payload: '00' }],
    ['a damaged message', { ...message, protobuf: `${message.protobuf.slice(0, -2)}00` }],
    ['no message at all', { ...message, protobuf: 'ff' }],
  ])('%s', async (_, changed) => {
    const checks = new Checks(paper());
    const messages = [changed, ...others];
    await openTranscripts(paper(), checks, [{ ...transcript, messages }], 1);
    expect(checks.failed).toBe(true);
  });

  it("keys that are not the record's", async () => {
    const screen = paper();
    const checks = new Checks(screen);
    const signedPreKeys = [{ private: '11'.repeat(32), public: '', version: 1 }];
    await openTranscripts(screen, checks, [{ ...transcript, bob: { ...transcript.bob, signedPreKeys } }], 1);
    checks.summary();
    expect(checks.failed).toBe(true);
    expect(screen.lines.join('\n')).toContain("Bob's bundle has the keys of the record");
  });

  it('stores that fail', async () => {
    const screen = paper();
    const checks = new Checks(screen);
    await converse(screen, checks, MAIN);
    expect(checks.failed).toBe(true);
    expect(screen.lines.join('\n')).toMatch(/STORE_UNAVAILABLE[\s\S]*Set TMPDIR/);
  });

  it('a demo that checks nothing', () => {
    expect(new Checks(paper()).failed).toBe(true);
  });
});

describe('shuffled', () => {
  it('keeps all, changes the order, and is the same for the same seed', () => {
    for (let seed = 0; seed < 100; seed++) {
      const order = shuffled([1, 2, 3], seed);
      expect(order).not.toEqual([1, 2, 3]);
      expect(order.toSorted()).toEqual([1, 2, 3]);
      expect(shuffled([1, 2, 3], seed)).toEqual(order);
    }
    expect(shuffled([1], 1)).toEqual([1]);
    expect(shuffled([], 1)).toEqual([]);
  });
});
