import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

/**
 * Installs an npm project that tests need and the workspace doesn't have, once for this checkout, from its lock file.
 * @param folder with its `package.json`
 * @param what said while it takes long
 */
export async function installProject(folder: string, what: string): Promise<string> {
  if (!isInstalled(folder)) {
    process.stderr.write(`Installing ${what}, once, with 60 MB ...\n`);
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', args, { cwd: folder, shell: process.platform === 'win32' });
  }
  return folder;
}

/** The install is current when npm's own record of it is newer than the lock file. */
function isInstalled(folder: string): boolean {
  const record = join(folder, 'node_modules', '.package-lock.json');
  return (
    existsSync(record) && statSync(record).mtimeMs >= statSync(join(folder, 'package-lock.json')).mtimeMs
  );
}
