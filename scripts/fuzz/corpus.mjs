// A corpus is a text file, a line of hex for each input, so that it can be read and compared in reviews.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Most inputs that are kept beside a target, and most bytes of one. */
const MOST_INPUTS = 64;
const MOST_BYTES = 2048;

export function readCorpus(file) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'hex'));
}

/** Adds inputs, the shortest first, up to the limits. What is there stays. */
export function keepInCorpus(file, inputs) {
  const kept = new Set(readCorpus(file).map((input) => input.toString('hex')));
  const added = inputs.filter((input) => input.length > 0 && input.length <= MOST_BYTES);
  for (const input of added.sort((a, b) => a.length - b.length)) {
    if (kept.size >= MOST_INPUTS) break;
    kept.add(input.toString('hex'));
  }
  if (kept.size > 0) writeFileSync(file, `${[...kept].join('\n')}\n`);
  return kept.size;
}

export function readInputs(folder) {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
}

export function writeInputs(folder, inputs) {
  mkdirSync(folder, { recursive: true });
  for (const [i, input] of inputs.entries()) writeFileSync(join(folder, `input-${i}`), input);
}
