// What mutation testing prints: survivors, and scores by file and by target.
import { isAbsolute, relative } from 'node:path';
import { root } from '../workspace.mjs';

/** A mutant that ends no test of its own accord is noticed as well. */
const NOTICED = new Set(['Killed', 'Timeout']);
const UNNOTICED = new Set(['Survived', 'NoCoverage']);

const print = (text) => process.stdout.write(`${text}\n`);

/** Mutants that could not be run, or of code that runs once when it is loaded, count neither way. */
export function scoreOf(mutants) {
  const noticed = mutants.filter(({ status }) => NOTICED.has(status)).length;
  const survived = mutants.filter(({ status }) => UNNOTICED.has(status)).length;
  const counted = noticed + survived;
  return {
    noticed,
    survived,
    other: mutants.length - counted,
    percent: counted === 0 ? 100 : (100 * noticed) / counted,
  };
}

/** Each survivor, if wanted, and the scores of the target's files. */
export function printTarget({ target, mutants, planned, isComplete, hasFailed }, { survivors }) {
  for (const { file, location, mutator, status, replacement } of mutants) {
    if (!survivors || !UNNOTICED.has(status)) continue;
    const { line, column } = location.start;
    const what = status === 'Survived' ? 'SURVIVED' : 'NOT REACHED';
    print(
      `\n${what} ${fromRoot(file)}:${line}:${column} ${mutator}\n  ${replacement.replaceAll('\n', '\n  ')}`,
    );
  }
  printTable(
    target.name,
    [...new Set(mutants.map(({ file }) => file))].sort().map((file) => ({
      name: relative(target.folder, fromRoot(file)),
      mutants: mutants.filter((mutant) => mutant.file === file),
    })),
  );
  if (hasFailed) print(`\n!!! ${target.name}: Stryker failed, see above.`);
  if (isComplete) return;
  const left =
    planned === undefined
      ? 'NO MUTANT WAS TRIED'
      : `${planned - mutants.length} OF ${planned} MUTANTS WERE NOT TRIED`;
  print(`\n!!! ${target.name}: OUT OF TIME, ${left}.`);
}

export function printSummary(outcomes) {
  printTable(
    'Mutation testing',
    outcomes.map(({ target, mutants }) => ({ name: target.name, mutants })),
  );
  const cut = outcomes.filter(({ isComplete }) => !isComplete).map(({ target }) => target.name);
  if (cut.length > 0) print(`\n!!! Not, or not whole, for lack of time: ${cut.join(', ')}.`);
}

function printTable(title, rows) {
  print(`\n${title.padEnd(40)} score  noticed  survived  not counted`);
  for (const { name, mutants } of rows) {
    const { percent, noticed, survived, other } = scoreOf(mutants);
    const numbers = [
      `${percent.toFixed(1)} %`.padStart(7),
      `${noticed}`.padStart(8),
      `${survived}`.padStart(9),
      `${other}`.padStart(12),
    ];
    print(`  ${name.padEnd(36)} ${numbers.join(' ')}`);
  }
}

function fromRoot(file) {
  return isAbsolute(file) ? relative(root, file) : file;
}
