// Bundles all of it but Electron and the native addon, as a packager would.
import { build } from 'esbuild';

const common = { bundle: true, outdir: 'dist', external: ['electron', 'classic-level'], logLevel: 'warning' };
await build({
  ...common,
  entryPoints: ['src/main.js'],
  platform: 'node',
  format: 'esm',
  target: 'node22',
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
});
await build({ ...common, entryPoints: ['src/preload.cjs'], platform: 'node', format: 'cjs' });
await build({
  ...common,
  entryPoints: ['src/page.js'],
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
});
console.log('did: main process, preload and page; a window was not opened');
