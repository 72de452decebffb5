// Sums up what .ci/run has run, from the reports that the parts wrote and their exit codes ("test=0 check=1 ...").
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { readJson, root, workspacePackages } from './workspace.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
/** What failed, by name and reason: a log may be cut to its end, and this stands there. */
const failures = [];

function count(what, { passed, failed, skipped = 0 }) {
  counts.passed += passed;
  counts.failed += failed;
  counts.skipped += skipped;
  const notes = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} skipped`] : [])];
  process.stdout.write(`${what.padEnd(42)} ${notes.join(', ')}\n`);
}

/** A package's vitest report. A suite that left none has failed, and so has one that ran nothing. */
function countTests(folder, part) {
  const file = join(root, folder, 'reports', `${part.replace(':', '-')}.json`);
  const what = `${part} ${folder}`;
  if (!existsSync(file)) return count(`${what}: no report`, { passed: 0, failed: 1 });
  const report = readJson(file);
  for (const { name, message, assertionResults } of report.testResults) {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    for (const test of failed)
      failures.push({ what, test: test.fullName, why: test.failureMessages.join('\n') });
    if (failed.length === 0 && message) failures.push({ what, test: relative(root, name), why: message });
  }
  // A file that could not be loaded fails without a test of it failing.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const empty = report.numTotalTests === 0 && brokenFiles === 0 ? 1 : 0;
  count(what, {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles + empty,
    skipped: report.numPendingTests + report.numTodoTests,
  });
}

for (const outcome of process.argv.slice(2)) {
  const at = outcome.lastIndexOf('=');
  const [part, status] = [outcome.slice(0, at), Number(outcome.slice(at + 1))];
  const failedBefore = counts.failed;
  if (part === 'check') {
    const file = join(root, 'reports', 'check.json');
    const steps = existsSync(file) ? readJson(file) : [];
    const failed = steps.filter(({ ok }) => !ok).length;
    count('check steps', { passed: steps.length - failed, failed });
  } else if (part.startsWith('test')) {
    for (const { folder, manifest } of workspacePackages()) {
      if (manifest.scripts?.[part] !== undefined) countTests(folder, part);
    }
  } else {
    count(part, { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 });
  }
  // Coverage below its threshold, a build that fails: no test of it failed, and yet the part has.
  if (status !== 0 && counts.failed === failedBefore) {
    count(`${part}: exit code ${status}`, { passed: 0, failed: 1 });
  }
}

for (const { what, test, why } of failures) {
  const lines = stripVTControlCharacters(why).split('\n').slice(0, 25);
  process.stdout.write(`\nFAILED ${what}: ${test}\n${lines.map((line) => `  ${line}\n`).join('')}`);
}
if (failures.length > 0) process.stdout.write('\n');
if (counts.skipped > 0) process.stdout.write(`${counts.skipped} tests were skipped.\n`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
