import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { endChild } from '@sotto/testing/line-process';
import { freePort } from '@sotto/testing/ports';

/** Whether Debian's nats-server, or another, is on the PATH or where Debian puts it. */
export const natsServer = ['nats-server', '/usr/sbin/nats-server'].find(
  (command) => spawnSync(command, ['--version']).status === 0,
);

/** A real broker on this machine. */
export class Broker {
  readonly port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<Broker> {
    const broker = new Broker(await freePort());
    await broker.start();
    return broker;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const process = spawn(natsServer as string, ['--addr', '127.0.0.1', '--port', `${this.port}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = process;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      process.stderr?.on('data', (data) => {
        said += data;
        if (said.includes('Server is ready')) resolve();
      });
      process.once('exit', () => reject(new Error(`nats-server ended:\n${said}`)));
      process.once('error', reject);
    });
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await endChild(process, 'SIGKILL');
  }
}
