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
 * Builds the program that works as go-ethereum 1.9.19 does, unless it is there; needs Go 1.19 or later and its module proxy.
 * @returns why there is none, if there is none
 */
export async function buildGoNode(): Promise<string | undefined> {
  try {
    await buildGo(sources, cache, NAME);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
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

  /** Works on envelopes with so many bytes of data until about 100,000 hashes are done; answers how many were. */
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
