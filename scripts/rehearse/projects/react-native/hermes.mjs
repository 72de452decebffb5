// Compiles the app for Hermes, as React Native's build does, and runs it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { transformSync } from '@babel/core';
import { bundle } from './bundle.mjs';

const hermes = `node_modules/hermes-engine-cli/${{ linux: 'linux64-bin/hermes', darwin: 'osx-bin/hermes' }[process.platform]}`;
if (!existsSync(hermes)) {
  console.log(`not here: no Hermes for ${process.platform}`);
} else {
  await bundle('hermes-bundle.js', ['hermes-timers.mjs', 'polyfills.mjs']);
  const { code } = transformSync(readFileSync('hermes-bundle.js', 'utf8'), {
    presets: [
      [
        '@react-native/babel-preset',
        { enableBabelRuntime: false, unstable_transformProfile: 'hermes-stable' },
      ],
    ],
    sourceType: 'script',
    babelrc: false,
    configFile: false,
    filename: 'hermes-bundle.js',
    compact: false,
  });
  // Its timers would keep it alive.
  writeFileSync(
    'hermes-app.js',
    `globalThis.messageOnly = true; globalThis.report = (text) => (print(text), quit());\n${code}`,
  );
  // Quitting is an error to it, so what it prints counts.
  const { stdout, stderr } = spawnSync(hermes, ['-O', '-w', 'hermes-app.js'], { encoding: 'utf8' });
  console.log(stdout);
  if (!/^did: /m.test(stdout)) {
    console.log(stderr);
    process.exitCode = 1;
  }
}
