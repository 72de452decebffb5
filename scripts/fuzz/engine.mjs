// The fuzzer: Jazzer.js, installed from its own lock file, with its addon compiled against Debian's libFuzzer.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { root, runTool } from '../workspace.mjs';

const folder = join(root, 'packages', 'testing', 'fuzz-engine');
const modules = join(folder, 'node_modules');

/** The program of the fuzzer, for `node`. Installs and compiles what is missing. */
export async function fuzzer() {
  const program = join(modules, '@jazzer.js', 'core', 'dist', 'cli.js');
  if (!existsSync(program)) {
    process.stderr.write('Installing the fuzzer, once, with 60 MB ...\n');
    await tool('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  }
  await compileAddon();
  return program;
}

async function compileAddon() {
  const sources = join(modules, '@jazzer.js', 'fuzzer');
  const addon = join(sources, 'build', 'jazzerjs.node');
  if (existsSync(addon)) return;
  const library = libFuzzer();
  if (library === undefined) {
    throw new Error('libFuzzer is missing. On Debian: apt-get install g++ libclang-rt-14-dev');
  }
  process.stderr.write("Compiling the fuzzer's addon, once, for about 30 s ...\n");
  mkdirSync(join(sources, 'build'), { recursive: true });
  const files = [sources, join(sources, 'shared'), join(folder, 'shim')].flatMap((path) =>
    readdirSync(path)
      .filter((name) => name.endsWith('.cpp'))
      .map((name) => join(path, name)),
  );
  const includes = [
    join(folder, 'shim'),
    join(modules, 'node-api-headers', 'include'),
    join(modules, 'node-addon-api'),
    sources,
  ];
  await tool('g++', [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=4', '-DNAPI_CPP_EXCEPTIONS'],
    ...includes.flatMap((path) => ['-I', path]),
    ...files,
    ...['-Wl,-whole-archive', library, '-Wl,-no-whole-archive', '-lpthread', '-o', addon],
  ]);
}

/** The newest of those that are installed, without `main`. */
function libFuzzer() {
  const parent = '/usr/lib';
  if (!existsSync(parent)) return undefined;
  return readdirSync(parent)
    .filter((name) => name.startsWith('llvm-'))
    .map((name) => join(parent, name, 'lib', 'clang'))
    .filter((path) => existsSync(path))
    .flatMap((path) => readdirSync(path).map((version) => join(path, version, 'lib', 'linux')))
    .map((path) => join(path, 'libclang_rt.fuzzer_no_main-x86_64.a'))
    .filter((path) => existsSync(path))
    .at(-1);
}

async function tool(command, args, options) {
  const { ok, output } = await runTool(command, args, options);
  if (!ok) throw new Error(`${command} failed:\n${output}`);
}
