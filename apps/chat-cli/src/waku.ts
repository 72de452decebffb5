import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport, TransportConnection, TransportStatus } from '@sotto/core';
import { createWakuTransport, pubsubTopicOf, type WakuNode } from '@sotto/waku-transport';
import { loadOptional, type OptionalPackages } from './optional-packages.js';
import type { WakuOption } from './options.js';

/** Between attempts to reach the servers again. */
const REDIAL_MS = 5_000;
/** For servers that are connected and don't answer, before they are left for one of them alone, then the next. */
const PATIENCE_MS = 60_000;
/** For the first peer that passes messages on, which takes a relay node about a second; and how often to look. */
const MESH_MS = 10_000;
const MESH_POLL_MS = 100;

/** What to install: versions that were seen working together. */
const PACKAGES = {
  light: { sdk: '0.0.31', others: ['@libp2p/tcp@9', '@chainsafe/libp2p-yamux@7'] },
  relay: { sdk: '0.0.27', others: ['@waku/relay@0.0.14', '@libp2p/tcp@9', '@chainsafe/libp2p-yamux@6'] },
} as const;

/** What is used of a node of `@waku/sdk`, beside what the transport does. */
export interface Host {
  readonly libp2p: {
    getConnections(): readonly { readonly remotePeer: { toString(): string } }[];
    hangUp(peer: unknown): Promise<void>;
  };
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly relay?:
    | { start(): Promise<void>; getMeshPeers(pubsubTopic: string): readonly unknown[] }
    | undefined;
  dial(address: string, protocols: readonly string[]): Promise<unknown>;
}

type OwnNode = Host & WakuNode;

type CreateNode = (options: Readonly<Record<string, unknown>>) => Promise<OwnNode>;

/**
 * A transport over a Waku node of this program, which runs while it is connected. The node knows no keys.
 * @throws CliError NOT_INSTALLED
 */
export async function createOwnWakuTransport(option: WakuOption): Promise<Transport> {
  const pubsubTopic = pubsubTopicOf(option.cluster, option.shard);
  const open = async () => {
    const node = await createNode(option);
    const transport = createWakuTransport(node, { pubsubTopic });
    return { transport, host: new WakuHost(node, option, pubsubTopic) };
  };
  const first = await open();
  let next: typeof first | undefined = first;
  return {
    capabilities: first.transport.capabilities,
    async connect(options) {
      // A node that was stopped can't be started again.
      const { transport, host } = next ?? (await open());
      next = undefined;
      try {
        await host.start();
        const connection = await transport.connect({
          identity: options.identity,
          channelKeys: options.channelKeys,
          signal: options.signal,
          onMessage: (message) => options.onMessage(message),
          onStatus: (status) => {
            host.onStatus(status);
            options.onStatus?.(status);
          },
          onClock: (skew) => options.onClock?.(skew),
        });
        return closing(connection, () => host.stop());
      } catch (error) {
        await host.stop();
        throw error;
      }
    },
  };
}

/** A connection that does something more when it is closed. */
function closing(connection: TransportConnection, afterwards: () => Promise<void>): TransportConnection {
  const { history } = connection;
  return {
    send: (channel, payload, options) => connection.send(channel, payload, options),
    subscribe: (channels) => connection.subscribe(channels),
    ...(history === undefined ? {} : { history: (request) => history.call(connection, request) }),
    async close() {
      await connection.close();
      await afterwards();
    },
  };
}

