import { join } from 'node:path';
import { bundlePath } from '@sotto/testing/bundle';
import { LineProcess } from '@sotto/testing/line-process';
import { onTestFinished } from 'vitest';

const MAIN = bundlePath(join(import.meta.dirname, '..'), 'dist/main.js');

// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field
export type Answer = Record<string, any>;

/** The built program in a process of its own. */
export class PeerProcess {
  readonly #process = new LineProcess(process.execPath, [MAIN]);
  #id = 0;

  constructor() {
    onTestFinished(() => this.kill());
  }

  get stderr(): string {
    return this.#process.stderr;
  }

  /** Sends bytes as they are. */
  write(bytes: string | Uint8Array): void {
    this.#process.write(bytes);
  }

  /** The next line that was answered. */
  line(): Promise<string> {
    return this.#process.nextLine();
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

  /** Closes stdin. @returns the exit code */
  async end(): Promise<number | null> {
    return (await this.#process.end()).code;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }
}
