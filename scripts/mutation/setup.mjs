// A setup file of Vitest: test files, and what they load, are loaded without the mutant that an earlier run left switched on. Stryker
// switches its own on before the first test of each file.
const stryker = globalThis.__stryker__;
if (stryker !== undefined) stryker.activeMutant = undefined;
