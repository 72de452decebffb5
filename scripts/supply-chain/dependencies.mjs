// What somebody installs with our packages: their dependencies and those of these, as they are installed here.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readJson, root } from '../workspace.mjs';

/**
 * The dependencies of packages of ours.
 * @param folders of the packages, from the root
 * @param without names of dependencies that are left out, with what they need
 * @returns by `name@version`: the manifest, and those that depend on it, written likewise
 */
export function dependenciesOf(folders, without = []) {
  const found = new Map();
  const visit = (folder) => {
    const { name: own, version, dependencies = {} } = readJson(join(folder, 'package.json'));
    const dependent = `${own}@${version}`;
    for (const name of Object.keys(dependencies)) {
      // Ours are visited by themselves.
      if (name.startsWith('@sotto/') || without.includes(name)) continue;
      const target = resolved(name, folder);
      if (target === undefined) throw new Error(`${name}, of ${dependent}, isn't installed.`);
      const manifest = readJson(join(target, 'package.json'));
      const id = `${name}@${manifest.version}`;
      const known = found.get(id);
      if (known === undefined) {
        found.set(id, { manifest, dependents: new Set([dependent]) });
        visit(target);
      } else known.dependents.add(dependent);
    }
  };
  for (const folder of folders) visit(join(root, folder));
  return found;
}

/** Where Node would find a package from a folder. */
function resolved(name, from) {
  for (let folder = realpathSync(from); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}
