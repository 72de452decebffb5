// Type-checks and runs every ```ts block of the documents, each as a module of the package whose document it is in.
// A block marked ```ts no-run is only type-checked. A block of any language marked from=FILE has to be lines of that file, such as
// one of an example, which the rehearsal runs.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root, runTool, toolEnvironment, workspacePackages } from './workspace.mjs';

const FOLDER = '.readme-blocks';
const RUN_LIMIT_MS = 60_000;

/** The documents, and the folder in which the modules of each are put. */
function documents() {
  const docs = join(root, 'docs');
  const general = [
    'README.md',
    ...(existsSync(docs) ? readdirSync(docs, { recursive: true }) : [])
      .filter((name) => !name.includes('node_modules'))
      .map((name) => `docs/${name}`),
  ].map((file) => ({ file, folder: FOLDER }));
  const own = workspacePackages().map(({ folder }) => ({
    file: `${folder}/README.md`,
    folder: `${folder}/${FOLDER}`,
  }));
  return [...general, ...own].filter(({ file }) => file.endsWith('.md') && existsSync(join(root, file)));
}

/** The blocks of a document: line of the first line of code, whether it runs, code. */
function blocksOf(text) {
  const blocks = [];
  let open;
  text.split('\n').forEach((line, index) => {
    const fence = /^(`{3,})(.*)$/.exec(line);
    if (open === undefined) {
      if (fence === null) return;
      const [language, ...flags] = fence[2].trim().split(/\s+/);
      const from = flags.find((flag) => flag.startsWith('from='))?.slice('from='.length);
      open = { fence: fence[1], language, from, run: !flags.includes('no-run'), line: index + 2, code: [] };
    } else if (fence !== null && fence[1].length >= open.fence.length && fence[2].trim() === '') {
      if (open.language === 'ts' || open.from !== undefined) blocks.push(open);
      open = undefined;
    } else {
      open.code.push(line);
    }
  });
  return blocks;
}

/** @param only the documents to check. Default: all */
export async function checkReadmeBlocks(only = []) {
  const chosen = documents().filter(({ file }) => only.length === 0 || only.includes(file));
  const all = chosen.flatMap(({ file, folder }) =>
    blocksOf(readFileSync(join(root, file), 'utf8')).map((block) => ({ file, folder, ...block })),
  );
  const quoted = all.filter(({ from }) => from !== undefined);
  const stale = quoted.filter((block) => !isQuoted(block));
  if (stale.length > 0) {
    const lines = stale.map(({ file, line, from }) => `${file}:${line}: not lines of ${from}\n`);
    return { ok: false, output: lines.join('') };
  }
  const found = all.filter(({ from }) => from === undefined);
  const folders = new Set([FOLDER, ...found.map(({ folder }) => folder)]);
  const clean = () => {
    for (const folder of folders) rmSync(join(root, folder), { recursive: true, force: true });
  };
  clean();
  try {
    for (const folder of folders) mkdirSync(join(root, folder), { recursive: true });
    linkPackages();
    for (const block of found) {
      block.module = `${block.folder}/${block.file.replaceAll('/', '-').replace(/\.md$/, '')}-${block.line}.ts`;
      // As many empty lines as the document has before the block: so the lines of messages are those of the document.
      writeFileSync(
        join(root, block.module),
        `${'\n'.repeat(block.line - 1)}${block.code.join('\n')}\nexport {};\n`,
      );
    }
    const compiled = await compile(found.map((block) => block.module));
    if (!compiled.ok) return { ok: false, output: inDocuments(compiled.output, found) };

    // What examples leave in the place for temporary files goes with the modules.
    const temporary = join(root, FOLDER, 'tmp');
    mkdirSync(temporary);
    const env = { ...toolEnvironment, TMPDIR: temporary, TEMP: temporary };
    const failures = [];
    for (const block of found.filter(({ run }) => run)) {
      const module = join(root, block.module.replace(/\.ts$/, '.js'));
      const result = await runTool(process.execPath, ['--enable-source-maps', module], {
        cwd: dirname(module),
        env,
        timeout: RUN_LIMIT_MS,
      });
      if (!result.ok) failures.push(`${block.file}:${block.line}: the block fails\n${result.output}`);
    }
    return { ok: failures.length === 0, output: inDocuments(failures.join('\n'), found) };
  } finally {
    clean();
  }
}

/** Whether a block is lines of the file that it names, one after another. */
function isQuoted({ from, code }) {
  const path = join(root, from);
  return existsSync(path) && `\n${readFileSync(path, 'utf8')}`.includes(`\n${code.join('\n')}\n`);
}

/** Documents that belong to no package may import every package. */
function linkPackages() {
  for (const { folder, manifest } of workspacePackages()) {
    const link = join(root, FOLDER, 'node_modules', manifest.name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), join(root, folder)), link, 'junction');
  }
}

function compile(modules) {
  const tsconfig = join(root, FOLDER, 'tsconfig.json');
  writeFileSync(
    tsconfig,
    JSON.stringify({
      extends: '../tsconfig.base.json',
      compilerOptions: {
        lib: ['ES2023', 'DOM', 'DOM.Iterable'],
        types: ['node'],
        // An example may show how a thing is made and leave it at that.
        noUnusedLocals: false,
        composite: false,
        declaration: false,
        declarationMap: false,
        sourceMap: false,
        inlineSourceMap: true,
        rootDir: '..',
      },
      files: modules.map((module) => `../${module}`),
    }),
  );
  return runTool('tsc', ['-p', tsconfig, '--pretty', 'false']);
}

/** Names the documents in messages about the modules made of them. */
function inDocuments(output, blocks) {
  return blocks.reduce(
    (text, { module, file }) =>
      text
        .replaceAll(join(root, module), file)
        .replaceAll(
          new RegExp(`${RegExp.escape?.(module) ?? module.replace(/[.]/g, '\\.')}\\((\\d+),(\\d+)\\)`, 'g'),
          `${file}:$1:$2`,
        )
        .replaceAll(module, file),
    output,
  );
}

if (process.argv[1] === import.meta.filename) {
  // Names of documents: only these.
  const { ok, output } = await checkReadmeBlocks(process.argv.slice(2));
  process.stdout.write(ok ? 'Every block compiles and runs.\n' : output);
  process.exitCode = ok ? 0 : 1;
}
