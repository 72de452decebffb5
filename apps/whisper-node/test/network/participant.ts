import { join } from 'node:path';
import { execPath } from 'node:process';
import { encodeHex, type KeyPair } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { bundlePath } from '@sotto/testing/bundle';
import { createTemporaryDirectory } from '@sotto/testing/files';
import { LineProcess } from '@sotto/testing/line-process';
import type { Host } from '@sotto/testing/network';

const PROGRAM = bundlePath(join(import.meta.dirname, '../..'), 'test/network/children/participant.ts');
/** Until a command is done: messages are stored at once, and the relay accepts them when the network lets it. */
const COMMAND_TIMEOUT_MS = 60_000;

type Said =
  | { readonly event: 'started'; readonly code: string }
  | { readonly event: 'got'; readonly id: string; readonly text: string }
  | { readonly event: 'said'; readonly text: string }
  | { readonly event: 'status'; readonly status: string }
  | { readonly event: 'clock'; readonly skewMs: number }
  | { readonly event: 'trouble'; readonly what: string }
  | { readonly event: 'done' };

/** Somebody with a messenger, as a process on a host, which may be killed and started again. */
export class Participant {
  readonly identity: KeyPair = defaultProvider().secp256k1.generateKeyPair();
  /** Their contact code. */
  code = '';
  /** Texts whose sending has been stored. */
  readonly said: string[] = [];
  /** Texts received, in order; one that came again as another message is here twice. */
  readonly got: string[] = [];
  /** What their messenger has complained about. */
  readonly trouble: string[] = [];
  /** How far their clock is ahead, in milliseconds, as far as their messenger has noticed. */
  noticedSkew = 0;
  /** Whether their messenger thinks that it is connected. */
  isOnline = false;
  /** How often the connection was lost. */
  losses = 0;
  readonly #host: Host;
  readonly #relay: string;
  readonly #store: 'leveldb' | 'sqlite';
  readonly #directory = createTemporaryDirectory();
  /** By their messages' ids: the process that got it, so that a second time in one process is noticed. */
  readonly #lives = new Map<string, LineProcess>();
  readonly #answers: (() => void)[] = [];
  #clockAhead = 0;
  #process: LineProcess | undefined;

  constructor(host: Host, relay: string, store: 'leveldb' | 'sqlite') {
    this.#host = host;
    this.#relay = relay;
    this.#store = store;
  }

  /** Starts the process. Resolves once it is connected. */
  async start(): Promise<void> {
    const settings = {
      store: this.#store,
      directory: this.#directory.path,
      relay: this.#relay,
      privateKey: encodeHex(this.identity.privateKey),
      clockAhead: this.#clockAhead,
    };
    const [command, ...args] = [...this.#host.prefix, execPath, PROGRAM, JSON.stringify(settings)];
    const process_ = new LineProcess(command as string, args);
    this.#process = process_;
    await new Promise<void>((resolve, reject) => {
      void this.#listen(process_, resolve).catch((error) => {
        if (this.#process === process_) this.trouble.push(String(error));
        reject(error);
      });
    });
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    const process_ = this.#process;
    this.#process = undefined;
    this.isOnline = false;
    for (const over of this.#answers.splice(0)) over();
    await process_?.kill();
  }

  async add(other: Participant): Promise<void> {
    await this.#command({ do: 'add', code: other.code });
  }

  /** Sends messages. Resolves when all of them are stored; they may not have left yet. */
  async say(to: Participant, texts: readonly string[]): Promise<void> {
    await this.#command({ do: 'say', to: encodeHex(to.identity.publicKey), texts });
  }

  /** Resolves when the relay has accepted everything. */
  async flush(): Promise<void> {
    await this.#command({ do: 'flush' });
  }

  /** Sets their clock to be ahead by so much. */
  async setClockAhead(milliseconds: number): Promise<void> {
    this.#clockAhead = milliseconds;
    await this.#command({ do: 'setClockAhead', milliseconds });
  }

  /** Whether their messenger knows how wrong their clock is. */
  get knowsTheTime(): boolean {
    return Math.abs(this.noticedSkew - this.#clockAhead) < 3_000;
  }

  async close(): Promise<void> {
    await this.kill();
    this.#directory.remove();
  }

  #command(command: object): Promise<void> {
    const line = JSON.stringify(command);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`Not done after ${COMMAND_TIMEOUT_MS / 1_000} s: ${line}`)),
        COMMAND_TIMEOUT_MS,
      );
      this.#answers.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#process?.write(`${line}\n`);
    });
  }

  async #listen(process_: LineProcess, started: () => void): Promise<void> {
    for (;;) {
      const line = JSON.parse(await process_.nextLine()) as Said;
      if (line.event === 'started') {
        this.code = line.code;
        this.isOnline = true;
        started();
      } else if (line.event === 'got') this.#take(line.id, line.text, process_);
      else if (line.event === 'said') this.said.push(line.text);
      else if (line.event === 'trouble') this.trouble.push(line.what);
      else if (line.event === 'clock') this.noticedSkew = line.skewMs;
      else if (line.event === 'done') this.#answers.shift()?.();
      else {
        this.isOnline = line.status === 'connected';
        if (line.status === 'reconnecting') this.losses++;
      }
    }
  }

  /** A message that was not acknowledged before the process was killed comes again with its id, and counts once. */
  #take(id: string, text: string, process_: LineProcess): void {
    const before = this.#lives.get(id);
    this.#lives.set(id, process_);
    if (before === undefined || before === process_) this.got.push(text);
  }
}
