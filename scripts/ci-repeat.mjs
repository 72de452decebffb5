// Repeats, alone and once, the test files of which a few tests failed in .ci/run, where suites, fuzzing and servers share two processors.
// `ci-summary.mjs` counts a test that passes now as passed, and names it as unstable with the reason of its failure. Many failures are
// no accident and are not repeated.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readJson, root } from './workspace.mjs';

/** More failed tests than this in all suites are left as they are. */
const MOST = 5;

const suites = process.argv.slice(2).map((suite) => {
  const report = join(root, 'reports', `${suite.replace(':', '-')}.json`);
  const results = existsSync(report) ? readJson(report).testResults : [];
  const failed = results.flatMap(({ name, assertionResults }) =>
    assertionResults.filter(({ status }) => status === 'failed').map(() => relative(root, name)),
  );
  return { suite, failed };
});

const count = suites.reduce((sum, { failed }) => sum + failed.length, 0);
if (count > MOST) process.stdout.write(`${count} tests failed: none is repeated.\n`);
for (const { suite, failed } of count > MOST ? [] : suites) {
  if (failed.length === 0) continue;
  const files = [...new Set(failed)];
  process.stdout.write(`Repeating ${files.join(', ')}\n`);
  const output = join('reports', `repeated-${suite.replace(':', '-')}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`];
  spawnSync('npm', ['run', '--silent', suite, '--', ...reporters, ...files], { cwd: root, stdio: 'inherit' });
}
