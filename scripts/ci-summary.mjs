// Sums up what .ci/run has run, from the reports that the parts wrote and their exit codes ("test=0 check=1 ...").
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { readJson, root, workspacePackages } from './workspace.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
/** What failed first, and passed when it was repeated alone. */
const unstable = [];
/** What failed, by name and reason: a log may be cut off at the front, and this stands there. */
const failures = [];

function count(what, { passed, failed, skipped = 0 }) {
  counts.passed += passed;
  counts.failed += failed;
  counts.skipped += skipped;
  const notes = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  process.stdout.write(`${what.padEnd(42)} ${notes.join(', ')}\n`);
}

/** Test files that no report has named yet: one that is left at the end did not run. */
const notRun = new Set(
  workspacePackages()
    .map(({ folder }) => join(root, folder, 'test'))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.test.ts')),
);

/** A Vitest report, package by package. A part that left none has failed, and so has a file without a test. */
function countTests(part) {
  const report = join(root, 'reports', `${part.replace(':', '-')}.json`);
  if (!existsSync(report)) return count(`${part}: no report`, { passed: 0, failed: 1 });
  const packages = new Map();
  const passedAlone = passedWhenRepeated(part);
  for (const { name, status, message, assertionResults } of readJson(report).testResults) {
    const file = relative(root, name);
    const what = `${part} ${file.split(sep).slice(0, 2).join('/')}`;
    const sums = packages.get(what) ?? { passed: 0, failed: 0, skipped: 0 };
    packages.set(what, sums);
    for (const test of assertionResults) {
      if (test.status === 'passed') sums.passed++;
      else if (test.status !== 'failed') sums.skipped++;
      else if (passedAlone.has(`${name} ${test.fullName}`)) {
        sums.passed++;
        unstable.push({ what, test: test.fullName, why: test.failureMessages.join('\n') });
      } else {
        sums.failed++;
        failures.push({ what, test: test.fullName, why: test.failureMessages.join('\n') });
      }
    }
    // A file that could not be loaded fails without a test of it failing.
    const broken = status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
    const again = !notRun.delete(resolve(name));
    if (broken || again || assertionResults.length === 0) {
      sums.failed++;
      failures.push({ what, test: file, why: message || (again ? 'ran twice' : 'without a test') });
    }
  }
  if (packages.size === 0) count(`${part}: no tests`, { passed: 0, failed: 1 });
  for (const [what, sums] of packages) count(what, sums);
}

/** Names of the tests that passed when `ci-repeat.mjs` ran their files again. */
function passedWhenRepeated(part) {
  const report = join(root, 'reports', `repeated-${part.replace(':', '-')}.json`);
  const results = existsSync(report) ? readJson(report).testResults : [];
  return new Set(
    results.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'passed')
        .map(({ fullName }) => `${name} ${fullName}`),
    ),
  );
}

/** What a part printed last, of those whose output is in a file; a finding of the fuzzer and all after it. */
function lastWordsOf(part) {
  const log = join(root, 'reports', `${part}.log`);
  if (!existsSync(log)) return 'See above.';
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const finding = lines.findIndex((line) => line.startsWith('FINDING'));
  return lines.slice(finding < 0 ? -25 : finding).join('\n');
}

for (const outcome of process.argv.slice(2)) {
  const at = outcome.lastIndexOf('=');
  const [part, status] = [outcome.slice(0, at), Number(outcome.slice(at + 1))];
  const [failedBefore, unstableBefore] = [counts.failed, unstable.length];
  if (part === 'check') {
    const file = join(root, 'reports', 'check.json');
    const steps = existsSync(file) ? readJson(file) : [];
    const failed = steps.filter(({ ok }) => !ok).length;
    count('check steps', { passed: steps.length - failed, failed });
  } else if (part.startsWith('test')) {
    countTests(part);
  } else {
    count(part, { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 });
    if (status !== 0) failures.push({ what: part, test: `exit code ${status}`, why: lastWordsOf(part) });
  }
  // Coverage below its threshold, a build that fails: no test of it failed, and yet the part has.
  if (status !== 0 && counts.failed === failedBefore && unstable.length === unstableBefore) {
    count(`${part}: exit code ${status}`, { passed: 0, failed: 1 });
  }
}

if (notRun.size > 0) {
  count('test files that did not run', { passed: 0, failed: notRun.size });
  for (const file of notRun)
    failures.push({ what: 'not run', test: relative(root, file), why: 'in no report' });
}

for (const [word, tests] of [
  ['UNSTABLE (passed when repeated)', unstable],
  ['FAILED', failures],
]) {
  for (const { what, test, why } of tests) {
    const lines = stripVTControlCharacters(why).split('\n').slice(0, 25);
    process.stdout.write(`\n${word} ${what}: ${test}\n${lines.map((line) => `  ${line}\n`).join('')}`);
  }
}
if (unstable.length + failures.length > 0) process.stdout.write('\n');
if (unstable.length > 0) process.stdout.write(`${unstable.length} tests passed only when repeated.\n`);
if (counts.skipped > 0) process.stdout.write(`${counts.skipped} tests were skipped.\n`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
