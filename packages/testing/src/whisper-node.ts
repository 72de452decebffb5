import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { createTemporaryDirectory } from './files.js';
import { endChild } from './line-process.js';
import { freePort } from './ports.js';

const SERVERS = ['relay', 'rpc', 'admin', 'p2p'] as const;

/** The addresses of a running node, as it logs them. */
interface Started {
  readonly relay: string;
  readonly rpc: string;
  readonly admin: string;
  readonly enode: string;
}

export interface NodeProcessOptions {
  /** Path of the built program, `dist/main.js` of `@sotto/whisper-node`. */
  readonly program: string;
  readonly flags?: readonly string[];
  /** Changes to the environment of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Address that it listens on. Default: loopback. */
  readonly address?: string;
  /** What to put in front of the command that starts it. Default: nothing. */
  readonly prefix?: readonly string[];
}

/** A `whisper-node` in a process of its own, in a temporary directory. */
export class NodeProcess {
  readonly #directory = createTemporaryDirectory();
  readonly #options: NodeProcessOptions;
  #ports: readonly number[] | undefined;
  #process: ChildProcess | undefined;
  #started: Started | undefined;
  /** Lines that it has logged. */
  readonly log: Readonly<Record<string, unknown>>[] = [];

  /** Not started yet. */
  constructor(options: NodeProcessOptions) {
    this.#options = options;
  }

  /** One that is running. */
  static async start(options: NodeProcessOptions): Promise<NodeProcess> {
    const node = new NodeProcess(options);
    try {
      await node.start();
    } catch (error) {
      await node.close();
      throw error;
    }
    return node;
  }

  /** Its directory. */
  get folder(): string {
    return this.#directory.path;
  }

  /** Starts it, with what is in its directory. Resolves when it has logged that it started. */
  async start(): Promise<void> {
    const { program, flags = [], environment = {}, address = '127.0.0.1', prefix = [] } = this.#options;
    // Its previous addresses, after a first start, so that clients reconnect.
    this.#ports ??= await Promise.all(SERVERS.map(freePort));
    const addresses = this.#ports.flatMap((port, i) => [`--${SERVERS[i]}`, `${address}:${port}`]);
    const [command, ...args] = [
      ...prefix,
      process.execPath,
      ...[program, '--data', this.folder, ...addresses, '--log-level', 'debug', ...flags],
    ] as [string, ...string[]];
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
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

  /** The address of its relay, `ws:` and so on. */
  get relay(): string {
    return this.#address('relay');
  }

  /** The address of its JSON-RPC. */
  rpc(scheme: 'http' | 'ws'): string {
    return this.#address('rpc').replace(/^http/, scheme);
  }

  get admin(): string {
    return this.#address('admin');
  }

  get enode(): string {
    return this.#address('enode');
  }

  /** A metric of `/metrics`, with its labels if it has any. */
  async metric(name: string): Promise<number> {
    // Without keep-alive: the node may just be closing the connection.
    const response = await fetch(`${this.admin}/metrics`, { headers: { connection: 'close' } });
    const text = await response.text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    if (line === undefined) throw new Error(`no figure ${name}`);
    return Number(line.split(' ').at(-1));
  }

  /** Asks it to stop. @returns its exit code */
  stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
    return this.#end(signal);
  }

  /** Kills it, as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Sends it a signal that does not end it. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Stops it for good, and deletes its directory. */
  async close(): Promise<void> {
    await this.kill();
    this.#directory.remove();
  }

  #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    this.#process = undefined;
    return endChild(child, signal);
  }

  #address(name: keyof Started): string {
    const address = this.#started?.[name];
    if (address === undefined) throw new Error(`the node said nothing of ${name}`);
    return address;
  }
}
