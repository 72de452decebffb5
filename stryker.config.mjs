// Mutation testing of one target, started by scripts/mutation.mjs: `npm run mutation -- NAME`.
import { existsSync } from 'node:fs';
import process from 'node:process';
import { currentTarget } from './scripts/mutation/targets.mjs';

const { name, folder, mutate } = currentTarget();
/** What to mutate of it; all when there is none. */
const ranges = process.env['SOTTO_MUTATION_RANGES']?.split(',');
// A pattern that matches nothing is warned of.
const generated = existsSync(`${folder}/src/generated`) ? ['!**/generated/**'] : [];
const reports = `reports/mutation/${name}`;

export default {
  packageManager: 'pnpm',
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner', './scripts/mutation/reporter.mjs'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: [...(ranges ?? [`${folder}/${mutate}`]), '!**/index.ts', ...generated],
  // Texts are for people.
  mutator: { excludedMutations: ['StringLiteral'] },
  // What runs once when a module is loaded can't be switched on for single tests.
  ignoreStatic: true,
  coverageAnalysis: 'perTest',
  // Only the package is copied, and what its tests are configured with. Other packages are loaded from where they are, compiled.
  ignorePatterns: [
    '**',
    `!${folder}/**`,
    '!scripts/mutation/**',
    '!vitest.mutation.config.ts',
    '!package.json',
    '!**/tsconfig*.json',
    '**/node_modules',
    '**/.stryker-tmp',
    '**/.build',
  ],
  tempDirName: `.stryker-tmp/${name}`,
  // Vitest checks no types.
  disableTypeChecks: false,
  concurrency: 1,
  dryRunTimeoutMinutes: 30,
  // For mutants of loops that never end, beside what the tests usually take.
  timeoutMS: 30_000,
  // What is known of all lines is not replaced by what is known of some.
  incremental: ranges === undefined,
  incrementalFile: `${reports}/incremental.json`,
  reporters: ranges === undefined ? ['lines', 'html', 'json'] : ['lines'],
  logLevel: 'error',
  htmlReporter: { fileName: `${reports}/mutation.html` },
  jsonReporter: { fileName: `${reports}/mutation.json` },
};
