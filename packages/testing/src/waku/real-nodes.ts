import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

/** What is used of a relay node of `@waku/sdk`, beside what transports do. */
export interface RelayNode {
  readonly relay: { getMeshPeers(pubsubTopic: string): readonly string[] };
  readonly libp2p: {
    dial(addresses: unknown): Promise<unknown>;
    hangUp(peer: unknown): Promise<void>;
    getMultiaddrs(): readonly unknown[];
    getPeers(): readonly unknown[];
    handle(protocol: string, handler: (incoming: never) => void): Promise<void>;
    dialProtocol(
      peer: unknown,
      protocol: string,
      options: { readonly maxOutboundStreams: number },
    ): Promise<{ readonly sink: unknown; close(): Promise<void> }>;
  };
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What is used of a light node of `@waku/sdk`, beside what transports do. */
export interface LightNode {
  start(): Promise<void>;
  stop(): Promise<void>;
  dial(address: unknown, protocols: readonly string[]): Promise<unknown>;
}

/** The pubsub topic of the shard of Status. */
export const PUBSUB_TOPIC = '/waku/2/rs/16/32';
const SHARDS = { clusterId: 16, shards: [32] };

/** Real nodes, in this process, on the shard of Status. */
export class RealNodes {
  readonly #folder: string;
  readonly #nodes: { stop(): Promise<void> }[] = [];

  /** @param folder where the packages of Waku are installed */
  constructor(folder: string) {
    this.#folder = folder;
    polyfill();
  }

  /**
   * A relay node that listens.
   * @typeParam Node what the caller's transport wants of it
   */
  async startRelay<Node extends object = object>(): Promise<Node & RelayNode> {
    const { createRelayNode } = await this.load('relay-sdk/dist/relay-node/index.js');
    const node: Node & RelayNode = await createRelayNode({
      networkConfig: SHARDS,
      shardInfo: SHARDS,
      libp2p: { ...(await this.#libp2p()), addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } },
    });
    await node.start();
    this.#nodes.push(node);
    return node;
  }

  /**
   * A light node that uses the services of one node, if one is given.
   * @param peers that it uses at once, when it is connected to more
   * @typeParam Node what the caller's transport wants of it
   */
  async startLight<Node extends object = object>(
    service?: Pick<RelayNode, 'libp2p'>,
    peers = 1,
  ): Promise<Node & LightNode> {
    const { createLightNode } = await this.load('@waku/sdk/dist/index.js');
    const node: Node & LightNode = await createLightNode({
      networkConfig: SHARDS,
      numPeersToUse: peers,
      libp2p: await this.#libp2p(),
    });
    await node.start();
    this.#nodes.push(node);
    const [address] = service?.libp2p.getMultiaddrs() ?? [];
    if (address !== undefined) await node.dial(address, ['lightpush', 'filter', 'store']);
    return node;
  }

  async #libp2p() {
    const { tcp } = await this.load('@libp2p/tcp/dist/src/index.js');
    const { yamux } = await this.load('@chainsafe/libp2p-yamux/dist/src/index.js');
    return { transports: [tcp()], streamMuxers: [yamux()], filterMultiaddrs: false, hideWebSocketInfo: true };
  }

  /** Connects two nodes, until each has the other in its mesh. */
  async connect(a: RelayNode, b: RelayNode): Promise<void> {
    await a.libp2p.dial(b.libp2p.getMultiaddrs());
    const isMeshed = () => [a, b].every(({ relay }) => relay.getMeshPeers(PUBSUB_TOPIC).length > 0);
    for (let attempt = 0; !isMeshed(); attempt++) {
      if (attempt === 1_200) throw new Error('The nodes did not find each other within a minute.');
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  /** A module of the packages, which aren't installed where this is compiled. */
  // biome-ignore lint/suspicious/noExplicitAny: so their types aren't there either
  load(file: string): Promise<any> {
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
