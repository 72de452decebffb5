import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, parse } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** Packages of native code, which load what is beside them. */
const NATIVE = /^(classic-level|libsql|snappy)$/;
/** Loaded by a library only where it is installed. */
const MISSING = ['react-devtools-core', 'bufferutil', 'utf-8-validate'];

/** Modules find their workers and packages from where they were, not from the bundle. */
const inPlace: Plugin = {
  name: 'in-place',
  setup(builder) {
    builder.onResolve({ filter: NATIVE }, ({ path, resolveDir }) => ({
      path: pathToFileURL(createRequire(join(resolveDir, 'index.js')).resolve(path)).href,
      external: true,
    }));
    builder.onLoad({ filter: /[/\\](packages|apps)[/\\].*\.m?js$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8');
      return {
        contents: code
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
          .replaceAll('import.meta.dirname', JSON.stringify(join(path, '..'))),
      };
    });
  },
};

/** @returns the path of the bundle that {@link bundleProgram} makes of a program */
export function bundlePath(packageFolder: string, entry: string): string {
  return join(packageFolder, 'node_modules/.cache/programs', `${parse(entry).name}.js`);
}

/**
 * Bundles a program that tests start many times: it then starts three times as fast, since Node.js has few files to look for.
 * @param entry in the folder of the package, as in `dist/main.js`
 */
export async function bundleProgram(packageFolder: string, entry: string): Promise<void> {
  const { dir, name } = parse(bundlePath(packageFolder, entry));
  await build({
    entryPoints: { [name]: join(packageFolder, entry) },
    outdir: dir,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
    external: MISSING,
    plugins: [inPlace],
    // For the CommonJS among the libraries.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
  });
}

/** Bundles the script of a page as one module. @param entry its path @returns its text */
export async function bundlePage(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'chrome120',
    write: false,
  });
  return (outputFiles[0] as { text: string }).text;
}
