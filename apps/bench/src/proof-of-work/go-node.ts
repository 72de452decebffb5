import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildGo } from '@sotto/testing/geth';

const NAME = 'go-node';
const sources = fileURLToPath(new URL('../../go-node/', import.meta.url));
const cache = fileURLToPath(new URL('../../node_modules/.cache/go-node/', import.meta.url));
const program = join(cache, process.platform === 'win32' ? `${NAME}.exe` : NAME);

/**
 * Builds the program that does proof of work like go-ethereum 1.9.19, unless it exists. Needs Go 1.19 or later and its
 * module proxy.
 * @returns the reason if it could not be built
 */
export async function buildGoNode(): Promise<string | undefined> {
  try {
    await buildGo(sources, cache, NAME);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The running program, which uses one core. */
export class GoNode {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const started = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = started;
    this.#answers = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  }

  /** Works on envelopes with this many bytes of data for about 100,000 hashes. Returns the exact number. */
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
