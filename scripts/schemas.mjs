// Schemas of a package: generates its code, checks that code and schemas, or renews the baseline. Run in the folder of
// the package, with the name of its folder under proto/sotto: node ../../scripts/schemas.mjs check messenger
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [task = '', name = ''] = process.argv.slice(2);
const packageFolder = process.cwd();
const SCHEMAS = '../../proto';
const OWN_SCHEMAS = ['--path', `${SCHEMAS}/sotto/${name}`];
/** The schema as it was last released, see proto/README.md. */
const BASELINE = `${SCHEMAS}/baseline/${name}.binpb`;
const GENERATED = join('src', 'generated');

const executable = createRequire(join(packageFolder, 'package.json')).resolve('@bufbuild/buf/bin/buf');

/** Runs buf in the package's folder, and gives its exit status. */
function buf(...args) {
  const result = spawnSync(process.execPath, [executable, ...args], { cwd: packageFolder, stdio: 'inherit' });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

const tasks = {
  generate: () => buf('generate', SCHEMAS, ...OWN_SCHEMAS),
  'renew-baseline': () => buf('build', SCHEMAS, ...OWN_SCHEMAS, '--exclude-source-info', '-o', BASELINE),
  check,
};

function check() {
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
      for (const file of new Set([...expected.keys(), ...actual.keys()])) {
        if (expected.get(file) !== actual.get(file)) {
          problems.push(`${GENERATED}/${file} is not what the schemas generate: run the script "generate".`);
        }
      }
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}

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

if (!Object.hasOwn(tasks, task) || !/^[a-z_]+$/.test(name)) {
  process.stderr.write(`Usage: schemas.mjs ${Object.keys(tasks).join('|')} NAME\n`);
  process.exit(2);
}
process.exitCode = tasks[task]();
