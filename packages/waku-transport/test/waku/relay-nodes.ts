import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { STATUS_PUBSUB_TOPIC, type WakuRelayNode } from '../../src/index.js';

/** What the tests use of a relay node of `@waku/sdk`, beside what the transport does. */
interface RelayNode extends WakuRelayNode {
  readonly relay: WakuRelayNode['relay'] & { getMeshPeers(pubsubTopic: string): readonly string[] };
  readonly libp2p: WakuRelayNode['libp2p'] & {
    dial(addresses: unknown): Promise<unknown>;
    hangUp(peer: unknown): Promise<void>;
    getMultiaddrs(): unknown;
    getPeers(): readonly unknown[];
  };
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Real relay nodes, in this process, on the shard of Status. */
export class RelayNodes {
  readonly #folder: string;
  readonly #nodes: RelayNode[] = [];

  /** @param folder where the packages of Waku are installed */
  constructor(folder: string) {
    this.#folder = folder;
    polyfill();
  }

  async start(): Promise<RelayNode> {
    const { createRelayNode } = await this.#load('@waku/sdk/dist/relay-node/index.js');
    const { tcp } = await this.#load('@libp2p/tcp/dist/src/index.js');
    const shards = { clusterId: 16, shards: [32] };
    const node: RelayNode = await createRelayNode({
      networkConfig: shards,
      shardInfo: shards,
      libp2p: {
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        transports: [tcp()],
        filterMultiaddrs: false,
        hideWebSocketInfo: true,
      },
    });
    await node.start();
    this.#nodes.push(node);
    return node;
  }

  /** Connects two nodes, until each has the other in its mesh. */
  async connect(a: RelayNode, b: RelayNode): Promise<void> {
    await a.libp2p.dial(b.libp2p.getMultiaddrs());
    const isMeshed = () => [a, b].every(({ relay }) => relay.getMeshPeers(STATUS_PUBSUB_TOPIC).length > 0);
    for (let attempt = 0; !isMeshed(); attempt++) {
      if (attempt === 1_200) throw new Error('The nodes did not find each other within a minute.');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  // biome-ignore lint/suspicious/noExplicitAny: the packages aren't installed where this is compiled
  #load(file: string): Promise<any> {
    return import(pathToFileURL(join(this.#folder, 'node_modules', file)).href);
  }
}

/** Waku uses it; Node.js has it from version 22 on. */
function polyfill(): void {
  const withResolvers = <T>() => {
    let [resolve, reject]: ((value: never) => void)[] = [];
    const promise = new Promise<T>((...both) => {
      [resolve, reject] = both;
    });
    return { promise, resolve, reject };
  };
  if (!('withResolvers' in Promise)) Object.assign(Promise, { withResolvers });
}
