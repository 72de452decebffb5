// A setup file of Vitest. Test files, and what they load, are loaded without the mutant that an earlier run left switched on: Stryker
// switches its own on before the first test of each file. And a test that waits for what never comes ends soon, which is cheaper
// than Stryker's own timeout: that starts the runner anew.
import { inject, vi } from 'vitest';

const MUTANT_TEST_TIMEOUT_MS = 20_000;

const stryker = globalThis.__stryker__;
if (stryker !== undefined) stryker.activeMutant = undefined;
if (inject('mode') === 'mutant') vi.setConfig({ testTimeout: MUTANT_TEST_TIMEOUT_MS });
