// The steps of a release, each in the folder of a checkout: the real one, or a copy in which to try it.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readJson, root, runTool } from '../workspace.mjs';
import { publishedPackages } from './metadata.mjs';

/** Runs a tool, and throws what it printed if it fails. */
export async function mustRun(command, args, options) {
  const { ok, output } = await runTool(command, args, options);
  if (!ok) throw new Error(`${[command, ...args].join(' ')} failed:\n${output}`);
  return output;
}

/**
 * A copy of the working tree, as a Git repository of its own, with its dependencies installed and without `dist`.
 * @returns its folder, which the caller deletes
 */
export async function copyRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'sotto-release-'));
  try {
    const listed = await mustRun('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
    const deleted = new Set((await mustRun('git', ['ls-files', '--deleted'])).split('\n'));
    for (const file of listed.split('\n').filter((file) => file !== '' && !deleted.has(file))) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      cpSync(join(root, file), join(copy, file));
    }
    const cwd = copy;
    const author = ['-c', 'user.name=Rehearsal', '-c', 'user.email=rehearsal@example.invalid'];
    await mustRun('git', ['init', '--quiet', '--initial-branch=main'], { cwd });
    await mustRun('git', ['add', '--all'], { cwd });
    await mustRun('git', [...author, 'commit', '--quiet', '--message', 'Copy the working tree'], { cwd });
    await mustRun('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--loglevel=warn'], { cwd });
    return copy;
  } catch (error) {
    rmSync(copy, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Turns the files in `.changeset` into versions and change logs.
 * @returns the version of all published packages, which go together
 */
export async function versionPackages(folder) {
  await mustRun('changeset', ['version'], { cwd: folder });
  return versionOf(folder);
}

export function versionOf(folder) {
  return readJson(join(folder, 'packages', 'core', 'package.json')).version;
}

/** Builds all packages from nothing, so that nothing is packed that has no source any more. */
export async function buildPackages(folder) {
  const folders = publishedPackages().map((published) => published.folder);
  for (const each of folders) rmSync(join(folder, each, 'dist'), { recursive: true, force: true });
  await mustRun('tsc', ['-b', ...folders], { cwd: folder });
}

/** Packs every package, and looks into the tarballs. */
export async function checkTarballs(folder) {
  await mustRun(process.execPath, ['scripts/check.mjs', 'metadata', 'packages'], { cwd: folder });
}

/** Publishes every package whose version the registry does not have yet. */
export function publishPackages(folder, args, env = process.env) {
  const filters = ['./packages/*', './apps/*'].flatMap((folders) => ['--filter', folders]);
  const command = ['--recursive', ...filters, 'publish', '--no-git-checks'];
  return mustRun('pnpm', [...command, ...args], { cwd: folder, env });
}
