// Which lines of a target's sources differ from an earlier revision.
import { execFileSync } from 'node:child_process';
import { root } from '../workspace.mjs';

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 });

/** The commit that a name stands for; `undefined` when there is none. */
export function commitOf(revision) {
  try {
    return git('rev-parse', '--verify', '--quiet', `${revision}^{commit}`).trim();
  } catch {
    return undefined;
  }
}

/** Ranges as Stryker takes them, `packages/x3dh/src/merge.ts:10-12`. Lines that were only removed are in none. */
export function changedRanges({ folder, mutate }, revision) {
  const pattern = `:(glob)${folder}/${mutate}`;
  const diff = git(
    'diff',
    '--unified=0',
    '--no-color',
    '--no-ext-diff',
    '--no-renames',
    revision,
    '--',
    pattern,
  );
  const ranges = [];
  let file = '';
  for (const line of diff.split('\n')) {
    if (line.startsWith('+++ ')) file = line.slice('+++ b/'.length);
    const [, start, count = '1'] = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (start === undefined || count === '0') continue;
    ranges.push(`${file}:${start}-${Number(start) + Number(count) - 1}`);
  }
  const added = git('ls-files', '--others', '--exclude-standard', '--', pattern);
  return [...ranges, ...added.split('\n').filter((path) => path !== '')];
}
