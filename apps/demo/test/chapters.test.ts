import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@sotto/testing/files';
import { loadVectors } from '@sotto/testing/vectors';
import { describe, expect, it } from 'vitest';
import { shuffled } from '../src/chance.js';
import { openTranscript, type Transcript } from '../src/chapters/go-client.js';
import { restart } from '../src/chapters/restart.js';
import { safetyNumber } from '../src/chapters/safety-number.js';
import { Checks } from '../src/checks.js';
import { type Screen, wrapped } from '../src/screen.js';
import { Stage } from '../src/stage.js';
import { playTour } from '../src/tour.js';

/** A screen that keeps what is written to it. */
function paper(): Screen & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, line: (text = '') => lines.push(text) };
}

describe('a chapter', () => {
  it('whose stores fail: says so, and what to do', async () => {
    const screen = paper();
    const checks = new Checks(screen);
    // A file where the folder should be.
    const folder = fileURLToPath(import.meta.url);
    await playTour([restart], { screen, checks, folder, seed: 1, verbose: false });
    expect(checks.failed).toBe(true);
    expect(screen.lines.join('\n')).toMatch(/STORE_UNAVAILABLE[\s\S]*Set TMPDIR/);
    expect(screen.lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('that breaks off leaves the next one alone', async () => {
    const screen = paper();
    const checks = new Checks(screen);
    const folder = temporaryDirectory();
    const broken = { ...restart, play: () => Promise.reject(new Error('The tree fell over.')) };
    await playTour([broken, safetyNumber], { screen, checks, folder, seed: 1, verbose: false });
    checks.summary();
    const text = screen.lines.join('\n');
    expect(text).toContain('Stopped by: Error: The tree fell over.');
    expect(text).toMatch(/✗ {2}A flat battery +0 of 1 {2}FAILED/);
    expect(text).toMatch(/✓ {2}Is it really Bob\? +4 of 4/);
    expect(checks.failed).toBe(true);
  });
});

describe('a record that was changed is noticed', () => {
  const [transcript] = loadVectors('protocol-session').cases as [Transcript];
  const [message, ...others] = transcript.messages;
  if (message === undefined) throw new Error('The record is empty.');

  async function open(changed: Transcript) {
    const screen = paper();
    const checks = new Checks(screen);
    const stage = new Stage({ screen, checks, folder: 'not needed', seed: 1, verbose: false });
    await openTranscript(stage, changed);
    return { failed: checks.failed, text: screen.lines.join('\n') };
  }

  it.each([
    ['not changed', message, false],
    ['another text', { ...message, payload: '00' }, true],
    ['a damaged message', { ...message, protobuf: `${message.protobuf.slice(0, -2)}00` }, true],
    ['no message at all', { ...message, protobuf: 'ff' }, true],
  ])('%s', async (_, changed, failed) => {
    const outcome = await open({ ...transcript, messages: [changed, ...others] });
    expect(outcome.failed).toBe(failed);
    expect(outcome.text.includes('FAILED: message 1 reads as recorded')).toBe(failed);
  });

  it("keys that are not the record's", async () => {
    const signedPreKeys = [{ private: '11'.repeat(32), public: '', version: 1 }];
    const { failed, text } = await open({ ...transcript, bob: { ...transcript.bob, signedPreKeys } });
    expect(failed).toBe(true);
    expect(text).toContain('our Bob has the keys of the record');
  });
});

it('checks that check nothing have failed', () => {
  expect(new Checks(paper()).failed).toBe(true);
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

describe('wrapped', () => {
  it('keeps what fits as it is, and breaks between words', () => {
    expect(wrapped('a  b', 4)).toEqual(['a  b']);
    expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
  });

  it('breaks a word that is too long', () => {
    expect(wrapped('ab cdefgh', 3)).toEqual(['ab', 'cde', 'fgh']);
  });
});
