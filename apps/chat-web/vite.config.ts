import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const SERVICE_WORKER = fileURLToPath(new URL('src/service-worker.js', import.meta.url));
/** What is in `public` and belongs to the page itself. Its settings, `config.json`, are read anew each time. */
const PUBLIC = ['icon.svg', 'icon-192.png', 'manifest.webmanifest'];

/** Loaded, and kept, only where names and keys are looked up. */
const LATER = /^assets\/(ens|ccip|ipns)-/;

/** Writes `service-worker.js`, which knows the files of this build. */
const serviceWorker: Plugin = {
  name: 'service-worker',
  generateBundle(_, bundle) {
    const built = Object.keys(bundle).filter((name) => /\.(js|css|wasm)$/.test(name) && !LATER.test(name));
    const files = ['./', ...PUBLIC, ...built].sort();
    const version = createHash('sha256').update(files.join()).digest('hex').slice(0, 16);
    const constants = `const VERSION = '${version}';\nconst FILES = ${JSON.stringify(files)};\n`;
    const source = `${constants}${readFileSync(SERVICE_WORKER, 'utf8')}`;
    this.emitFile({ type: 'asset', fileName: 'service-worker.js', source });
  },
};

export default defineConfig({
  base: './', // wherever it is served from
  build: { outDir: 'dist/site', target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 1000 },
  worker: { format: 'es' }, // the miner's threads are modules
  plugins: [serviceWorker],
});
