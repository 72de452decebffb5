// What the packages would look like to whoever installs them: the tarballs that a release would publish, what is in
// them, and what publint and attw say of them.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { publishedPackages } from './release/metadata.mjs';
import { root, runTool } from './workspace.mjs';

/** Of modules for `import` only: as TypeScript resolves them for CommonJS they need not be right. */
const IGNORED_RESOLUTIONS = ['node10', 'node16-cjs'];

export async function checkPackages() {
  const built = await runTool('tsc', ['-b']);
  if (!built.ok) return built;
  const packed = join(root, 'reports', 'packed');
  rmSync(packed, { recursive: true, force: true });
  mkdirSync(packed, { recursive: true });
  const packages = publishedPackages();
  // In one process, without the build that packing one of them begins with.
  const filters = packages.flatMap(({ manifest }) => ['--filter', manifest.name]);
  const options = ['--config.ignore-scripts=true', '--pack-destination', packed];
  const pack = await runTool('pnpm', ['--recursive', ...filters, 'pack', ...options]);
  if (!pack.ok) return pack;
  const problems = [];
  for (const { folder, manifest } of packages) {
    const name = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`;
    const tarball = join(packed, name);
    const found = await Promise.all([
      unresolvedDependencies(tarball),
      wrongContents(tarball, folder, manifest),
      wrongEntryPoints(tarball),
      wrongTypes(tarball),
    ]);
    problems.push(...found.flat().map((problem) => `${folder}: ${problem}\n`));
  }
  return { ok: problems.length === 0, output: problems.join('') };
}

/** What publint finds. */
async function wrongEntryPoints(tarball) {
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true, level: 'error' });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

/** What attw finds. */
async function wrongTypes(tarball) {
  const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  if (!analysis.types) return [];
  return analysis.problems
    .filter(({ resolutionKind }) => !IGNORED_RESOLUTIONS.includes(resolutionKind))
    .map((problem) => `attw: ${JSON.stringify(problem)}`);
}

/** Dependencies that nobody outside of this workspace could install. */
async function unresolvedDependencies(tarball) {
  const { output } = await runTool('tar', ['-xOzf', tarball, 'package/package.json']);
  const manifest = JSON.parse(output);
  return ['dependencies', 'peerDependencies', 'optionalDependencies']
    .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    .filter(([, range]) => /^(workspace|link|file|catalog):/.test(range))
    .map(([name, range]) => `depends on ${name}@${range}`);
}

/** What is packed and should not be, or the other way round. */
async function wrongContents(tarball, folder, { version }) {
  const { output } = await runTool('tar', ['-tzf', tarball]);
  const files = output
    .split('\n')
    .filter((file) => file !== '')
    .map((file) => file.replace(/^package\//, ''));
  const sources = new Set(readdirSync(join(root, folder, 'src'), { recursive: true }).map(slashed));
  // The first release writes the change logs.
  const always = ['README.md', 'LICENSE', ...(version === '0.0.0' ? [] : ['CHANGELOG.md'])];
  return [
    ...files.filter((file) => /\.tsbuildinfo$|^test\/|\.test\./.test(file)).map((file) => `packed ${file}`),
    ...files
      .filter((file) => !compiledFrom(file, sources))
      .map((file) => `packed ${file}, which has no source`),
    ...[
      ...always,
      ...[...sources]
        .filter((file) => /\.tsx?$/.test(file))
        .map((file) => `dist/${file.replace(/\.tsx?$/, '.js')}`),
    ]
      .filter((file) => !files.includes(file))
      .map((file) => `packed without ${file}`),
  ];
}

/** Whether a packed file that a build makes is one of today's build: a source was perhaps deleted since. */
function compiledFrom(file, sources) {
  const compiled = /^dist\/(.+?)(\.d\.ts|\.js)(\.map)?$/.exec(file);
  return compiled === null || ['ts', 'tsx'].some((kind) => sources.has(`${compiled[1]}.${kind}`));
}

const slashed = (path) => path.replaceAll('\\', '/');
