import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CliError } from './cli-error.js';

/** Packages that are too large to come with this program. */
export interface OptionalPackages {
  /** What they are for, as in "Waku". */
  readonly purpose: string;
  /** What to type after `npm install`. */
  readonly install: readonly string[];
  /** A directory with them in its `node_modules`. Default: where this program is, and the directories above. */
  readonly directory: string | undefined;
}

/** What a package exports: a file, or files by condition. */
type Target = string | { readonly [condition: string]: Target } | undefined;

/**
 * Loads a module that may not be installed.
 * @param name of the package, as in `@waku/sdk`
 * @param entry of it, as in `./relay`
 * @param version that it must have, if only one fits
 * @throws CliError NOT_INSTALLED, with what to install
 */
export async function loadOptional<Module>(
  packages: OptionalPackages,
  name: string,
  { entry = '.', version }: { readonly entry?: string; readonly version?: string } = {},
): Promise<Module> {
  const from = createRequire(join(packages.directory ?? import.meta.dirname, 'index.js'));
  const folder = from.resolve
    .paths(name)
    ?.map((path) => join(path, name))
    .find((path) => existsSync(join(path, 'package.json')));
  if (folder === undefined) throw notInstalled(packages, `${name} is missing`);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly exports?: { readonly [entry: string]: Target };
  };
  if (version !== undefined && manifest.version !== version)
    throw notInstalled(packages, `${name} is there in version ${manifest.version}`);
  const file = fileOf(manifest.exports?.[entry]);
  if (file === undefined) throw notInstalled(packages, `${name} is there in another version`);
  return import(pathToFileURL(join(folder, file)).href) as Promise<Module>;
}

function fileOf(target: Target): string | undefined {
  if (typeof target === 'string' || target === undefined) return target;
  return fileOf(target['node'] ?? target['import'] ?? target['default']);
}

function notInstalled({ purpose, install, directory }: OptionalPackages, what: string): CliError {
  const where = directory === undefined ? 'beside this program, or elsewhere with --packages' : 'there';
  return new CliError(
    'NOT_INSTALLED',
    `${purpose} needs packages that do not come with this program, and ${what}. Install them ${where}: npm install ${install.join(' ')}`,
  );
}
