import { join } from 'node:path';
import { bundlePath } from '@sotto/testing/bundle';
import { temporaryDirectory } from '@sotto/testing/files';
import { LineProcess } from '@sotto/testing/line-process';
import { NodeProcess } from '@sotto/testing/whisper-node';
import { onTestFinished } from 'vitest';

export const PROGRAM = bundlePath(join(import.meta.dirname, '..'), 'dist/main.js');
const NODE_PROGRAM = bundlePath(join(import.meta.dirname, '../../whisper-node'), 'dist/main.js');

/** Environment of a program whose clock is off. */
export function clockOff(milliseconds: number): Readonly<Record<string, string>> {
  const shift = `const now = Date.now; Date.now = () => now() + ${milliseconds};`;
  const url = `data:text/javascript,${encodeURIComponent(shift)}`;
  return { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${url}` };
}

/** A line that the program wrote. */
export type Line = Readonly<Record<string, unknown>>;

/** The built chat with `--json`, as a process of its own. */
export class Chat {
  readonly #process: LineProcess;
  #requests = 0;

  constructor(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#process = new LineProcess(process.execPath, [PROGRAM, '--json', ...flags], environment);
    onTestFinished(async () => {
      await this.kill();
    });
  }

  /** Everything that it wrote. */
  get lines(): readonly Line[] {
    return this.#process.lines.map((line) => JSON.parse(line));
  }

  get stderr(): string {
    return this.#process.stderr;
  }

  /** The first line that fits, from the beginning or yet to come. */
  async line(fits: (line: Line) => boolean): Promise<Line> {
    return JSON.parse(await this.#process.line((line) => fits(JSON.parse(line))));
  }

  event(name: string, fields: Line = {}): Promise<Line> {
    return this.line(
      (line) =>
        line['event'] === name && Object.entries(fields).every(([field, value]) => line[field] === value),
    );
  }

  /** A message of someone else. */
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
    this.#process.write(`${line}\n`);
  }

  /** Ends its input. @returns the exit code */
  async end(): Promise<number | null> {
    return (await this.#process.end()).code;
  }

  get ended(): Promise<number | null> {
    return this.#process.ended.then(({ code }) => code);
  }

  async terminate(): Promise<number | null> {
    return (await this.#process.kill('SIGTERM')).code;
  }

  async kill(): Promise<void> {
    await this.#process.kill();
  }
}

/** A node of ours on loopback, not started yet, for the tests of a file. */
export function newNode(): NodeProcess {
  return new NodeProcess({
    program: NODE_PROGRAM,
    flags: ['--admin', 'off', '--rpc-keys'],
    environment: { WHISPER_NODE_MAIL_PASSWORD: 'status-offline-inbox' },
  });
}

/** A person with a data directory of their own. */
export class Someone {
  readonly folder = temporaryDirectory();
  readonly data = join(this.folder, 'data');
  readonly words = join(this.folder, 'words');
  readonly #via: readonly string[];

  constructor(...via: readonly string[]) {
    this.#via = via;
  }

  /** Starts the chat; the account is made at the first time. */
  async come(environment: Readonly<Record<string, string>> = {}): Promise<Chat> {
    const chat = new Chat(['--data', this.data, '--words-to', this.words, ...this.#via], environment);
    await chat.event('ready');
    return chat;
  }

  /** Starts it with words that another account's file has, and waits until it is connected. */
  async recover(words: string): Promise<Chat> {
    const chat = new Chat(['--data', this.data, '--words-from', words, ...this.#via]);
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
