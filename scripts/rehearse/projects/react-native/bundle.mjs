import { build } from 'esbuild';

/** The app in one file, resolved as Metro does for React Native. */
export async function bundle(outfile, inject) {
  await build({
    entryPoints: ['app.mjs'],
    bundle: true,
    format: 'iife',
    platform: 'neutral',
    mainFields: ['react-native', 'browser', 'module', 'main'],
    conditions: ['react-native', 'import'],
    inject,
    // Babel does the rest for Hermes.
    target: 'es2021',
    outfile,
  });
}
