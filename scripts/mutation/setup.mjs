// A setup file of Vitest: test files, and what they load, are loaded without the mutant that an earlier run left switched on. Stryker
// switches its own on before the first test of each file.
import { currentTarget } from './targets.mjs';

const stryker = globalThis.__stryker__;
if (stryker !== undefined) stryker.activeMutant = undefined;

// What sources load when they need it is loaded here, so that what runs once with it isn't taken for a part of the first test.
const { folder, loadedLater = [] } = currentTarget();
for (const file of loadedLater) await import(`../../${folder}/${file}`);
