// What the packages would look like to whoever installs them: publint and attw by a script of each package, and the
// contents of the tarballs that a release would publish.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, runTool, workspacePackages } from './workspace.mjs';

export async function checkPackages() {
  const packed = join(root, 'reports', 'packed');
  rmSync(packed, { recursive: true, force: true });
  const problems = [];
  const scripts = await runTool('pnpm', ['--recursive', '--workspace-concurrency=2', 'run', 'check:package']);
  if (!scripts.ok) problems.push(scripts.output);
  for (const { folder, manifest } of workspacePackages()) {
    if (manifest.private) continue;
    const destination = join(packed, folder);
    mkdirSync(destination, { recursive: true });
    const pack = await runTool('pnpm', ['pack', '--pack-destination', destination], {
      cwd: join(root, folder),
    });
    const tarball = readdirSync(destination).map((name) => join(destination, name))[0];
    if (!pack.ok || tarball === undefined) {
      problems.push(`${folder}: pnpm pack\n${pack.output}`);
      continue;
    }
    const [unresolved, contents] = await Promise.all([
      unresolvedDependencies(tarball),
      wrongContents(tarball, folder, manifest),
    ]);
    if (unresolved.length > 0) problems.push(`${folder}: depends on ${unresolved.join(', ')}\n`);
    if (contents.length > 0) problems.push(`${folder}: packed ${contents.join(', ')}\n`);
  }
  return { ok: problems.length === 0, output: problems.join('\n') };
}

/** Dependencies that nobody outside of this workspace could install. */
async function unresolvedDependencies(tarball) {
  const { output } = await runTool('tar', ['-xOzf', tarball, 'package/package.json']);
  const manifest = JSON.parse(output);
  return ['dependencies', 'peerDependencies', 'optionalDependencies']
    .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
    .filter(([, range]) => /^(workspace|link|file|catalog):/.test(range))
    .map(([name, range]) => `${name}@${range}`);
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
    ...files.filter((file) => /\.tsbuildinfo$|^test\/|\.test\./.test(file)),
    ...files.filter((file) => !compiledFrom(file, sources)).map((file) => `${file}, which has no source`),
    ...always.filter((file) => !files.includes(file)).map((file) => `without ${file}`),
    ...[...sources]
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => `dist/${file.replace(/\.tsx?$/, '.js')}`)
      .filter((file) => !files.includes(file))
      .map((file) => `without ${file}`),
  ];
}

/** Whether a packed file that a build makes is one of today's build: a source was perhaps deleted since. */
function compiledFrom(file, sources) {
  const compiled = /^dist\/(.+?)(\.d\.ts|\.js)(\.map)?$/.exec(file);
  return compiled === null || ['ts', 'tsx'].some((kind) => sources.has(`${compiled[1]}.${kind}`));
}

const slashed = (path) => path.replaceAll('\\', '/');
