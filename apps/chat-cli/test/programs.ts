import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export const PROGRAM = join(import.meta.dirname, '../dist/main.js');
const NODE_PROGRAM = join(import.meta.dirname, '../../whisper-node/dist/main.js');

/** Environment of a program whose clock is off. */
export function clockOff(milliseconds: number): Readonly<Record<string, string>> {
  const shift = `const now = Date.now; Date.now = () => now() + ${milliseconds};`;
  const url = `data:text/javascript,${encodeURIComponent(shift)}`;
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${url}` };
}

/** A line that the program wrote. */
export type Line = Readonly<Record<string, unknown>>;

/** A folder that is thrown away after the test. Whoever was told to end may be writing in it for a moment yet. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'chat-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return folder;
}

/** The built chat with `--json`, as a process of its own. */
export class Chat {
  readonly #process: ChildProcess;
  readonly #waiting = new Set<() => void>();
  readonly #ended: Promise<number | null>;
  #requests = 0;
  /** Everything that it wrote. */
  readonly lines: Line[] = [];
  stderr = '';

  constructor(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#process = spawn(process.execPath, [PROGRAM, '--json', ...flags], {
      env: { ...process.env, ...environment },
    });
    const { stdout, stderr } = this.#process;
    stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    createInterface({ input: stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.lines.push(JSON.parse(line));
      for (const wake of this.#waiting) wake();
    });
    this.#ended = once(this.#process, 'close').then(([code]) => {
      for (const wake of this.#waiting) wake();
      return code as number | null;
    });
    onTestFinished(async () => {
      await this.kill();
    });
  }

  /** The first line that fits, from the beginning or yet to come. */
  async line(fits: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(fits);
      if (found !== undefined) return found;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(
          `It ended: ${this.stderr}\n${this.lines.map((line) => JSON.stringify(line)).join('\n')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  event(name: string, fields: Line = {}): Promise<Line> {
    return this.line(
      (line) =>
        line['event'] === name && Object.entries(fields).every(([field, value]) => line[field] === value),
    );
  }

  /** A message of somebody else. */
  message(text: string): Promise<Line> {
    return this.event('message', { text, own: false });
  }

  /** The answer to a request: its result, or its error. */
  async tell(name: string, fields: Line = {}): Promise<Line> {
    const id = ++this.#requests;
    this.write(JSON.stringify({ id, do: name, ...fields }));
    return this.line((line) => line['answer'] === id);
  }

  /** The result of a request that has to succeed. */
  async ask(name: string, fields: Line = {}): Promise<Line> {
    const answer = await this.tell(name, fields);
    if (answer['error'] !== undefined) throw new Error(JSON.stringify(answer));
    return answer['result'] as Line;
  }

  /** The code of the error of a request; `undefined` when it succeeded. */
  async refusal(name: string, fields: Line = {}): Promise<string | undefined> {
    return ((await this.tell(name, fields))['error'] as { readonly code: string } | undefined)?.code;
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** Ends its input. @returns the exit code */
  async end(): Promise<number | null> {
    this.#process.stdin?.end();
    return this.#ended;
  }

  get ended(): Promise<number | null> {
    return this.#ended;
  }

  async terminate(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

const MAIL_PASSWORD = 'status-offline-inbox';

/** A node of ours on loopback, for the tests of a file. */
export class WhisperNode {
  readonly #folder = mkdtempSync(join(tmpdir(), 'chat-cli-node-'));
  #process: ChildProcess | undefined;
  #started: Record<string, string> | undefined;

  /** Starts it, on the ports that it had before. */
  async start(): Promise<void> {
    const listen = (name: string) => {
      const before = this.#started?.[name];
      return before === undefined ? '127.0.0.1:0' : new URL(before.replace(/^\w+/, 'http')).host;
    };
    const password = join(this.#folder, 'mail-password');
    writeFileSync(password, MAIL_PASSWORD);
    const flags = [
      '--mail-password-file',
      password,
      '--relay',
      listen('relay'),
      '--rpc',
      listen('rpc'),
      '--p2p',
      listen('enode'),
    ];
    const child = spawn(
      process.execPath,
      [NODE_PROGRAM, '--data', join(this.#folder, 'data'), '--admin', 'off', '--rpc-keys', ...flags],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#process = child;
    this.#started = await new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`The node ended with ${code}.`)));
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text);
        if (line.event === 'node.started') resolve(line);
        if (line.event === 'node.not-started') reject(new Error(line.reason));
      });
    });
  }

  get relay(): string {
    return this.#started?.['relay'] as string;
  }

  get rpc(): string {
    return this.#started?.['rpc'] as string;
  }

  get enode(): string {
    return this.#started?.['enode'] as string;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Somebody with a data directory of his own. */
export class Someone {
  readonly folder = temporaryFolder();
  readonly data = join(this.folder, 'data');
  readonly words = join(this.folder, 'words');
  readonly #route: readonly string[];

  constructor(...route: readonly string[]) {
    this.#route = route;
  }

  /** Starts the chat; the account is made at the first time. */
  async come(environment: Readonly<Record<string, string>> = {}): Promise<Chat> {
    const chat = new Chat(['--data', this.data, '--words-to', this.words, ...this.#route], environment);
    await chat.event('ready');
    return chat;
  }

  /** Starts it with words that another account's file has, and waits until it is connected. */
  async recover(words: string): Promise<Chat> {
    const chat = new Chat(['--data', this.data, '--words-from', words, ...this.#route]);
    await chat.event('status', { status: 'connected' });
    return chat;
  }

  /** Starts it, and waits until it is connected. */
  async comeOnline(environment: Readonly<Record<string, string>> = {}): Promise<Chat> {
    const chat = await this.come(environment);
    await chat.event('status', { status: 'connected' });
    return chat;
  }
}

/** Lets one add the other. @returns the key of the conversation */
export async function add(who: Chat, whom: Chat, name: string): Promise<string> {
  const { card } = await whom.ask('card');
  const { conversation } = await who.ask('add', { who: card, name });
  return conversation as string;
}
