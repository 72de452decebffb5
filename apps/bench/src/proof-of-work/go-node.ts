import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../../go-node/', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/go-node/', import.meta.url));
const program = join(cache, process.platform === 'win32' ? 'go-node.exe' : 'go-node');

/**
 * Builds the program that works as go-ethereum 1.9.19 does, unless it is there; needs Go 1.19 or later and its module proxy.
 * @returns why there is none, if there is none
 */
export function buildGoNode(): string | undefined {
  const isOld = () => statSync(join(sources, 'main.go')).mtimeMs > statSync(program).mtimeMs;
  if (existsSync(program) && !isOld()) return undefined;
  const building = join(cache, `building-${process.pid}`);
  try {
    const version = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
    const [, minor = '0'] = /^go1\.(\d+)/.exec(version) ?? [];
    process.stderr.write('Building what works as a Go node does (first run only)...\n');
    mkdirSync(building, { recursive: true });
    for (const file of ['main.go', 'go.mod']) copyFileSync(join(sources, file), join(building, file));
    // Since Go 1.23 the linker refuses what a dependency of this go-ethereum does.
    const flags = Number(minor) >= 23 ? ['-ldflags=-checklinkname=0'] : [];
    execFileSync('go', ['build', '-p', '2', ...flags, '-o', 'built', '.'], {
      cwd: building,
      env: { ...process.env, GOFLAGS: '-mod=mod' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    // Whole or not at all, should this be stopped or run twice at once.
    renameSync(join(building, 'built'), program);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** The running program; it works on one core. */
export class GoNode {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const started = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = started;
    this.#answers = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  }

  /** Works on envelopes with so many bytes of data until some 100,000 hashes are done; answers how many were. */
  async work(size: number, bits: number): Promise<number> {
    this.#process.stdin?.write(`${size} ${bits}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the Go node ended');
    return Number(value);
  }

  close(): void {
    this.#process.stdin?.end();
  }
}
