// Jazzer.js instruments what is required, and knows no ES modules: a target becomes one CommonJS file of our own code, which is
// instrumented, and one for each library, which is not.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { root } from '../workspace.mjs';

const require = createRequire(import.meta.url);
const expectFile = join(root, 'packages', 'testing', 'fuzz-engine', 'expect.mjs');

const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'error', absWorkingDir: root };

/** Where the input of a finding is, in hex, in the folder of the target: the fuzzer dies before it would write it. */
export const FINDING_FILE = 'finding.hex';

/** Of a target as an ES module, to call its `seeds`; packages are imported as they are. */
export async function bundleForNode(source, outfile) {
  await build({ ...common, entryPoints: [source], outfile, format: 'esm', packages: 'external' });
}

/** Of a target for the fuzzer, into `folder`. Returns the file. */
export async function bundleForFuzzer(source, folder) {
  const libraries = new Map();
  const outfile = join(folder, 'target.cjs');
  const entry = [
    `import target from ${JSON.stringify(source)};`,
    `import { judgeAndNote } from '@sotto/testing/fuzz';`,
    // The buffer is the fuzzer's, and changes.
    `export const fuzz = (data) => judgeAndNote(target, Uint8Array.from(data), ${JSON.stringify(join(folder, FINDING_FILE))});`,
  ].join('\n');
  await build({
    ...common,
    stdin: { contents: entry, resolveDir: join(source, '..'), loader: 'js' },
    outfile,
    format: 'cjs',
    logOverride: { 'empty-import-meta': 'silent' },
    plugins: [
      {
        name: 'libraries',
        setup({ onResolve, resolve }) {
          // Of Vitest, models use `expect` alone; its parts are found from where Vitest is.
          onResolve({ filter: /^vitest$/ }, () => ({ path: expectFile }));
          onResolve(
            { filter: /^[^./]/ },
            async ({ path, pluginData, kind, importer, resolveDir, namespace }) => {
              if (pluginData === 'resolving' || path.startsWith('@sotto/') || path.startsWith('node:'))
                return undefined;
              const found = await resolve(path, {
                kind,
                importer,
                resolveDir:
                  importer === expectFile ? dirname(require.resolve('vitest/package.json')) : resolveDir,
                namespace,
                pluginData: 'resolving',
              });
              if (found.external || found.errors.length > 0) return found;
              if (!found.path.includes('node_modules')) return undefined;
              const name = `${createHash('sha256').update(relative(root, found.path)).digest('hex').slice(0, 16)}.cjs`;
              libraries.set(found.path, name);
              return { path: `./libraries/${name}`, external: true };
            },
          );
        },
      },
    ],
  });
  for (const [path, name] of libraries) await bundleLibrary(path, join(folder, 'libraries', name));
  return outfile;
}

/** What can't be bundled, such as native code, is required from where it is. Where that fails too, our code does without it. */
async function bundleLibrary(path, outfile) {
  try {
    await build({ ...common, logLevel: 'silent', entryPoints: [path], outfile, format: 'cjs' });
  } catch {
    mkdirSync(dirname(outfile), { recursive: true });
    writeFileSync(outfile, `module.exports = require(${JSON.stringify(path)});\n`);
  }
}
