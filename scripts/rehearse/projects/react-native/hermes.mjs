// Compiles the app for Hermes, as React Native's build does, and runs it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { transformSync } from '@babel/core';
import { bundle } from './bundle.mjs';

const hermes = `node_modules/hermes-engine-cli/${{ linux: 'linux64-bin/hermes', darwin: 'osx-bin/hermes' }[process.platform]}`;
if (!existsSync(hermes)) {
  console.log(`not here: no Hermes for ${process.platform}`);
} else {
  await bundle('hermes-bundle.js', ['polyfills.mjs']);
  const { code } = transformSync(readFileSync('hermes-bundle.js', 'utf8'), {
    presets: [['@react-native/babel-preset', { enableBabelRuntime: false, unstable_transformProfile: 'hermes-stable' }]],
    sourceType: 'script',
    babelrc: false,
    configFile: false,
    filename: 'hermes-bundle.js',
    compact: false,
  });
  // Its timers would keep it alive.
  writeFileSync('hermes-app.js', `globalThis.report = (text) => (print(text), quit());\n${code}`);
  const { status, stdout, stderr } = spawnSync(hermes, ['-O', '-w', 'hermes-app.js'], { encoding: 'utf8' });
  console.log(stdout, stderr);
  if (status !== 0 || !/^did: /m.test(stdout)) process.exitCode = 1;
}
