import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createTemporaryDirectory } from '../files.js';
import { endChild } from '../line-process.js';
import { freePort } from '../ports.js';

const run = promisify(execFile);
/** PostgreSQL refuses to run as root: then as the user that its package has made. */
const USER = 'postgres';
const SHOWN_LINES = 20;

/** A PostgreSQL server on loopback, with a temporary cluster of its own, in which everybody is trusted. */
export class PostgresServer {
  readonly #programs: string;
  readonly #directory: { readonly path: string; remove(): void };
  readonly #port: number;
  #process: ChildProcess | undefined;
  #databases = 0;

  private constructor(programs: string, directory: { readonly path: string; remove(): void }, port: number) {
    this.#programs = programs;
    this.#directory = directory;
    this.#port = port;
  }

  /** Makes a cluster and starts the server. @param programs the folder that the set-up provides as `postgres` */
  static async start(programs: string): Promise<PostgresServer> {
    const server = new PostgresServer(programs, createTemporaryDirectory(), await freePort());
    if (isRoot()) {
      const [user, group] = await Promise.all(['-u', '-g'].map((what) => run('id', [what, USER])));
      chownSync(server.#directory.path, Number(user?.stdout), Number(group?.stdout));
    }
    // Not in the language of this machine: what the server says is looked for below.
    const options = ['--auth=trust', '--username=sotto', '--no-locale', '--encoding=UTF8', '--no-sync'];
    await run(...server.#command('initdb', ['--pgdata', server.#data, ...options]));
    await server.start();
    return server;
  }

  /** An address for clients. */
  url(database = 'postgres'): string {
    return `postgres://sotto@127.0.0.1:${this.#port}/${database}`;
  }

  /** The port on 127.0.0.1. */
  get port(): number {
    return this.#port;
  }

  /** Makes an empty database. @returns its address */
  async createDatabase(): Promise<string> {
    const name = `database_${++this.#databases}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  /** Runs SQL as the superuser. @returns the lines of the answer, with `|` between columns */
  async query(sql: string, url = this.url()): Promise<string[]> {
    const args = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'];
    const { stdout } = await run(join(this.#programs, 'psql'), [...args, `--command=${sql}`, url], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Starts it again, with what it has kept. Resolves when it can be used. */
  async start(): Promise<void> {
    // What is left of a server that was killed goes within moments, and until then another one refuses to start.
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#start();
        return;
      } catch (error) {
        if (attempt === SHOWN_LINES) throw error;
        await setTimeout(250);
      }
    }
  }

  /** Ends it as a crash does: nothing is written any more, and the log is played when it starts again. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  /** Kills its first process; the others notice. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops it for good. */
  async close(): Promise<void> {
    await this.crash();
    this.#directory.remove();
  }

  get #data(): string {
    return join(this.#directory.path, 'data');
  }

  async #start(): Promise<void> {
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.#port}`,
      `unix_socket_directories=${this.#directory.path}`,
      'max_connections=60',
      'logging_collector=off',
      'lc_messages=C',
      // Otherwise each start after a crash opens all files to sync them.
      'recovery_init_sync_method=syncfs',
    ].flatMap((setting) => ['-c', setting]);
    const [command, args] = this.#command('postgres', ['-D', this.#data, ...settings]);
    const server = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const log: string[] = [];
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.once('exit', () =>
        reject(new Error(`PostgreSQL ended:\n${log.slice(-SHOWN_LINES).join('\n')}`)),
      );
      createInterface({ input: server.stderr }).on('line', (line) => {
        if (log.push(line) > 200) log.shift();
        if (line.includes('database system is ready to accept connections')) resolve();
      });
    });
    this.#process = server;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    const closed = server && server.exitCode === null ? once(server, 'close') : undefined;
    await endChild(server, signal);
    // Its children have the other end of the pipe, and end after it.
    await closed;
  }

  #command(program: string, args: readonly string[]): [string, string[]] {
    const path = join(this.#programs, program);
    if (!isRoot()) return [path, [...args]];
    // It becomes the program: signals reach the server itself.
    return ['setpriv', ['--reuid', USER, '--regid', USER, '--clear-groups', '--', path, ...args]];
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
