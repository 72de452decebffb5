// Compiles talk.ts and all types of all packages with one version of TypeScript, in several settings, and runs talk.ts.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { entries } from './entries.mjs';

const [version] = process.argv.slice(2);
const compiler = `node_modules/typescript-${version}/lib/tsc.js`;

/** viem's own types, which this entry names, need those of the DOM. */
const NEEDS_DOM = '@sotto/directories/ens';

const settings = [
  { name: 'nodenext-exact', module: 'nodenext', exact: true, lib: ['ES2022'] },
  { name: 'bundler-exact', module: 'bundler', exact: true, lib: ['ES2022'] },
  { name: 'nodenext', module: 'nodenext', exact: false, lib: ['ES2022'] },
  { name: 'bundler-dom', module: 'bundler', exact: false, lib: ['ES2022', 'DOM', 'DOM.Iterable'] },
];

for (const { name, module, exact, lib } of settings) {
  const folder = `compiled-${version}-${name}`;
  mkdirSync(folder, { recursive: true });
  const names = entries().filter((entry) => lib.includes('DOM') || entry !== NEEDS_DOM);
  writeFileSync(
    'every-entry.ts',
    names.map((entry, i) => `export * as entry${i} from '${entry}';\n`).join(''),
  );
  writeFileSync(`${folder}/package.json`, '{ "type": "module" }');
  writeFileSync(
    `tsconfig.${folder}.json`,
    JSON.stringify({
      compilerOptions: {
        target: 'ES2022',
        lib,
        types: [],
        module: module === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: module,
        moduleDetection: 'force',
        strict: true,
        exactOptionalPropertyTypes: exact,
        noUncheckedIndexedAccess: exact,
        skipLibCheck: false,
        rootDir: '.',
        outDir: folder,
      },
      files: ['talk.ts', 'every-entry.ts'],
    }),
  );
  run([compiler, '-p', `tsconfig.${folder}.json`]);
  run([`${folder}/talk.js`]);
}

function run(args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`${args.join(' ')} failed`);
    process.exit(1);
  }
}
