// Mutation testing of the protocol layers that everything stands on: `npm run mutation`, report in reports/mutation/.
export default {
  packageManager: 'pnpm',
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: ['packages/{x3dh,double-ratchet,triple-ratchet}/src/**/*.ts', '!**/index.ts'],
  ignorePatterns: ['reports', 'coverage', '.turbo', '**/.turbo', 'apps', 'proto', 'docs'],
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // A mutant of a loop may never end; the slowest honest test takes some seconds.
  timeoutMS: 20_000,
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportMutants: true },
  htmlReporter: { fileName: 'reports/mutation/mutation.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
};
