/**
 * What people install with our packages: licences, scripts that would run, how many versions of each cryptographic library, and the
 * bytes of native and WebAssembly builds. Prints faults and ends with 1 when there are any.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import process from 'node:process';
import { publishedPackages } from './release/metadata.mjs';
import { binaries } from './supply-chain/binaries.mjs';
import { dependenciesOf } from './supply-chain/dependencies.mjs';
import { root } from './workspace.mjs';

/** Whoever may use our packages may use these. A choice counts when one of it is here, a conjunction when all are. */
const LICENCES = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Unlicense', 'CC0-1.0'];
/** Two versions of one of these would be two implementations to review, and twice the size. */
const ONE_VERSION = /^(@noble|@scure)\//;
/**
 * These bring older ones of their own: viem, for names of ENS; and the @noble/post-quantum of age, for recipients that attachments don't use.
 * The one of `@sotto/crypto` is pinned to a version that has ours.
 */
const WITH_THEIR_OWN = ['viem', '@noble/post-quantum'];
/** LevelDB, for the programs that keep a store in files: the script chooses the build that is in the package. */
const MAY_RUN_SCRIPTS = ['classic-level'];

const faults = [];
const folders = publishedPackages().map(({ folder }) => folder);
const dependencies = dependenciesOf(folders);

for (const [id, { manifest, dependents }] of dependencies) {
  const by = `, which ${[...dependents].sort().join(', ')} ${dependents.size === 1 ? 'needs' : 'need'}`;
  if (!isAllowed(manifest.license))
    faults.push(`${id}${by}, has the licence ${manifest.license ?? '(none)'}`);
  const script = ['preinstall', 'install', 'postinstall'].find(
    (name) => manifest.scripts?.[name] !== undefined,
  );
  if (script !== undefined && !MAY_RUN_SCRIPTS.includes(manifest.name))
    faults.push(`${id}${by}, runs a script when it is installed: ${script}`);
}

const versions = grouped(
  [...dependenciesOf(folders, WITH_THEIR_OWN).values()],
  ({ manifest }) => manifest.name,
);
for (const [name, list] of versions)
  if (ONE_VERSION.test(name) && list.length > 1)
    faults.push(
      `${name} comes in ${list.map(({ manifest, dependents }) => `${manifest.version} (${[...dependents]})`).join(' and ')}`,
    );

for (const { name, version, files, sha256 } of binaries) {
  const folder = join(
    root,
    'node_modules',
    '.pnpm',
    `${name.replace('/', '+')}@${version}`,
    'node_modules',
    name,
  );
  if (!existsSync(folder)) {
    faults.push(`${name} ${version} is in scripts/supply-chain/binaries.mjs, and isn't installed`);
    continue;
  }
  const actual = digestOf(folder, files);
  if (actual !== sha256)
    faults.push(`${name} ${version}: its binaries have the SHA-256 ${actual}, not ${sha256}`);
}

for (const fault of faults) process.stdout.write(`${fault}\n`);
process.stdout.write(
  `${dependencies.size} dependencies of published packages, ${binaries.length} packages with binaries\n`,
);
process.exitCode = faults.length === 0 ? 0 : 1;

function isAllowed(expression = '') {
  const text = expression.replace(/^\(|\)$/g, '');
  if (text.includes(' OR ')) return text.split(' OR ').some(isAllowed);
  if (text.includes(' AND ')) return text.split(' AND ').every(isAllowed);
  return LICENCES.includes(text);
}

function digestOf(folder, files) {
  const list = readdirSync(folder, { recursive: true })
    .map((file) => file.split(sep).join('/'))
    .filter((file) => files.test(file))
    .sort()
    .map((file) => `${hashOf(readFileSync(join(folder, file)))}  ${file}\n`);
  return list.length === 0 ? 'of nothing' : hashOf(list.join(''));
}

function hashOf(content) {
  return createHash('sha256').update(content).digest('hex');
}

function grouped(list, keyOf) {
  const groups = new Map();
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}
