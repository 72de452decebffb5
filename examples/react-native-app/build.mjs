// Resolves and bundles the app as Metro does for React Native, and lowers it with React Native's Babel preset. What comes with
// React Native itself stays outside: a phone's tool chain is not here.

import { readFileSync, writeFileSync } from 'node:fs';
import { transformSync } from '@babel/core';
import { build } from 'esbuild';

await build({
  entryPoints: ['index.js'],
  outfile: 'dist/bundle.js',
  bundle: true,
  format: 'iife',
  jsx: 'automatic',
  platform: 'neutral',
  mainFields: ['react-native', 'browser', 'module', 'main'],
  conditions: ['react-native', 'import'],
  external: [
    'react',
    'react/jsx-runtime',
    'react-native',
    'react-native-get-random-values',
    'text-encoding-polyfill',
    '@react-native-async-storage/async-storage',
  ],
  target: 'es2021',
});
const { code } = transformSync(readFileSync('dist/bundle.js', 'utf8'), {
  presets: [['@react-native/babel-preset', { enableBabelRuntime: false }]],
  sourceType: 'script',
  babelrc: false,
  configFile: false,
  filename: 'bundle.js',
  compact: true,
});
writeFileSync('dist/bundle.lowered.js', code);
console.log(
  `did: ${Math.round(code.length / 1000)} kB without React Native itself; an app on a phone was not tried`,
);
