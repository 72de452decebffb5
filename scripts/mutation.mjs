/**
 * Mutation testing: npm run mutation -- [TARGET[:FILE]...] [--changed REVISION] [--seconds N] [--report] [--list]
 *
 * Changes the sources of each target (scripts/mutation/targets.mjs) in one place after another, and runs the tests that reach it: a
 * mutant that no test notices survives. Ends with 1 when less than 90 % of a target's mutants are noticed. Results of an earlier run are
 * used again where neither the source nor its tests have changed; reports are in reports/mutation/TARGET. What survives, and why, is in
 * docs/mutation.md.
 *
 * With a FILE of the target (`x3dh:src/merge.ts`, or some lines of it, `x3dh:src/merge.ts:20-30`), only that is mutated; with --changed,
 * only lines that differ from REVISION. With --seconds, a run ends after that time, says what it left out, and judges what was tried. With
 * --report, it prints scores without each survivor, and doesn't fail for them.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { changedRanges, commitOf } from './mutation/changes.mjs';
import { playTarget } from './mutation/play.mjs';
import { printSummary, printTarget, scoreOf } from './mutation/report.mjs';
import { targets } from './mutation/targets.mjs';
import { root } from './workspace.mjs';

/** Percent of a target's mutants that its tests have to notice. */
const THRESHOLD = 90;
/** In a few changed lines one mutant that changes nothing may be more than a tenth: so many survivors are let through. */
const LET_THROUGH = 2;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'string' },
    seconds: { type: 'string' },
    report: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
if (values.list) {
  for (const { name, folder, mutate } of targets)
    process.stdout.write(`${name.padEnd(16)} ${folder}/${mutate}\n`);
  process.exit();
}
/** By the name of each target to play, the files of it that were named: all when there are none. */
const chosen = new Map();
for (const one of positionals) {
  const [name, file, lines] = one.split(':');
  const target = targets.find((other) => other.name === name);
  if (target === undefined) refuse(`Unknown target ${name}. Those there are: npm run mutation -- --list`);
  const files = chosen.get(name) ?? [];
  chosen.set(name, files);
  if (file === undefined) continue;
  const path = `${target.folder}/${file}`;
  if (!existsSync(join(root, path))) refuse(`There is no file ${path}.`);
  files.push(lines === undefined ? path : `${path}:${lines}`);
}
if (values.changed !== undefined && [...chosen.values()].some((files) => files.length > 0))
  refuse('Name either files, or with --changed a revision.');
if (values.seconds !== undefined && !(Number(values.seconds) > 0))
  refuse('--seconds takes a number above 0.');
const since = values.changed === undefined ? undefined : commitOf(values.changed);
if (values.changed !== undefined && since === undefined) refuse(`There is no commit ${values.changed}.`);

const deadline = values.seconds === undefined ? undefined : Date.now() + 1000 * Number(values.seconds);
const outcomes = [];
for (const target of targets) {
  const files = chosen.get(target.name) ?? [];
  if (chosen.size > 0 && !chosen.has(target.name)) continue;
  const ranges = since === undefined ? (files.length > 0 ? files : undefined) : changedRanges(target, since);
  if (ranges?.length === 0) continue;
  const outcome = { target, ...(await playTarget(target, { ranges, deadline })) };
  outcomes.push(outcome);
  printTarget(outcome, { survivors: !values.report });
  if (outcome.isInterrupted) break;
}
if (outcomes.length === 0)
  process.stdout.write(`Nothing of the targets has changed since ${values.changed}.\n`);
else printSummary(outcomes);
const isGood = outcomes.every(isGoodEnough);
if (!isGood && values.report)
  process.stdout.write('\n!!! Below the threshold, which only is reported here.\n');
process.exitCode = isGood || values.report ? 0 : 1;

/** Of what was tried: what there was no time for counts neither way. */
function isGoodEnough({ mutants, hasFailed, isInterrupted }) {
  if (hasFailed || isInterrupted) return false;
  const { percent, survived } = scoreOf(mutants);
  return percent >= THRESHOLD || (since !== undefined && survived <= LET_THROUGH);
}

function refuse(why) {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
