import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createTemporaryDirectory } from '../files.js';
import { endChild } from '../line-process.js';
import { freePort } from '../ports.js';

export interface GethOptions {
  /** Whether it listens for peers and can dial them, on loopback only. Default false. */
  readonly peers?: boolean;
  /** Least proof of work that it accepts. Default 0.002. */
  readonly minimumPow?: number;
}

/** A Whisper node on loopback with a temporary data directory. */
export class Geth {
  readonly #program: string;
  readonly #directory = createTemporaryDirectory();
  readonly #httpPort: number;
  readonly #wsPort: number;
  readonly #peerPort: number;
  readonly #options: GethOptions;
  #process: ChildProcess | undefined;

  private constructor(
    program: string,
    [httpPort, wsPort, peerPort]: readonly [number, number, number],
    options: GethOptions,
  ) {
    this.#program = program;
    this.#httpPort = httpPort;
    this.#wsPort = wsPort;
    this.#peerPort = peerPort;
    this.#options = options;
  }

  static async start(program: string, options: GethOptions = {}): Promise<Geth> {
    const peerPort = options.peers === true ? await freePort() : 0;
    const geth = new Geth(program, [await freePort(), await freePort(), peerPort], options);
    await geth.start();
    return geth;
  }

  url(scheme: 'ws' | 'http'): string {
    return `${scheme}://127.0.0.1:${scheme === 'ws' ? this.#wsPort : this.#httpPort}`;
  }

  /** Starts it, with the same ports as before and none of its previous state. Resolves when it answers. */
  async start(): Promise<void> {
    // A developer chain has no network; any other chain has no blocks here, and no peers with blocks.
    const { peers = false, minimumPow = 0.002 } = this.#options;
    const api = peers ? 'shh,admin' : 'shh';
    const http = [
      '--http',
      '--http.addr',
      '127.0.0.1',
      '--http.port',
      `${this.#httpPort}`,
      '--http.api',
      api,
    ];
    const ws = ['--ws', '--ws.addr', '127.0.0.1', '--ws.port', `${this.#wsPort}`, '--ws.api', 'shh'];
    const chain = peers ? ['--networkid', '4242', '--discovery.dns', ''] : ['--dev'];
    const network = ['--maxpeers', peers ? '25' : '0', '--port', `${this.#peerPort}`, '--nodiscover'];
    const loopback = ['--nat', 'none', '--netrestrict', '127.0.0.0/8'];
    const quiet = ['--ipcdisable', '--nousb', '--cache', '16'];
    const whisper = ['--shh', '--shh.pow', `${minimumPow}`];
    const geth = spawn(
      this.#program,
      [
        ...chain,
        '--datadir',
        this.#directory.path,
        ...network,
        ...loopback,
        ...quiet,
        ...whisper,
        ...http,
        ...ws,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = geth;
    const log: string[] = [];
    const open = new Set<string>();
    await new Promise<void>((resolve, reject) => {
      geth.once('error', reject);
      geth.once('exit', () => reject(new Error(`geth ended:\n${log.slice(-20).join('\n')}`)));
      createInterface({ input: geth.stderr }).on('line', (line) => {
        if (log.push(line) > 200) log.shift();
        if (/HTTP (server started|endpoint opened)/.test(line)) open.add('http');
        if (/WebSocket (enabled|endpoint opened)/.test(line)) open.add('ws');
        if (open.size === 2) resolve();
      });
    });
  }

  /** Kills it, as a power cut would. */
  async kill(): Promise<void> {
    const geth = this.#process;
    this.#process = undefined;
    await endChild(geth, 'SIGKILL');
  }

  /** Stops it for good. */
  async close(): Promise<void> {
    await this.kill();
    this.#directory.remove();
  }

  /** Its address for peers. */
  async enode(): Promise<string> {
    const { enode } = (await this.call('admin_nodeInfo')) as { enode: string };
    return enode;
  }

  /** Makes a call directly; an error of the node is thrown with its text. */
  async call(method: string, ...params: unknown[]): Promise<unknown> {
    const response = await fetch(this.url('http'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(error.message);
    return result;
  }
}
