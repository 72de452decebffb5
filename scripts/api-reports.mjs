// The public surface of every published package, one report for each entry point: packages/NAME/api/ENTRY.api.md.
//   npm run api                    writes the reports
// `npm run check` compares them, so a change of the surface shows in review.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { root, workspacePackages } from './workspace.mjs';

const typescriptCompilerFolder = join(createRequire(import.meta.url).resolve('typescript'), '..', '..');

/** Entry points with types, as in `{ name: 'backup', types: 'dist/backup.d.ts' }`; the main one is called `index`. */
function entryPoints({ exports = {} }) {
  return Object.entries(exports).flatMap(([path, target]) => {
    const types = [target, target.node, target.browser, target.default].find((one) => one?.types)?.types;
    if (types === undefined) return [];
    return [{ name: path === '.' ? 'index' : path.slice(2).replaceAll('/', '-'), types }];
  });
}

/**
 * Writes the reports, or compares them.
 * @param write whether to write
 * @returns what is wrong, in lines for people
 */
export function makeApiReports(write) {
  const problems = [];
  for (const { folder, manifest } of workspacePackages()) {
    if (manifest.private) continue;
    const entries = entryPoints(manifest);
    const reports = join(root, folder, 'api');
    const names = new Set(entries.map(({ name }) => `${name}.api.md`));
    for (const old of existsSync(reports) ? readdirSync(reports) : []) {
      if (names.has(old)) continue;
      if (write) rmSync(join(reports, old));
      else problems.push(`${folder}/api/${old}: there is no such entry point any more`);
    }
    mkdirSync(reports, { recursive: true });
    const configs = entries.map(({ name, types }) => configOf(folder, name, types));
    if (configs.length === 0) continue;
    // Compiled once for all of them.
    const compilerState = CompilerState.create(configs[0], {
      typescriptCompilerFolder,
      additionalEntryPoints: configs.map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
    });
    for (const [i, { name }] of entries.entries()) {
      problems.push(...makeReport(configs[i], compilerState, manifest.name, name, write));
    }
  }
  return problems;
}

/** An entry point for packages of this repository, such as `internal`. */
function isInternal(name) {
  return name.startsWith('internal');
}

function configOf(folder, name, types) {
  const projectFolder = join(root, folder);
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, 'package.json'),
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, types),
      compiler: { tsconfigFilePath: join(projectFolder, 'tsconfig.json'), skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: join(projectFolder, 'api'),
        reportTempFolder: join(root, 'reports', 'api', folder),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
    },
  });
}

function makeReport(config, compilerState, packageName, name, write) {
  const problems = [];
  const result = Extractor.invoke(config, {
    localBuild: write,
    compilerState,
    typescriptCompilerFolder,
    messageCallback(message) {
      message.handled = true;
      // Between packages of ours, what an internal entry point names is found in the package's other files.
      const forgotten = message.messageId === 'ae-forgotten-export' && !isInternal(name);
      if (forgotten || message.logLevel === ExtractorLogLevel.Error) {
        problems.push(`${packageName}/${name}: ${message.formatMessageWithLocation(root)}`);
      }
    },
  });
  const report = readFileSync(write ? config.reportFilePath : config.reportTempFilePath, 'utf8');
  const undocumented = report.split('(undocumented)').length - 1;
  if (undocumented > 0 && !isInternal(name)) {
    problems.push(`${packageName}/${name}: ${undocumented} public names without a doc comment`);
  }
  if (!write && result.apiReportChanged) {
    problems.push(
      `${relative(root, config.reportFilePath)} is not what the code exports: run \`npm run api\``,
    );
  }
  return problems;
}

if (process.argv[1] === import.meta.filename) {
  const problems = makeApiReports(true);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