async function createNode({ mode, cluster, shard, servers, packages }: WakuOption): Promise<OwnNode> {
  polyfill();
  const { sdk, others } = PACKAGES[mode];
  const wanted: OptionalPackages = {
    purpose: mode === 'light' ? 'Waku' : 'The relay of Waku',
    install: [`@waku/sdk@${sdk}`, ...others],
    directory: packages,
  };
  type Sdk = { readonly createLightNode: CreateNode; readonly createRelayNode: CreateNode };
  const entry = mode === 'light' ? '.' : './relay';
  const { createLightNode, createRelayNode } = await loadOptional<Sdk>(wanted, '@waku/sdk', {
    entry,
    version: sdk,
  });
  const { tcp } = await loadOptional<{ tcp(): unknown }>(wanted, '@libp2p/tcp');
  const { yamux } = await loadOptional<{ yamux(): unknown }>(wanted, '@chainsafe/libp2p-yamux');
  const shards = { clusterId: cluster, shards: [shard] };
  return (mode === 'light' ? createLightNode : createRelayNode)({
    networkConfig: shards,
    shardInfo: shards,
    // Every server gets each message: one that loses it is no loss.
    numPeersToUse: servers.length,
    lightPush: { numPeersToUse: servers.length },
    libp2p: { start: false, transports: [tcp()], streamMuxers: [yamux()], hideWebSocketInfo: true },
  });
}

/** Keeps a node connected to its servers. */
export class WakuHost {
  readonly #node: Host;
  readonly #pubsubTopic: string;
  readonly #servers: readonly string[];
  readonly #protocols: readonly string[];
  /** The only server to connect to, when some don't answer: its place in the list. */
  #alone: number | undefined;
  #redial: NodeJS.Timeout | undefined;
  #isHeard = false;
  #leaving: NodeJS.Timeout | undefined;

  constructor(node: Host, { servers, mode }: WakuOption, pubsubTopic: string) {
    this.#pubsubTopic = pubsubTopic;
    this.#node = node;
    this.#servers = servers;
    this.#protocols = mode === 'light' ? ['lightpush', 'filter', 'store'] : ['relay'];
  }

  /** Resolves when each server was tried and, of a relay node, the first passes messages on to us. */
  async start(): Promise<void> {
    // Before the node: the SDK subscribes a relay to its shard only so.
    await this.#node.relay?.start();
    await this.#node.start();
    this.#redial ??= setInterval(() => void this.#dial(), REDIAL_MS);
    await this.#dial();
    for (let waited = 0; !this.#isFed() && waited < MESH_MS; waited += MESH_POLL_MS)
      await sleep(MESH_POLL_MS);
  }

  #isFed(): boolean {
    const { relay, libp2p } = this.#node;
    return (
      libp2p.getConnections().length === 0 ||
      relay === undefined ||
      relay.getMeshPeers(this.#pubsubTopic).length > 0
    );
  }

  /**
   * Leaves servers that are connected and don't answer: the SDK waits for all, for ever, so that one silences the others. Each is
   * then tried alone, in turn, and the first that answers is kept.
   */
  onStatus(status: TransportStatus): void {
    this.#isHeard = status === 'connected';
    // It goes on when one answers: while servers are left, those that remain may do so for a moment.
    if (status === 'reconnecting') this.#leaving ??= setInterval(() => void this.#leave(), PATIENCE_MS);
  }

  async #leave(): Promise<void> {
    if (this.#isHeard) {
      clearInterval(this.#leaving);
      this.#leaving = undefined;
      return;
    }
    this.#alone = this.#alone === undefined ? 0 : (this.#alone + 1) % this.#servers.length;
    await this.#hangUp();
    await this.#dial();
  }

  async stop(): Promise<void> {
    clearInterval(this.#redial);
    // The SDK ends its timer of a peer when the peer is gone, not with the node.
    await this.#hangUp();
    clearInterval(this.#leaving);
    await this.#node.stop();
  }

  async #hangUp(): Promise<void> {
    const { libp2p } = this.#node;
    await Promise.allSettled(libp2p.getConnections().map(({ remotePeer }) => libp2p.hangUp(remotePeer)));
  }

  async #dial(): Promise<void> {
    const connected = new Set(this.#node.libp2p.getConnections().map(({ remotePeer }) => `${remotePeer}`));
    const wanted =
      this.#alone === undefined ? this.#servers : this.#servers.slice(this.#alone, this.#alone + 1);
    const missing = wanted.filter((server) => !connected.has(server.split('/p2p/')[1] as string));
    await Promise.allSettled(missing.map((server) => this.#node.dial(server, this.#protocols)));
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
