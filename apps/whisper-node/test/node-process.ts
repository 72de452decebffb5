import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { lastingPort } from './lasting-port.js';

const program = join(import.meta.dirname, '../dist/main.js');

const SERVERS = ['relay', 'rpc', 'admin', 'p2p'] as const;

/** Where a running node is to be found, as it logs it. */
interface Started {
  readonly relay: string;
  readonly rpc: string;
  readonly admin: string;
  readonly enode: string;
}

/** The built program on loopback, in a directory that is thrown away. */
export class NodeProcess {
  /** Its directory. */
  readonly folder: string;
  readonly #flags: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #ports: readonly number[] | undefined;
  #process: ChildProcess | undefined;
  #started: Started | undefined;
  /** Lines that it has logged. */
  readonly log: Readonly<Record<string, unknown>>[] = [];

  private constructor(
    folder: string,
    flags: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) {
    this.folder = folder;
    this.#flags = flags;
    this.#environment = environment;
  }

  static async start(
    flags: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<NodeProcess> {
    const node = new NodeProcess(await mkdtemp(join(tmpdir(), 'sotto-node-')), flags, environment);
    try {
      await node.start();
    } catch (error) {
      await node.close();
      throw error;
    }
    return node;
  }

  /** Starts it, with what is in its directory. Resolves when it says that it has started. */
  async start(): Promise<void> {
    // Where it was, once it was somewhere: clients come back to it.
    this.#ports ??= await Promise.all(SERVERS.map(lastingPort));
    const addresses = this.#ports.flatMap((port, i) => [`--${SERVERS[i]}`, `127.0.0.1:${port}`]);
    const child = spawn(
      process.execPath,
      [program, '--data', this.folder, ...addresses, '--log-level', 'debug', ...this.#flags],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...this.#environment } },
    );
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => {
        reject(
          new Error(
            `the node ended with ${code}:\n${this.log.map((line) => JSON.stringify(line)).join('\n')}`,
          ),
        );
      });
      createInterface({ input: child.stdout }).on('line', (text) => {
        const line = JSON.parse(text) as Record<string, unknown>;
        this.log.push(line);
        if (line['event'] !== 'node.started') return;
        this.#started = line as unknown as Started;
        resolve();
      });
    });
  }

  get relay(): string {
    return this.#address('relay');
  }

  /** `http` or `ws`. */
  rpc(scheme: 'http' | 'ws'): string {
    return this.#address('rpc').replace(/^http/, scheme);
  }

  get admin(): string {
    return this.#address('admin');
  }

  get enode(): string {
    return this.#address('enode');
  }

  /** A figure of `/metrics`, with its labels if it has any. */
  async metric(name: string): Promise<number> {
    // Not by a connection that is kept: the node may just be closing it.
    const response = await fetch(`${this.admin}/metrics`, { headers: { connection: 'close' } });
    const text = await response.text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    if (line === undefined) throw new Error(`no figure ${name}`);
    return Number(line.split(' ').at(-1));
  }

  /** Asks it to stop; resolves with its exit code. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
    return this.#end(signal);
  }

  /** Stops it at once, as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Sends it a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Stops it for good, and throws its directory away. */
  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    child.removeAllListeners('exit');
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }

  #address(name: keyof Started): string {
    const address = this.#started?.[name];
    if (address === undefined) throw new Error(`the node said nothing of ${name}`);
    return address;
  }
}
