// Runs the app where there is nothing but the language, and the globals that are named here. React Native has all but
// `polyfilled`; each is shown to be needed by a run without it.
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { bundle } from './bundle.mjs';

const ofReactNative = { setTimeout, clearTimeout, queueMicrotask, AbortController, AbortSignal };
const polyfilled = {
  crypto: { getRandomValues: (array) => crypto.getRandomValues(array) },
  TextEncoder,
  TextDecoder,
};

await bundle('app-bundle.js', []);
const code = readFileSync('app-bundle.js', 'utf8');

/** Without a timer, or what else it waits for, the app may say nothing at all. */
const LIMIT_MS = 4_000;

function run(globals) {
  return new Promise((resolve) => {
    setTimeout(resolve, LIMIT_MS, 'failed: it says nothing');
    const context = vm.createContext({ ...globals, report: resolve });
    // As V8 and Hermes both have them, but a new context in Node.js does not share its classes.
    context.Uint8Array = Uint8Array;
    context.ArrayBuffer = ArrayBuffer;
    try {
      vm.runInContext(code, context);
    } catch (error) {
      resolve(`failed: ${error}`);
    }
  });
}

const all = { ...ofReactNative, ...polyfilled };
const outcome = await run(all);
if (!outcome.startsWith('did')) throw new Error(outcome);
const needed = [];
const spare = [];
for (const name of Object.keys(all)) {
  const { [name]: _, ...others } = all;
  const without = await run(others);
  (without.startsWith('did') ? spare : needed).push(name);
}
const missing = needed.filter((name) => name in polyfilled);
if (missing.join() !== Object.keys(polyfilled).join())
  throw new Error(`React Native lacks ${missing.join(', ')}`);
console.log(`needed: ${needed.join(', ')}; not needed for this: ${spare.join(', ')}`);
console.log(`${outcome}; needs ${missing.join(', ')} from a polyfill`);
process.exit();
