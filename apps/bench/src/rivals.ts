import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../rivals/', import.meta.url));

function versionOf(manifest: string): string | undefined {
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
}

/**
 * Installs the rivals next to their adapters, unless they are installed. Nothing else depends on them, and their install
 * scripts don't run.
 */
export function installRivals(): void {
  const { dependencies } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const missing = Object.entries(dependencies).filter(
    ([name, version]) => versionOf(`${folder}node_modules/${name}/package.json`) !== version,
  );
  if (missing.length === 0) return;
  process.stderr.write(`Installing ${missing.length} other libraries (first run only)...\n`);
  const { status } = spawnSync(
    'npm',
    ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' },
  );
  if (status !== 0) {
    throw new Error(
      'The rivals could not be installed: the npm registry has to be reached for it (`npm ping` tells).',
    );
  }
}
