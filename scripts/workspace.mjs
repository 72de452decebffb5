// What the scripts share: where the repository is, which packages it has, and how a tool of it is run.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The environment in which the repository's own tools come first. */
export const toolEnvironment = {
  ...process.env,
  PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
};

export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Every folder of packages/ and apps/ with a package.json: `{ folder: 'packages/core', manifest }`. */
export function workspacePackages() {
  return ['packages', 'apps'].flatMap((parent) => {
    const path = join(root, parent);
    const names = existsSync(path) ? readdirSync(path).sort() : [];
    return names
      .map((name) => ({ folder: `${parent}/${name}`, file: join(path, name, 'package.json') }))
      .filter(({ file }) => existsSync(file))
      .map(({ folder, file }) => ({ folder, manifest: readJson(file) }));
  });
}

/** Runs a tool until it ends, and returns what it printed. Never throws: a tool that can't be started has failed. */
export function runTool(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: toolEnvironment,
      shell: process.platform === 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ ok: false, output: `${command}: ${error.message}\n` }));
    child.on('close', (code, signal) => {
      resolve({
        ok: code === 0,
        output: signal === null ? output : `${output}${command} ended by ${signal}\n`,
      });
    });
  });
}
