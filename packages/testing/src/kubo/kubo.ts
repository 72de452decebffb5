import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { encodeHex } from '@sotto/core';
import { createTemporaryDirectory } from '../files.js';
import { endChild } from '../line-process.js';
import { freePort } from '../ports.js';
import { randomBytes } from '../random.js';

const run = promisify(execFile);

/** An IPFS node on loopback, in a private network, with a temporary repository. */
export class Kubo {
  readonly #program: string;
  readonly #directory = createTemporaryDirectory();
  readonly #ports: { readonly api: number; readonly gateway: number; readonly swarm: number };
  #process: ChildProcess | undefined;

  private constructor(
    program: string,
    ports: { readonly api: number; readonly gateway: number; readonly swarm: number },
  ) {
    this.#program = program;
    this.#ports = ports;
  }

  /** @param swarmKey of the private network, see {@link startKuboNetwork} */
  static async create(program: string, swarmKey: string): Promise<Kubo> {
    const ports = {
      api: await freePort(),
      gateway: await freePort(),
      swarm: await freePort(),
    };
    const kubo = new Kubo(program, ports);
    await kubo.#run('init', '--empty-repo', '--profile=test');
    const loopback = (port: number) => `/ip4/127.0.0.1/tcp/${port}`;
    const settings: Record<string, unknown> = {
      AutoConf: { Enabled: false },
      // Pages of any origin may use it: those of tests.
      'API.HTTPHeaders': {
        'Access-Control-Allow-Origin': ['*'],
        'Access-Control-Allow-Methods': ['GET', 'POST'],
      },
      Bootstrap: [],
      'Addresses.API': loopback(ports.api),
      'Addresses.Gateway': loopback(ports.gateway),
      'Addresses.Swarm': [loopback(ports.swarm)],
      'Discovery.MDNS.Enabled': false,
      'DNS.Resolvers': {},
      'Gateway.ExposeRoutingAPI': true,
      'Gateway.NoFetch': false,
      'Ipns.DelegatedPublishers': [],
      'Routing.DelegatedRouters': [],
      'Routing.LoopbackAddressesOnLanDHT': true,
      'Routing.Type': 'dht',
      'Swarm.Transports.Network.QUIC': false,
      'Swarm.Transports.Network.WebTransport': false,
      'Swarm.Transports.Network.Websocket': false,
    };
    for (const [key, value] of Object.entries(settings)) {
      await kubo.#run('config', '--json', key, JSON.stringify(value));
    }
    writeFileSync(join(kubo.#directory.path, 'swarm.key'), swarmKey, { mode: 0o600 });
    return kubo;
  }

  /** The address of its RPC. */
  get api(): string {
    return `http://127.0.0.1:${this.#ports.api}`;
  }

  /** The address of its gateway, which also serves Delegated Routing V1. */
  get gateway(): string {
    return `http://127.0.0.1:${this.#ports.gateway}`;
  }

  /** Starts it, with what it knew before. Resolves when it answers. */
  async start(): Promise<void> {
    const kubo = spawn(this.#program, ['daemon'], {
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = kubo;
    const log: string[] = [];
    await new Promise<void>((resolve, reject) => {
      kubo.once('error', reject);
      kubo.once('exit', () => reject(new Error(`Kubo ended:\n${log.slice(-20).join('\n')}`)));
      for (const stream of [kubo.stdout, kubo.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          if (log.push(line) > 200) log.shift();
          if (/Daemon is ready/.test(line)) resolve();
        });
      }
    });
  }

  /** Adds a folder of files, by their paths in it. @returns its CID */
  async addFolder(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
    const form = new FormData();
    for (const [path, bytes] of files) {
      form.append('file', new Blob([Uint8Array.from(bytes)]), encodeURIComponent(`site/${path}`));
    }
    const response = await fetch(`${this.api}/api/v0/add?cid-version=1&pin=true`, {
      method: 'POST',
      body: form,
    });
    const lines = (await response.text()).trim().split('\n');
    const added = lines.map((line) => JSON.parse(line) as { readonly Name: string; readonly Hash: string });
    const folder = added.find(({ Name }) => Name === 'site');
    if (!response.ok || folder === undefined) throw new Error(`Kubo: ${lines.join(' ')}`);
    return folder.Hash;
  }

  /** Connects it to another node. */
  async connect(other: Kubo): Promise<void> {
    const { ID: id } = (await other.#call('id')) as { ID: string };
    const address = `/ip4/127.0.0.1/tcp/${other.#ports.swarm}/p2p/${id}`;
    await this.#call(`swarm/connect?arg=${encodeURIComponent(address)}`);
  }

  /** Kills it, as a power cut would. */
  async kill(): Promise<void> {
    const kubo = this.#process;
    this.#process = undefined;
    await endChild(kubo, 'SIGKILL');
  }

  /** Stops it for good. */
  async close(): Promise<void> {
    await this.kill();
    this.#directory.remove();
  }

  async #call(path: string): Promise<unknown> {
    const response = await fetch(`${this.api}/api/v0/${path}`, { method: 'POST' });
    if (!response.ok) throw new Error(`Kubo: ${await response.text()}`);
    return response.json();
  }

  async #run(...args: string[]): Promise<void> {
    await run(this.#program, args, { env: this.#environment() });
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, IPFS_PATH: this.#directory.path, LIBP2P_FORCE_PNET: '1' };
  }
}

/** Nodes that are connected to the first of them, and to no others. The caller closes them. */
export async function startKuboNetwork(program: string, count: number): Promise<Kubo[]> {
  const swarmKey = `/key/swarm/psk/1.0.0/\n/base16/\n${encodeHex(randomBytes(32))}\n`;
  const nodes: Kubo[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const kubo = await Kubo.create(program, swarmKey);
      nodes.push(kubo);
      await kubo.start();
      if (i > 0) await kubo.connect(nodes[0] as Kubo);
    }
    return nodes;
  } catch (error) {
    await Promise.all(nodes.map((node) => node.close()));
    throw error;
  }
}
