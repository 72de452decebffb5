// The one command that gates a merge. Runs every step, also after one has failed, and sums up.
//   npm run check                  all steps
//   npm run check -- types lint    only these
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { makeApiReports } from './api-reports.mjs';
import { checkPackages } from './check-packages.mjs';
import { checkCitedTests } from './cited-tests.mjs';
import { documentProblems } from './docs.mjs';
import { checkByteCopies } from './lint/byte-copies.mjs';
import { checkOptionalProperties } from './lint/optional-properties.mjs';
import { checkTerms } from './lint/terms.mjs';
import { checkReadmeBlocks } from './readme-blocks.mjs';
import { updateReferences } from './references.mjs';
import { publishedPackages, updateMetadata } from './release/metadata.mjs';
import { root, runTool, workspacePackages } from './workspace.mjs';

/** Files whose words are not chosen here: generated, or the list of terms itself. */
const NOT_OURS = /\/generated\/|\/api\/|^scripts\/lint\/terms[.]mjs$|CHANGELOG[.]md$/;

/** Where a package keeps what its script `generate` makes of the schemas. */
const GENERATED = 'src/generated';

const steps = [
  { name: 'references', about: "TypeScript's references follow the dependencies", run: checkReferences },
  { name: 'metadata', about: 'published packages say the same of the project', run: checkMetadata },
  { name: 'types', about: 'sources and tests type-check; builds dist', run: checkTypes },
  { name: 'lint', about: 'lint and format', run: () => runTool('biome', ['ci', '--colors=off', '.']) },
  {
    name: 'bytes',
    about: 'bytes are copied with copyBytes, not with slice',
    run: async () => checkByteCopies(root, packagesWithSources()),
  },
  {
    name: 'optional',
    about: 'optional properties of public types read `x?: T | undefined`',
    run: async () =>
      checkOptionalProperties(
        root,
        // Nobody imports a program.
        publishedPackages()
          .filter(({ manifest }) => manifest.bin === undefined)
          .map(({ folder }) => folder),
      ),
  },
  {
    name: 'dead-code',
    about: 'unused code, unlisted dependencies',
    run: () => runTool('knip', ['--no-progress', '--no-config-hints']),
  },
  { name: 'imports', about: 'direction of imports, cycles', run: checkImports },
  { name: 'packages', about: 'what would be published works for who installs it', run: checkPackages },
  { name: 'api', about: 'API reports are up to date, and all of it is documented', run: checkApi },
  { name: 'words', about: 'spelling and terms', run: checkWords },
  { name: 'size', about: 'size budgets, gzip', run: checkSizes, show: true },
  { name: 'schemas', about: 'schemas are well-formed, and old records can be read', run: checkSchemas },
  { name: 'generated', about: 'generated code is up to date', run: checkGenerated },
  {
    name: 'supply',
    about: 'licences, install scripts, versions and binaries of dependencies',
    run: () => runTool(process.execPath, ['scripts/supply-chain.mjs']),
  },
  { name: 'models', about: 'formal models keep their invariants', run: checkModels },
  {
    name: 'documents',
    about: 'links lead somewhere; every error and event is explained',
    run: checkDocuments,
  },
  { name: 'cited', about: 'tests that documents cite exist', run: async () => checkCitedTests() },
  { name: 'readme', about: 'code blocks of the documents compile and run', run: checkReadmeBlocks },
];

function packagesWithSources() {
  return workspacePackages()
    .map(({ folder }) => folder)
    .filter((folder) => folder.startsWith('packages/') && existsSync(join(root, folder, 'tsconfig.json')));
}

async function checkReferences() {
  const stale = updateReferences(false);
  return {
    ok: stale.length === 0,
    output: stale.map((file) => `${file} is out of date: run \`npm run references\`\n`).join(''),
  };
}

async function checkMetadata() {
  const problems = updateMetadata(false);
  return { ok: problems.length === 0, output: problems.map((problem) => `${problem}\n`).join('') };
}

async function checkDocuments() {
  const problems = documentProblems();
  return { ok: problems.length === 0, output: problems.map((problem) => `${problem}\n`).join('') };
}

async function checkApi() {
  const problems = makeApiReports(false);
  return { ok: problems.length === 0, output: problems.map((problem) => `${problem}\n`).join('') };
}

async function checkWords() {
  const spelling = await runTool('cspell', ['lint', '--no-progress', '--no-summary', '--no-color']);
  const { output } = await runTool('git', [
    'ls-files',
    '*.md',
    '*.ts',
    '*.tsx',
    '*.mjs',
    '*.proto',
    '*.html',
  ]);
  const files = output.split('\n').filter((file) => file !== '' && !NOT_OURS.test(file));
  const terms = checkTerms(root, files);
  return { ok: spelling.ok && terms.length === 0, output: `${spelling.output}${terms.join('')}` };
}

