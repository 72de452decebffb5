import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTemporaryDirectory } from '@sotto/testing/files';
import { endChild } from '@sotto/testing/line-process';
import { freePort } from '@sotto/testing/ports';

/** Whether Debian's nats-server, or another, is on the PATH or where Debian puts it. */
export const natsServer = ['nats-server', '/usr/sbin/nats-server'].find(
  (command) => spawnSync(command, ['--version']).status === 0,
);

/** A real server with JetStream on this machine, alone or in a cluster. */
class NatsServer {
  readonly port: number;
  readonly #config: string;
  #process: ChildProcess | undefined;

  constructor(port: number, config: string) {
    this.port = port;
    this.#config = config;
  }

  async start(): Promise<void> {
    const child = spawn(natsServer as string, ['-c', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr?.on('data', (data) => {
        said = (said + data).slice(-10_000);
        if (said.includes('Server is ready')) resolve();
      });
      child.once('exit', () => reject(new Error(`nats-server ended:\n${said}`)));
      child.once('error', reject);
    });
  }

  /** As if its machine lost power. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    await endChild(child, 'SIGKILL');
  }
}

/** Servers of one cluster. */
export class NatsCluster {
  readonly servers: readonly NatsServer[];

  readonly #removals: readonly (() => void)[];

  private constructor(servers: readonly NatsServer[], removals: readonly (() => void)[]) {
    this.servers = servers;
    this.#removals = removals;
  }

  /** @param extra lines of configuration, such as accounts */
  static async start(size: number, extra = ''): Promise<NatsCluster> {
    const ports = await Promise.all(
      Array.from({ length: size }, async () => ({ client: await freePort(), route: await freePort() })),
    );
    const routes = ports.map(({ route }) => `nats://127.0.0.1:${route}`).join(', ');
    const removals: (() => void)[] = [];
    const servers = ports.map(({ client, route }, i) => {
      const { path: folder, remove } = createTemporaryDirectory();
      removals.push(remove);
      const file = join(folder, 'server.conf');
      const cluster = `cluster { name: sotto, listen: "127.0.0.1:${route}", routes: [${routes}] }`;
      writeFileSync(
        file,
        [
          `server_name: server-${i}`,
          `listen: "127.0.0.1:${client}"`,
          `jetstream { store_dir: "${join(folder, 'jetstream')}", max_mem: 64M, max_file: 1G }`,
          ...(size > 1 ? [cluster] : []),
          extra,
        ].join('\n'),
      );
      return new NatsServer(client, file);
    });
    const cluster = new NatsCluster(servers, removals);
    await Promise.all(servers.map((server) => server.start()));
    return cluster;
  }

  get urls(): string[] {
    return this.servers.map(({ port }) => `nats://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
    for (const remove of this.#removals) remove();
  }
}
