import { defineConfig } from 'vite';

export default defineConfig({
  base: './', // wherever it is served from
  build: { outDir: 'dist/site', target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 1000 },
  worker: { format: 'es' }, // the miner's threads are modules
});