function checkTypes() {
  return runTool('tsc', ['-b']);
}

function checkImports() {
  const folders = workspacePackages()
    .flatMap(({ folder }) => [`${folder}/src`, `${folder}/test`])
    .filter((folder) => existsSync(join(root, folder)));
  return runTool('depcruise', ['--config', '.dependency-cruiser.mjs', '--output-type', 'err', ...folders]);
}

async function checkSizes() {
  const result = await runTool('size-limit', ['--json']);
  const json = result.output.slice(result.output.indexOf('['));
  const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  try {
    const lines = JSON.parse(json).map(
      ({ name, size, sizeLimit }) => `${kB(size).padStart(8)} of ${kB(sizeLimit).padEnd(8)} ${name}\n`,
    );
    return { ok: result.ok, output: lines.join('') };
  } catch {
    return { ok: false, output: result.output };
  }
}

async function checkSchemas() {
  return inSequence(
    ['buf', ['lint', 'proto']],
    // Formatted by `buf format --write proto`.
    ['buf', ['format', 'proto', '--exit-code', '--diff']],
    ['buf', ['breaking', 'proto', '--against', 'proto/baseline.binpb']],
  );
}

/** Generates the code anew in another place, and compares. */
async function checkGenerated() {
  const fresh = mkdtempSync(join(tmpdir(), 'sotto-generated-'));
  try {
    const stale = [];
    for (const { folder, manifest } of workspacePackages()) {
      if (manifest.scripts?.generate === undefined) continue;
      const args = ['run', 'generate', '--output', join(fresh, folder)];
      const result = await runTool('pnpm', args, { cwd: join(root, folder) });
      if (!result.ok) return result;
      const [committed, wanted] = [root, fresh].map((parent) => filesBelow(join(parent, folder, GENERATED)));
      const names = new Set([...committed.keys(), ...wanted.keys()]);
      stale.push(
        ...[...names]
          .filter((name) => committed.get(name) !== wanted.get(name))
          .map((name) => `${folder}/${GENERATED}/${name} is out of date: run \`npm run generate\`\n`),
      );
    }
    return { ok: stale.length === 0, output: stale.join('') };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Texts of the files below a folder, by path. Line ends are Git's business and don't count. */
function filesBelow(folder) {
  const entries = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), readFileSync(path, 'utf8').replaceAll('\r\n', '\n')]),
  );
}

/** Runs tools one after another, all of them. */
async function inSequence(...commands) {
  const results = [];
  for (const [command, args, options] of commands) results.push(await runTool(command, args, options));
  return { ok: results.every(({ ok }) => ok), output: results.map(({ output }) => output).join('') };
}

/** Quint with what it needs is 43 MB, so it is installed beside the models, and only for this step. */
async function checkModels() {
  const cwd = join(root, 'docs', 'models');
  const bin = join(cwd, 'node_modules', '@informalsystems', 'quint', 'dist', 'src', 'cli.js');
  if (!existsSync(bin)) {
    const installed = await runTool('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd });
    if (!installed.ok) return installed;
  }
  const backend = '--backend=typescript';
  const steps = Object.entries({
    'group-log.qnt': ['--max-samples=80', '--max-steps=6'],
    'hybrid-session.qnt': ['--max-samples=2000', '--max-steps=16'],
  }).flatMap(([model, size]) => [
    [process.execPath, [bin, 'test', backend, model], { cwd }],
    [process.execPath, [bin, 'run', backend, ...size, '--invariant=Invariants', model], { cwd }],
  ]);
  return inSequence(...steps);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `Unknown step ${unknown.join(', ')}. Known: ${steps.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}

const results = [];
for (const step of steps) {
  if (wanted.length > 0 && !wanted.includes(step.name)) continue;
  const start = performance.now();
  let outcome;
  try {
    outcome = await step.run();
  } catch (error) {
    outcome = { ok: false, output: `${error instanceof Error ? error.stack : error}\n` };
  }
  const seconds = (performance.now() - start) / 1000;
  results.push({ name: step.name, ok: outcome.ok, seconds });
  process.stdout.write(
    `${outcome.ok ? 'pass' : 'FAIL'}  ${step.name.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s  ${step.about}\n`,
  );
  if (!outcome.ok || step.show)
    process.stdout.write(`${outcome.output.trimEnd().replace(/^/gm, '      ')}\n\n`);
}

mkdirSync(join(root, 'reports'), { recursive: true });
writeFileSync(join(root, 'reports', 'check.json'), `${JSON.stringify(results, null, 2)}\n`);
const failed = results.filter(({ ok }) => !ok);
process.stdout.write(
  failed.length === 0
    ? `All steps passed (${results.length}).\n`
    : `${failed.length} of ${results.length} steps failed: ${failed.map(({ name }) => name).join(', ')}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
