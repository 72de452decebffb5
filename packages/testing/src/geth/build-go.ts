import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SUFFIX = process.platform === 'win32' ? '.exe' : '';

/**
 * Builds a program with the Go toolchain, unless it exists already. Atomic, in case it is interrupted or runs
 * twice at the same time.
 *
 * @param build puts the program into the folder given to it
 * @returns its path
 */
async function buildOnce(
  folder: string,
  name: string,
  build: (building: string, flags: readonly string[]) => Promise<void>,
): Promise<string> {
  const program = join(folder, `${name}${SUFFIX}`);
  if (existsSync(program)) return program;
  const building = join(folder, `building-${process.pid}`);
  mkdirSync(building, { recursive: true });
  try {
    const { stdout } = await run('go', ['env', 'GOVERSION']);
    const [, minor = '0'] = /^go1\.(\d+)/.exec(stdout.trim()) ?? [];
    process.stderr.write(`Building ${name} with ${stdout.trim()}, once; this may take minutes ...\n`);
    // Since Go 1.23, the linker refuses a technique that a dependency of this go-ethereum uses.
    await build(building, Number(minor) >= 23 ? ['-ldflags=-checklinkname=0'] : []);
    renameSync(join(building, `${name}${SUFFIX}`), program);
    return program;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Runs `go` with low priority. */
async function go(args: readonly string[], cwd: string, environment: Record<string, string>): Promise<void> {
  const [program, ...rest] = process.platform === 'win32' ? ['go', ...args] : ['nice', 'go', ...args];
  await run(program as string, rest, {
    cwd,
    env: { ...process.env, GOFLAGS: '-mod=mod', ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Builds the command of a module, `example.org/cmd/name@v1`, into a folder. @returns its path */
export function installGo(folder: string, name: string, module: string): Promise<string> {
  return buildOnce(folder, name, (building, flags) =>
    go(['install', '-p', '2', ...flags, module], building, { GOBIN: building }),
  );
}

/** Builds the program whose `main.go` and `go.mod` are in a folder, again when these have changed. @returns its path */
export async function buildGo(sources: string, folder: string, name: string): Promise<string> {
  const files = readdirSync(sources);
  const program = join(folder, `${name}${SUFFIX}`);
  const changed = Math.max(...files.map((file) => statSync(join(sources, file)).mtimeMs));
  if (existsSync(program) && statSync(program).mtimeMs < changed) rmSync(program);
  return buildOnce(folder, name, async (building, flags) => {
    for (const file of files) copyFileSync(join(sources, file), join(building, file));
    await go(['build', '-p', '2', ...flags, '-o', `${name}${SUFFIX}`, '.'], building, {});
  });
}
