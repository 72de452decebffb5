// TypeScript's project references, from the dependencies that each package.json names.
//   npm run references             writes them
// `npm run check` compares them. The sources of a package refer to its dependencies, its tests to that package and to its
// development dependencies, and the root's tsconfig.json to all of them.
import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { readJson, root, workspacePackages } from './workspace.mjs';

/** @returns `{ file, wrong }` of each tsconfig.json whose references are not the right ones, which `write` mends */
export function updateReferences(write) {
  const packages = workspacePackages();
  const folderOf = new Map(packages.map(({ folder, manifest }) => [manifest.name, folder]));
  const foldersOf = (dependencies = {}) =>
    Object.keys(dependencies).flatMap((name) => folderOf.get(name) ?? []);
  const projects = [];
  const stale = [];
  const update = (folder, references) => {
    const file = join(folder, 'tsconfig.json');
    const config = readJson(join(root, file));
    const paths = references
      .toSorted()
      .map((path) => ({ path: relative(folder, path).replaceAll('\\', '/') }));
    const { references: before, ...rest } = config;
    if (JSON.stringify(before ?? []) === JSON.stringify(paths)) return;
    stale.push(file);
    const next = paths.length > 0 ? { ...rest, references: paths } : rest;
    if (write) writeFileSync(join(root, file), `${format(next)}\n`);
  };
  for (const { folder, manifest } of packages) {
    const { dependencies, peerDependencies, devDependencies } = manifest;
    const own = new Set(foldersOf({ ...dependencies, ...peerDependencies }));
    for (const part of [folder, `${folder}/test`]) {
      if (!existsSync(join(root, part))) continue;
      if (!existsSync(join(root, part, 'tsconfig.json'))) {
        stale.push(`${part}/tsconfig.json (missing)`);
        continue;
      }
      projects.push(part);
      const beside = foldersOf(devDependencies).filter((path) => !own.has(path));
      update(part, part === folder ? [...own] : [folder, ...beside]);
    }
  }
  update('', projects);
  return stale;
}

/** As the formatter has it: each reference on a line. */
function format(config) {
  return JSON.stringify(config, null, 2).replace(/\{\s+"path": ("[^"]+")\s+\}/g, '{ "path": $1 }');
}

if (process.argv[1] === import.meta.filename) {
  for (const file of updateReferences(true)) process.stdout.write(`${file}\n`);
}
