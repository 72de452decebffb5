import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { LineProcess } from '../line-process.js';

const run = promisify(execFile);

/** What happens to the packets between two hosts. A fraction of 0.01 is one packet in a hundred. */
export interface LinkFaults {
  /** Milliseconds that a packet takes. */
  readonly delayMs?: number;
  /** Fraction of the packets that are dropped. */
  readonly loss?: number;
  /** Fraction of the packets that are delivered twice. */
  readonly duplicate?: number;
  /** Fraction of the packets of which one bit is inverted. */
  readonly corrupt?: number;
  /** Fraction of the packets that are delivered at once, before earlier ones. */
  readonly reorder?: number;
  /** Bytes of the largest packet that is delivered. No error tells the sender of a larger one: a path MTU black hole. */
  readonly largestBytes?: number;
  /** Whose packets are all dropped. No socket is told. */
  readonly cut?: 'first' | 'second' | 'both';
}

/** Numbers of packets since the link was there. */
export interface LinkCounts {
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly reordered: number;
  readonly tooLarge: number;
  readonly cut: number;
}

/** A host: a network namespace with one device, to the other host. */
export class Host {
  /** What to put in front of a command, so that it runs on this host. */
  readonly prefix: readonly string[];
  readonly #namespace: string;
  readonly #device: string;
  #address: string;

  constructor(namespace: string, device: string, address: string) {
    this.#namespace = namespace;
    this.#device = device;
    this.#address = address;
    this.prefix = ['ip', 'netns', 'exec', namespace];
  }

  /** Its IPv4 address. */
  get address(): string {
    return this.#address;
  }

  async open(): Promise<void> {
    await run('ip', ['netns', 'add', this.#namespace]);
    await run('ip', ['link', 'set', this.#device, 'netns', this.#namespace]);
    await this.#ip('link', 'set', 'lo', 'up');
    await this.#ip('address', 'add', `${this.#address}/24`, 'dev', this.#device);
    await this.#ip('link', 'set', this.#device, 'up');
  }

  /** Gives it another address, as when a phone changes networks: nothing that is open hears of it or works any more. */
  async moveTo(address: string): Promise<void> {
    await this.#ip('address', 'flush', 'dev', this.#device);
    await this.#ip('address', 'add', `${address}/24`, 'dev', this.#device);
    this.#address = address;
  }

  /** Sets the largest packet that it sends, in bytes. */
  async setMtu(bytes: number): Promise<void> {
    await this.#ip('link', 'set', this.#device, 'mtu', String(bytes));
  }

  /** How many established connections it has to or from other addresses at one of its TCP ports. */
  async connectionsAt(port: number): Promise<number> {
    const [command, ...args] = this.prefix as [string, ...string[]];
    const { stdout } = await run(command, [
      ...args,
      'ss',
      '-Htn',
      'state',
      'established',
      `sport = :${port}`,
    ]);
    return stdout.split('\n').filter((line) => line !== '').length;
  }

  async close(): Promise<void> {
    await run('ip', ['netns', 'del', this.#namespace]).catch(() => {});
  }

  async #ip(...args: readonly string[]): Promise<void> {
    await run('ip', ['-n', this.#namespace, ...args]);
  }
}

/**
 * Two hosts in network namespaces, joined by a link that can be made to fail. The link is a program, since not every kernel has
 * the queueing discipline netem. Needs Linux, root, and the commands `ip` and `ss` of iproute2.
 */
export class TwoHosts {
  readonly first: Host;
  readonly second: Host;
  /** Of the random faults; to be told when a test fails. */
  readonly seed = randomBytes(4).readUInt32BE();
  readonly #link: LineProcess;

  private constructor(program: string) {
    const id = randomBytes(4).toString('hex');
    this.first = new Host(`sotto-${id}-1`, `st${id}a`, '10.77.0.1');
    this.second = new Host(`sotto-${id}-2`, `st${id}b`, '10.77.0.2');
    this.#link = new LineProcess(program, [String(this.seed), `st${id}a`, `st${id}b`]);
  }

  /** @param program path of the link, as `@sotto/testing/network/setup` provides it */
  static async open(program: string): Promise<TwoHosts> {
    const hosts = new TwoHosts(program);
    try {
      await hosts.#link.nextLine();
      await Promise.all([hosts.first.open(), hosts.second.open()]);
      return hosts;
    } catch (error) {
      await hosts.close();
      throw error;
    }
  }

  /** Replaces the faults of the link by these. @returns what has happened to packets so far */
  async setFaults(faults: LinkFaults): Promise<LinkCounts> {
    this.#link.write(`${JSON.stringify(faults)}\n`);
    return JSON.parse(await this.#link.nextLine()) as LinkCounts;
  }

  /** Removes the hosts. What still runs on them loses its network. */
  async close(): Promise<void> {
    await this.#link.kill();
    await Promise.all([this.first.close(), this.second.close()]);
  }
}
