// Bundles the page into dist/site, unless nothing has changed since it was bundled last.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const app = fileURLToPath(new URL('..', import.meta.url));

/** When a file was last written, or the newest file in a folder. Milliseconds since the epoch; 0 when there is none. */
function writtenAt(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => writtenAt(join(path, name))));
}

/** What the compiler wrote last in this package and in those it depends on. */
function compiledAt() {
  const { references = [] } = JSON.parse(readFileSync(join(app, 'tsconfig.json'), 'utf8'));
  return Math.max(
    ...references.map(({ path }) => writtenAt(join(app, path, 'dist', 'tsconfig.tsbuildinfo'))),
  );
}

const inputs = ['src', 'public', 'index.html', 'vite.config.ts', 'package.json', '../../pnpm-lock.yaml'];
const changedAt = Math.max(compiledAt(), ...inputs.map((path) => writtenAt(join(app, path))));

if (writtenAt(join(app, 'dist', 'site', 'index.html')) < changedAt) {
  process.stderr.write('Bundling the page...\n');
  // Loaded only when it is needed: that takes most of a second.
  const { build } = await import('vite');
  await build({ root: app, logLevel: 'warn' });
}
