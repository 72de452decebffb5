// The one door to the repository's tasks: installs what is missing with the pinned pnpm, then runs the task.
// Needs nothing but Node and npm: pnpm comes through npx for the install and from node_modules afterwards.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root, toolEnvironment } from './workspace.mjs';

const { packageManager, engines } = readJson(join(root, 'package.json'));

const tasks = {
  install: [],
  build: [['turbo', 'run', 'build']],
  test: [
    ['tsc', '-b'],
    ['vitest', 'run'],
  ],
  'test:browser': [
    ['tsc', '-b'],
    ['node', 'apps/chat-web/scripts/bundle.mjs'],
    ['vitest', 'run', '--config', 'vitest.browser.config.ts'],
  ],
  'test:go': [
    ['tsc', '-b'],
    ['node', 'apps/chat-web/scripts/bundle.mjs'],
    ['vitest', 'run', '--config', 'vitest.go.config.ts'],
  ],
  'test:chain': [
    ['tsc', '-b'],
    ['vitest', 'run', '--config', 'vitest.chain.config.ts'],
  ],
  'test:network': [
    ['tsc', '-b'],
    ['vitest', 'run', '--config', 'vitest.network.config.ts'],
  ],
  'test:postgres': [
    ['tsc', '-b'],
    ['vitest', 'run', '--config', 'vitest.postgres.config.ts'],
  ],
  'test:waku': [
    ['tsc', '-b'],
    ['vitest', 'run', '--config', 'vitest.waku.config.ts'],
  ],
  demo: [
    // One compiler for the demo and all that it references: several times faster than one a package.
    ['tsc', '-b', 'apps/demo'],
    ['node', 'apps/demo/dist/main.js'],
  ],
  'demo:names': [
    ['tsc', '-b', 'apps/demo'],
    ['node', 'apps/demo/dist/names.js'],
  ],
  'whisper-node': [
    ['tsc', '-b', 'apps/whisper-node'],
    ['node', 'apps/whisper-node/dist/main.js'],
  ],
  'chat-cli': [
    ['tsc', '-b', 'apps/chat-cli'],
    ['node', 'apps/chat-cli/dist/main.js'],
  ],
  chat: [
    ['tsc', '-b', 'apps/chat-web', 'apps/whisper-node'],
    ['node', 'apps/chat-web/scripts/bundle.mjs'],
    ['node', 'scripts/chat.mjs'],
  ],
  bench: [
    ['tsc', '-b', 'apps/bench'],
    ['node', 'apps/bench/dist/main.js'],
  ],
  generate: [['pnpm', '--recursive', '--if-present', 'run', 'generate']],
  api: [
    ['tsc', '-b'],
    ['node', 'scripts/api-reports.mjs'],
  ],
  check: [['node', 'scripts/check.mjs']],
  docs: [
    ['tsc', '-b'],
    ['node', 'scripts/docs.mjs'],
  ],
  rehearse: [
    ['tsc', '-b'],
    ['node', 'scripts/rehearse.mjs'],
  ],
  release: [['node', 'scripts/release.mjs']],
  mutation: [
    ['tsc', '-b'],
    ['node', 'scripts/mutation.mjs'],
  ],
  fuzz: [
    ['tsc', '-b'],
    ['node', 'scripts/fuzz.mjs'],
  ],
  format: [['biome', 'check', '--write', '.']],
};

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function run(command, args, advice) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: toolEnvironment,
  });
  if (result.error) fail(`Could not start ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    if (advice !== undefined) process.stderr.write(`\n${advice}\n`);
    process.exit(result.status ?? 1);
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(
      `Sotto needs Node ${engines.node}; this is ${process.version}. Install a newer Node (https://nodejs.org) and run this again.`,
    );
  }
}

/** The install is current when pnpm's own record is newer than the lock file. */
function installed() {
  const record = join(root, 'node_modules', '.modules.yaml');
  return existsSync(record) && statSync(record).mtimeMs >= statSync(join(root, 'pnpm-lock.yaml')).mtimeMs;
}

// A Ctrl-C comes to the tool under way as well: it ends in its own time, and so do we.
process.on('SIGINT', () => {});

const [name = '', ...rest] = process.argv.slice(2);
const steps = tasks[name];
if (!steps) fail(`Unknown task "${name}". Known: ${Object.keys(tasks).join(', ')}`);
checkNode();
if (!installed()) {
  process.stderr.write(
    `Installing dependencies with ${packageManager} (the first time only, about half a minute)...\n`,
  );
  // How far it is, where somebody looks on.
  const reporter = process.stdout.isTTY ? [] : ['--reporter=append-only', '--loglevel=warn'];
  run(
    'npx',
    ['--yes', packageManager, 'install', '--frozen-lockfile', ...reporter],
    [
      'Installing the dependencies failed; nothing was built or run. Usual reasons:',
      '- no way to the npm registry: the first run needs it (`npm ping` tells); later runs do not',
      `- package.json was changed without the lock file: run \`npx --yes ${packageManager} install\``,
      '- no space left on the disk: about 1 GB is needed',
    ].join('\n'),
  );
}
steps.forEach(([command, ...args], index) => {
  if (command === 'tsc') {
    const isFirst = !existsSync(join(root, 'packages', 'core', 'dist'));
    process.stderr.write(
      isFirst ? 'Compiling (about half a minute the first time)...\n' : 'Compiling what has changed...\n',
    );
  }
  run(command, index === steps.length - 1 ? [...args, ...rest] : args);
});
