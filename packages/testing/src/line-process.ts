import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';

/** How a process ended. */
export interface ProcessEnd {
  /** `null` when a signal ended it, or when it could not be started. */
  readonly code: number | null;
  readonly stderr: string;
}

/** A program in a process of its own that communicates by lines. */
export class LineProcess {
  /** Everything that it has written to stdout. */
  readonly lines: string[] = [];
  /** What it has written to stderr so far. */
  stderr = '';
  /** Resolves when it has ended and everything that it wrote has been read. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #waiting = new Set<() => void>();
  #read = 0;
  #over = false;

  /** @param environment what is different from the environment of the tests */
  constructor(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const child = spawn(command, args, { env: { ...process.env, ...environment } });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.lines.push(line);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.stderr += error.message;
      });
      // Writing to a process that has ended is not an error of the test.
      child.stdin.on('error', () => {});
      child.on('close', (code) => {
        this.#over = true;
        this.#wake();
        resolve({ code, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The first line that matches, past or future. Rejects when the process ends without one. */
  async line(fits: (line: string) => boolean): Promise<string> {
    for (;;) {
      const found = this.lines.find(fits);
      if (found !== undefined) return found;
      await this.#more();
    }
  }

  /** The next line that this function hasn't returned yet. Rejects when the process ends without one. */
  async nextLine(): Promise<string> {
    const index = this.#read++;
    while (this.lines.length <= index) await this.#more();
    return this.lines[index] as string;
  }

  /** Writes to its stdin. */
  write(bytes: string | Uint8Array): void {
    this.#child.stdin?.write(bytes);
  }

  /** Ends its stdin. */
  end(): Promise<ProcessEnd> {
    this.#child.stdin?.end();
    return this.ended;
  }

  /** Ends it with a signal: by default SIGKILL. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<ProcessEnd> {
    this.#child.kill(signal);
    return this.ended;
  }

  async #more(): Promise<void> {
    if (this.#over) throw new Error(`The process ended: ${this.stderr}\n${this.lines.join('\n')}`);
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Ends a process, unless it has ended, and waits for its exit. @returns its exit code */
export async function endChild(
  child: ChildProcess | undefined,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
  child.removeAllListeners('exit');
  const ended = once(child, 'exit');
  child.kill(signal);
  const [code] = (await ended) as [number | null];
  return code;
}
