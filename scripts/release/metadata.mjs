// What every published package says of the project. The root's package.json has it: author, homepage, bugs, repository,
// license, engines and the keywords that all packages share.
//   node scripts/release/metadata.mjs     writes it into the packages
// `npm run check` compares. `npm run release` also refuses the placeholder address.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root, workspacePackages } from '../workspace.mjs';

/** The end of a host name that nobody can have (RFC 2606): stands where the address of the repository will. */
const PLACEHOLDER = /[.]invalid\b/;

/** In what order the fields of a published package come; others follow as they are. */
const ORDER = [
  'name',
  'version',
  'description',
  'keywords',
  'homepage',
  'bugs',
  'repository',
  'license',
  'author',
  'type',
  'sideEffects',
  'engines',
  'files',
  'exports',
  'publishConfig',
  'scripts',
];

/** Packed besides LICENSE, README.md and package.json, which always are. */
const FILES = ['dist', '!dist/*.tsbuildinfo', 'src', 'CHANGELOG.md'];

/** Scripts that every one of them has: `prepack` builds what is packed. */
const SCRIPTS = {
  prepack: 'tsc -b',
};

export function publishedPackages() {
  return workspacePackages().filter(({ manifest }) => manifest.private !== true);
}

function withMetadata(project, { folder, manifest }) {
  const own = (manifest.keywords ?? []).filter((word) => !project.keywords.includes(word));
  const next = {
    ...manifest,
    keywords: [...project.keywords, ...own],
    homepage: `${project.homepage.replace(/#.*/, '')}/tree/main/${folder}#readme`,
    bugs: project.bugs,
    repository: { ...project.repository, directory: folder },
    license: project.license,
    author: project.author,
    engines: project.engines,
    files: FILES,
    publishConfig: { access: 'public' },
    scripts: { ...manifest.scripts, ...SCRIPTS },
  };
  const known = ORDER.filter((name) => name in next).map((name) => [name, next[name]]);
  const others = Object.entries(next).filter(([name]) => !ORDER.includes(name));
  return Object.fromEntries([...known, ...others]);
}

/**
 * Writes the metadata, or compares it.
 * @returns what is wrong, in lines for people
 */
export function updateMetadata(write) {
  const project = readJson(join(root, 'package.json'));
  const problems = [];
  for (const published of publishedPackages()) {
    const { folder, manifest } = published;
    const next = withMetadata(project, published);
    if (next.keywords.length === project.keywords.length)
      problems.push(`${folder}: has no keyword of its own`);
    if (!next.description) problems.push(`${folder}: has no description`);
    if (JSON.stringify(next) === JSON.stringify(manifest)) continue;
    if (write) writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(next, null, 2)}\n`);
    else problems.push(`${folder}/package.json is out of date: run \`npm run metadata\``);
  }
  const [fixed = []] = readJson(join(root, '.changeset', 'config.json')).fixed;
  const names = publishedPackages().map(({ manifest }) => manifest.name);
  const missing = names.filter((name) => !fixed.includes(name));
  if (missing.length > 0) problems.push(`.changeset/config.json: \`fixed\` lacks ${missing.join(', ')}`);
  return problems;
}

/** The address in package.json while nobody has put the real one there, else `undefined`. */
export function placeholderAddress() {
  const { homepage, bugs, repository } = readJson(join(root, 'package.json'));
  return [homepage, bugs.url, repository.url].find((address) => PLACEHOLDER.test(address));
}

if (process.argv[1] === import.meta.filename) {
  const problems = updateMetadata(true);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
