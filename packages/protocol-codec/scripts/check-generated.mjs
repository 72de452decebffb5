// Checks the schemas (style, and compatibility with the baseline) and that src/generated is what they generate.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BASELINE, buf, OWN_SCHEMAS, packageFolder, SCHEMAS } from './buf.mjs';

const GENERATED = join('src', 'generated');
const problems = [];

if (buf('lint', SCHEMAS, ...OWN_SCHEMAS) !== 0) problems.push('buf lint found the above in the schemas.');
if (buf('format', SCHEMAS, ...OWN_SCHEMAS, '--exit-code', '--diff') !== 0) {
  problems.push('The schemas are not formatted: run `buf format --write proto`.');
}
if (buf('breaking', SCHEMAS, '--against', BASELINE) !== 0) {
  problems.push('The schemas are not compatible with the baseline (proto/README.md).');
}

const fresh = mkdtempSync(join(tmpdir(), 'sotto-generated-'));
try {
  if (buf('generate', SCHEMAS, ...OWN_SCHEMAS, '--output', fresh) !== 0) {
    problems.push('buf generate failed.');
  } else {
    const expected = filesOf(join(fresh, GENERATED));
    const actual = filesOf(join(packageFolder, GENERATED));
    for (const name of new Set([...expected.keys(), ...actual.keys()])) {
      if (expected.get(name) !== actual.get(name)) {
        problems.push(`${GENERATED}/${name} is not what the schemas generate: run the script "generate".`);
      }
    }
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Texts of the files below a folder, by relative path. Line ends are Git's business and don't count. */
function filesOf(folder) {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [
        path.slice(folder.length + 1).replaceAll('\\', '/'),
        readFileSync(path, 'utf8').replaceAll('\r\n', '\n'),
      ]),
  );
}
