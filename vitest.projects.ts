// What the Vitest configs share: one project for each package that has such tests.
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, relative, sep } from 'node:path';
import type { TestProjectInlineConfiguration } from 'vitest/config';

const root = import.meta.dirname;

type ProjectOptions = NonNullable<TestProjectInlineConfiguration['test']>;

/** From a package's own folder only that package's tests run: `../../node_modules/.bin/vitest run`. */
const [parent, name] = relative(root, process.cwd()).split(sep);

/**
 * Their test files share a process, which loads the package once. Not of packages whose tests replace modules or leave
 * sockets and processes to end by themselves.
 */
const sharing = [
  'agent',
  'compliance',
  'conversations',
  'core',
  'device',
  'double-ratchet',
  'group-log',
  'identity',
  'messenger',
  'protocol-codec',
  'sender-keys',
  'triple-ratchet',
  'x3dh',
].map((package_) => `packages/${package_}`);

/** Programs that the tests of a package start many times. They are bundled first, see `vitest.programs.ts`. */
export const programs: Readonly<Record<string, readonly (readonly [folder: string, entry: string])[]>> = {
  'apps/bots': [
    ['apps/bots', 'dist/main.js'],
    ['apps/whisper-node', 'dist/main.js'],
  ],
  'apps/chat-cli': [
    ['apps/chat-cli', 'dist/main.js'],
    ['apps/whisper-node', 'dist/main.js'],
  ],
  'apps/demo': [['apps/demo', 'dist/main.js']],
  'apps/interop-peer': [['apps/interop-peer', 'dist/main.js']],
  'apps/whisper-node': [
    ['apps/whisper-node', 'dist/main.js'],
    ['apps/whisper-node', 'test/network/children/participant.ts'],
  ],
  'packages/device-linking': [['packages/device-linking', 'test/crash/side.mjs']],
  'packages/messenger': [
    ['packages/messenger', 'test/crash/child.mjs'],
    ['packages/messenger', 'test/crash/roles.mjs'],
  ],
  'packages/store-adapters': [
    ['packages/store-adapters', 'test/children/holder.ts'],
    ['packages/store-adapters', 'test/children/owner.ts'],
    ['packages/store-adapters', 'test/children/writer.ts'],
  ],
};

/** The packages and apps whose tests run, as in `packages/x3dh`. */
export const folders: readonly string[] = ['packages', 'apps']
  .flatMap((kind) => readdirSync(join(root, kind)).map((folder) => `${kind}/${folder}`))
  .filter((folder) => existsSync(join(root, folder, 'test')))
  .filter((folder, _, all) => folder === `${parent}/${name}` || !all.includes(`${parent}/${name}`));

/**
 * One project for each package and app with tests in `folder`, under the package's name: `vitest run --project x3dh`.
 *
 * @param folder in the package, as in `test/browser`
 * @param among the packages and apps to look in. Default: all
 */
export function projects(
  folder: string,
  options: ProjectOptions = {},
  among: readonly string[] = folders,
): TestProjectInlineConfiguration[] {
  return folders
    .filter((path) => among.includes(path) && existsSync(join(root, path, folder)))
    .map((path) => ({
      extends: true,
      root: join(root, path),
      test: {
        name: basename(path),
        include: [`${folder}/**/*.test.ts`],
        isolate: !sharing.includes(path),
        ...options,
        globalSetup: [
          ...(path in programs ? [join(root, 'vitest.programs.ts')] : []),
          ...[options.globalSetup ?? []].flat(),
        ],
      },
    }));
}

export const shared = {
  // Guards against hanging only: tests do arithmetic and start processes, on machines that may be busy.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // Two more than there are cores: many tests wait for programs that they started.
  maxWorkers: availableParallelism() + 2,
  // Node loads what is compiled by itself, much faster than through Vite.
  server: { deps: { external: [/\/(packages|apps)\/[^/]+\/dist\//] } },
};
