// `npm run docs` builds the site into docs/site/dist: plain files for any web server; search works offline.
//   npm run docs -- --pages    without the API reference, which takes most of the time
//
// The pages are the documents of the repository, with their links rewritten: to another page where there is one, otherwise to the
// repository. A link to a file, page or heading that doesn't exist is an error.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { publishedPackages } from './release/metadata.mjs';
import { readJson, root, runTool } from './workspace.mjs';

const site = join(root, 'docs', 'site');
const build = join(site, '.build');
const IMAGE = /[.](svg|png)$/;

/** The documents that become pages, and the pictures in them, by their paths in the repository. */
function documents() {
  const found = ['docs', 'docs/guides', 'docs/pictures', 'docs/screenshots'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md') || IMAGE.test(name))
      .map((name) => `${folder}/${name}`),
  );
  const readmes = [
    ...publishedPackages().map(({ folder }) => folder),
    'apps/custom-transport',
    'apps/chat-web',
  ]
    .map((folder) => `${folder}/README.md`)
    .filter((path) => existsSync(join(root, path)));
  return [...found, ...readmes, 'SECURITY.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];
}

/** What is wrong with the documents: links that lead nowhere; error codes and events that are missing, or don't exist. */
export function documentProblems() {
  return [
    ...writePages(() => {}),
    ...compareTable(
      'docs/errors.md',
      /^[|] ([A-Z0-9_]+) +[|]/gm,
      'packages/core/src/errors.ts',
      /^ {2}([A-Z0-9_]+):/gm,
    ),
    ...compareTable(
      'docs/events.md',
      /^[|] `(\w+)` +[|]/gm,
      'packages/messenger/src/arguments.ts',
      /^ {2}(\w+): true,$/gm,
    ),
  ];
}

/** Compares the first column of a document's tables with the names in a source. */
function compareTable(document, row, source, name) {
  const namesIn = (file, pattern) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(([, found]) => found);
  const [listed, known] = [namesIn(document, row), namesIn(source, name)];
  return [
    ...known.filter((one) => !listed.includes(one)).map((one) => `${document}: lacks ${one}`),
    ...listed.filter((one) => !known.includes(one)).map((one) => `${document}: there is no ${one}`),
  ];
}

/** Puts the documents, with their links rewritten, where `write` does. @returns what is wrong with their links */
function writePages(write) {
  const pages = documents();
  const known = new Set(pages);
  const { homepage } = readJson(join(root, 'package.json'));
  const repository = homepage.replace(/#.*/, '');
  const problems = [];

  function rewritten(link, page) {
    const [path, anchor] = link.split('#');
    if (/^[a-z]+:/.test(link) || path === '') return checkAnchor(link, page, page, anchor);
    const target = relative(root, join(root, dirname(page), path)).replaceAll('\\', '/');
    if (!existsSync(join(root, target))) {
      problems.push(`${page}: ${link} doesn't exist`);
      return link;
    }
    const readme = `${target}/README.md`;
    const isFolder = statSync(join(root, target)).isDirectory();
    const inside = isFolder && known.has(readme) ? readme : target;
    if (!known.has(inside)) return `${repository}/${isFolder ? 'tree' : 'blob'}/main/${target}`;
    const to = relative(dirname(page), inside).replaceAll('\\', '/');
    return checkAnchor(
      `${to.startsWith('.') ? to : `./${to}`}${anchor ? `#${anchor}` : ''}`,
      page,
      inside,
      anchor,
    );
  }

  function checkAnchor(link, page, target, anchor) {
    if (anchor === undefined || /^[a-z]+:/.test(link)) return link;
    if (!anchorsOf(target).has(anchor)) problems.push(`${page}: no heading ${anchor} in ${target}`);
    return link;
  }

  for (const page of pages) {
    const content = readFileSync(join(root, page));
    write(page, IMAGE.test(page) ? content : mapLinks(content.toString(), (link) => rewritten(link, page)));
  }
  return problems;
}

/** Calls `map` for the address of each link outside of code. */
function mapLinks(text, map) {
  let fenced = false;
  return text
    .split('\n')
    .map((line) => {
      if (line.startsWith('```')) {
        fenced = !fenced;
        return line.replace(/ (from=\S+|no-run)/g, '');
      }
      if (fenced) return line;
      return line.replace(/`[^`]*`|\]\(([^)\s]+)\)/g, (whole, link) =>
        link === undefined ? whole : `](${map(link)})`,
      );
    })
    .join('\n');
}

const anchors = new Map();

/** The anchors of a document's headings, as VitePress and GitHub both make them of plain words. */
function anchorsOf(page) {
  const known = anchors.get(page);
  if (known !== undefined) return known;
  const found = new Set();
  let fenced = false;
  for (const line of readFileSync(join(root, page), 'utf8').split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    const heading = fenced ? undefined : /^#+ (.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
    found.add(words.trim().replace(/\s/g, '-'));
  }
  anchors.set(page, found);
  return found;
}

/** VitePress and typedoc with what they need are 150 packages, so they are installed beside the dependencies, and only for this. */
async function installTools() {
  const record = join(site, 'node_modules', '.package-lock.json');
  const lock = join(site, 'package-lock.json');
  if (existsSync(record) && statSync(record).mtimeMs >= statSync(lock).mtimeMs)
    return { ok: true, output: '' };
  return runTool('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: site });
}

function runInSite(name, entry, args) {
  return runTool(process.execPath, [join(site, 'node_modules', name, entry), ...args], { cwd: site });
}

/** What typedoc documents: every entry of every published package that has types. */
function writeApi() {
  const packages = publishedPackages().filter(
    ({ manifest }) => '.' in manifest.exports || Object.keys(manifest.exports).length > 1,
  );
  const entries = packages.flatMap(({ folder }) => ['--entryPoints', join(root, folder)]);
  return runInSite('typedoc', 'bin/typedoc', ['--options', 'typedoc.json', ...entries]);
}

/** @returns `{ ok, output }` */
export async function buildDocs({ withApi = true } = {}) {
  const installed = await installTools();
  if (!installed.ok) return installed;
  const problems = documentProblems();
  if (problems.length > 0) return { ok: false, output: `${problems.join('\n')}\n` };
  rmSync(build, { recursive: true, force: true });
  writePages(writePage);
  // JSON is YAML as well.
  writePage('index.md', `---\n${readFileSync(join(site, 'home.json'))}---\n`);
  const api = withApi ? await writeApi() : writePlaceholder();
  if (!api.ok) return api;
  const built = await runInSite('vitepress', 'bin/vitepress.js', ['build']);
  return built.ok ? { ok: true, output: `docs/site/dist: open it with any web server.\n` } : built;
}

function writePage(path, content) {
  mkdirSync(dirname(join(build, path)), { recursive: true });
  writeFileSync(join(build, path), content);
}

function writePlaceholder() {
  writePage('api/index.md', '# API\n\nNot part of this build.\n');
  return { ok: true };
}

if (process.argv[1] === import.meta.filename) {
  const { ok, output } = await buildDocs({ withApi: !process.argv.includes('--pages') });
  (ok ? process.stdout : process.stderr).write(output);
  process.exitCode = ok ? 0 : 1;
}
