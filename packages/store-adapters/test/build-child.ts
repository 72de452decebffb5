import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const builds = new Map<string, Promise<string>>();

/** The path of a child's code, ready for Node to run. */
export function buildChild(name: string): Promise<string> {
  const output = fileURLToPath(new URL(`../node_modules/.cache/children/${name}.mjs`, import.meta.url));
  const built =
    builds.get(name) ??
    build({
      entryPoints: [fileURLToPath(new URL(`children/${name}.ts`, import.meta.url))],
      outfile: output,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      packages: 'external',
    }).then(() => output);
  builds.set(name, built);
  return built;
}
