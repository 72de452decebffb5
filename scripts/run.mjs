// The one door to the repository's tasks: installs what is missing with the pinned pnpm, then runs the task.
// Needs nothing but Node and npm: pnpm comes through npx for the install and from node_modules afterwards.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'node_modules', '.bin');
const { packageManager, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const tasks = {
  build: [['turbo', 'run', 'build']],
  test: [['turbo', 'run', 'build', 'test']],
  demo: [
    ['turbo', 'run', 'build', '--filter=@sotto/demo', '--output-logs=errors-only'],
    ['node', 'apps/demo/dist/main.js'],
  ],
  check: [['node', 'scripts/check.mjs']],
  format: [['biome', 'check', '--write', '.']],
};

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function run(command, args) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
      TURBO_TELEMETRY_DISABLED: '1',
      TURBO_NO_UPDATE_NOTIFIER: '1',
      DO_NOT_TRACK: '1',
    },
  });
  if (result.error) fail(`Could not start ${command}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(
      `Sotto needs Node ${engines.node}; this is ${process.version}. Install a newer Node and run this again.`,
    );
  }
}

/** The install is current when pnpm's own record is newer than the lock file. */
function installed() {
  const record = join(root, 'node_modules', '.modules.yaml');
  return existsSync(record) && statSync(record).mtimeMs >= statSync(join(root, 'pnpm-lock.yaml')).mtimeMs;
}

const [name = '', ...rest] = process.argv.slice(2);
const steps = tasks[name];
if (!steps) fail(`Unknown task "${name}". Known: ${Object.keys(tasks).join(', ')}`);
checkNode();
if (!installed()) {
  process.stderr.write(`Installing dependencies with ${packageManager} (first run only)...\n`);
  run('npx', [
    '--yes',
    packageManager,
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
    '--loglevel=warn',
  ]);
}
steps.forEach(([command, ...args], index) => {
  run(command, index === steps.length - 1 ? [...args, ...rest] : args);
});
