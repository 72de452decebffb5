import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field
export type Answer = Record<string, any>;

/** The built program in a process of its own. */
export class PeerProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  readonly #unread: string[] = [];
  #buffer = '';
  #id = 0;
  stderr = '';

  constructor() {
    const child = spawn(process.execPath, [MAIN]);
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#buffer + text).split('\n');
      this.#buffer = lines.pop() as string;
      for (const line of lines) {
        const waiting = this.#waiting.shift();
        if (waiting) waiting.resolve(line);
        else this.#unread.push(line);
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    child.once('exit', () => {
      const error = new Error(`The process ended: ${this.stderr}`);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
    onTestFinished(() => this.kill());
  }

  /** Sends bytes as they are. */
  write(bytes: string | Uint8Array): void {
    this.#child.stdin.write(bytes);
  }

  /** The next line that was answered. */
  async line(): Promise<string> {
    const unread = this.#unread.shift();
    if (unread !== undefined) return unread;
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** One request; fails when the answer is an error. */
  async ask(device: string, cmd: string, fields: object = {}): Promise<Answer> {
    const answer = await this.request(device, cmd, fields);
    if (answer['error'] !== undefined) throw new Error(`${cmd} of ${device}: ${answer['error']}`);
    return answer;
  }

  /** One request, whose answer is to be an error; its code. */
  async refused(device: string, cmd: string, fields: object = {}): Promise<string> {
    const { error, ...rest } = await this.request(device, cmd, fields);
    if (typeof error !== 'string')
      throw new Error(`${cmd} of ${device} was answered: ${JSON.stringify(rest)}`);
    return error.replace(/: .*/s, '');
  }

  async request(device: string, cmd: string, fields: object = {}): Promise<Answer> {
    const id = ++this.#id;
    this.write(`${JSON.stringify({ id, cmd, device, ...fields })}\n`);
    const answer = JSON.parse(await this.line()) as Answer;
    if (answer['id'] !== id) throw new Error(`Answer to ${answer['id']} instead of ${id}`);
    return answer;
  }

  /** Closes stdin; the exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin.end();
    const [code] = await once(this.#child, 'exit');
    return code as number | null;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
