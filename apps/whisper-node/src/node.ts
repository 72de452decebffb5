import { join } from 'node:path';
import { type BlobServer, createBlobServer } from '@sotto/attachments/server';
import { type Clock, encodeHex, type Logger, systemClock } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { loadAcceleratedProvider } from '@sotto/crypto/accelerated';
import { createWhisperHost, type WhisperHost } from '@sotto/whisper-devp2p';
import { createWorkerMiner } from '@sotto/whisper-transport/miner';
import { RELAY_FRAME_OVERHEAD } from '@sotto/whisper-transport/relay-protocol';
import { EnvelopePool, envelopeHash, proofOfWork } from '@sotto/whisper-transport/whisper';
import { EnvelopeArchive } from './archive/envelope-archive.js';
import type { Config } from './config.js';
import type { AccessRules } from './http/access.js';
import { formatAddress } from './http/address.js';
import { createAdminPages } from './http/admin.js';
import { TrustedProxies } from './http/client-address.js';
import { answer, Listener, type ListenerOptions } from './http/listener.js';
import { FairQueue } from './limits/fair-queue.js';
import { Rates } from './limits/rates.js';
import { Mailserver } from './mail/mailserver.js';
import { Metrics } from './metrics.js';
import { readNodeKey } from './node-key.js';
import { RelayServer } from './relay/relay-server.js';
import { RelaySession } from './relay/relay-session.js';
import { createAdminApi } from './rpc/admin-api.js';
import { type Api, Dispatcher } from './rpc/dispatcher.js';
import { Filters } from './rpc/filters.js';
import { KeyStore } from './rpc/key-store.js';
import { acceptSocket, createHttpHandler } from './rpc/rpc-server.js';
import { createShhApi } from './rpc/shh-api.js';

/** Most envelopes that wait for the disk: a few seconds of a busy network. */
const ARCHIVE_WAITING_MOST = 20_000;
/** Bytes of them: a disk that hangs must not fill the memory. */
const ARCHIVE_WAITING_MOST_BYTES = 64 * 1024 * 1024;
const RELAY_PAGE_SIZE = 1_000;
const MEGABYTE = 1_000_000;
const DAY = 86_400;

/** Origin of envelopes from JSON-RPC. */
const RPC = Symbol('rpc');

/** The addresses of a running node. */
export interface NodeAddresses {
  readonly relay?: string;
  readonly rpc?: string;
  readonly admin?: string;
  readonly enode?: string;
}

/** A Whisper node: a pool of envelopes, and the services that add and read them. */
export class WhisperNode {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #mailPassword: string | undefined;
  readonly #clock: Clock = systemClock;
  readonly #crypto: CryptoProvider;
  readonly #metrics = new Metrics();
  readonly #closers: (() => void | Promise<void>)[] = [];
  #closed: Promise<void> | undefined;

  private constructor(
    config: Config,
    logger: Logger,
    crypto: CryptoProvider,
    mailPassword: string | undefined,
  ) {
    this.#config = config;
    this.#logger = logger;
    this.#crypto = crypto;
    this.#mailPassword = mailPassword;
  }

  /**
   * Starts the node; if a service can't start, the others are stopped again.
   *
   * @param mailPassword the password for requests of archived envelopes; without it, requests are refused
   */
  static async start(
    config: Config,
    logger: Logger,
    mailPassword?: string,
  ): Promise<{ node: WhisperNode; addresses: NodeAddresses }> {
    const crypto = await loadAcceleratedProvider();
    const node = new WhisperNode(config, logger, crypto, mailPassword);
    try {
      return { node, addresses: await node.#start() };
    } catch (error) {
      await node.close();
      throw error;
    }
  }

  /** Stops accepting, writes pending envelopes, releases everything. Closing twice is fine. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }

  async #start(): Promise<NodeAddresses> {
    const config = this.#config;
    const archive = await this.#openArchive();
    const pool = this.#openPool(archive);
    const relay = this.#openRelay(pool, archive);
    const filters = this.#openFilters(pool);
    const host = await this.#openHost(pool, filters, this.#openMailserver(pool, archive));
    const rpcAddress = await this.#openRpc(pool, archive, filters, host);
    const blobs = await this.#openBlobs();
    const relayAddress = await this.#listen('relay', config['relay-origins'], {
      maxMessageBytes: 2 ** 20 + RELAY_FRAME_OVERHEAD,
      onRequest: (request, response, client) => {
        if (blobs?.handle(request, response, client)) return;
        answer(response, 426, 'A relay for Whisper envelopes: a WebSocket is wanted.\n');
      },
      maxConnectionsPerAddress: config['address-connections'],
      onSocket: (socket, client) => relay.accept(socket, client),
    });
    const adminAddress = await this.#listen('admin', [], {
      maxMessageBytes: 0,
      onRequest: createAdminPages(this.#metrics.registry, () => ({
        ok: archive?.failing !== true,
        envelopes: pool.size,
        archived: archive?.count ?? 0,
        peers: host.peers.length,
        relayClients: relay.clients,
      })),
    });
    return {
      ...(relayAddress && { relay: `ws://${relayAddress}` }),
      ...(rpcAddress && { rpc: `http://${rpcAddress}` }),
      ...(host.enode !== undefined && { enode: host.enode }),
      ...(adminAddress && { admin: `http://${adminAddress}` }),
    };
  }

  async #openBlobs(): Promise<BlobServer | undefined> {
    const config = this.#config;
    if (config['blob-mb'] === 0 || config.relay === undefined) return undefined;
    const blobs = await createBlobServer({
      directory: join(config.data, 'blobs'),
      maxBytes: config['blob-mb'] * MEGABYTE,
      maxBytesPerHour: config['address-blob-mb'] * MEGABYTE,
      lifetimeMs: config['blob-days'] * DAY * 1_000,
      clock: this.#clock,
    });
    this.#closers.push(() => blobs.close());
    return blobs;
  }

  async #openArchive(): Promise<EnvelopeArchive | undefined> {
    const config = this.#config;
    if (config['archive-days'] === 0) return undefined;
    const archive = await EnvelopeArchive.open({
      path: join(config.data, 'archive'),
      limits: {
        maxAge: config['archive-days'] * DAY,
        maxBytes: config['archive-mb'] * MEGABYTE,
        maxWaiting: ARCHIVE_WAITING_MOST,
        maxWaitingBytes: ARCHIVE_WAITING_MOST_BYTES,
      },
      clock: this.#clock,
      logger: this.#logger,
    });
    this.#closers.push(() => archive.close());
    this.#metrics.gauge('archive_envelopes', 'Envelopes in the archive', () => archive.count);
    this.#metrics.gauge('archive_bytes', 'Bytes of the envelopes in the archive', () => archive.bytes);
    this.#metrics.gauge('archive_failing', 'Whether the last write to the archive failed', () =>
      Number(archive.failing),
    );
    this.#metrics.gauge('archive_waiting', 'Envelopes that wait to be written', () => archive.waiting);
    return archive;
  }

  #openPool(archive: EnvelopeArchive | undefined): EnvelopePool {
    const config = this.#config;
    const pool = new EnvelopePool({
      crypto: this.#crypto,
      clock: this.#clock,
      policy: { minimumPow: config['min-pow'], maxTtl: config['max-ttl'] },
      maxEnvelopes: config['pool-envelopes'],
      maxBytes: config['pool-mb'] * MEGABYTE,
    });
    this.#closers.push(() => pool.close());
    pool.subscribe((pooled, origin) => {
      this.#metrics.countEnvelope(
        origin instanceof RelaySession ? 'relay' : origin === RPC ? 'rpc' : 'peers',
      );
      void archive?.add(pooled).catch(() => {});
    });
    this.#metrics.gauge('pool_envelopes', 'Envelopes that are alive', () => pool.size);
    this.#metrics.gauge('pool_bytes', 'Bytes of the envelopes that are alive', () => pool.bytes);
    return pool;
  }

  #openRelay(pool: EnvelopePool, archive: EnvelopeArchive | undefined): RelayServer {
    const config = this.#config;
    const relay = new RelayServer({
      pool,
      archive,
      clock: this.#clock,
      logger: this.#logger,
      limits: {
        maxTopics: config['relay-topics'],
        rate: config['relay-rate'],
        pageSize: RELAY_PAGE_SIZE,
        addressRate: config['relay-address-rate'] || 5 * config['relay-rate'],
        addressTopics: config['relay-address-topics'] || 10 * config['relay-topics'],
      },
      onFrame: (kind, outcome) => this.#metrics.countRelayFrame(kind, outcome),
    });
    this.#closers.push(() => relay.close());
    this.#metrics.gauge('relay_clients', 'Clients of the relay', () => relay.clients);
    this.#metrics.gauge(
      'relay_topics',
      'Topics that clients of the relay have subscribed to',
      () => relay.topics,
    );
    return relay;
  }

  #openFilters(pool: EnvelopePool): Filters {
    const config = this.#config;
    const filters = new Filters(this.#crypto, this.#clock, {
      maxFilters: config['rpc-filters'],
      maxFiltersPerClient: config['rpc-address-filters'],
      maxTopics: config['rpc-filter-topics'],
      maxBytesPerClient: config['rpc-filter-mb'] * MEGABYTE,
      maxMessages: config['rpc-filter-messages'],
    });
    this.#closers.push(() => filters.close());
    pool.subscribe((pooled) => filters.offer(pooled));
    this.#metrics.gauge('rpc_filters', 'Filters and subscriptions of JSON-RPC', () => filters.size);
    return filters;
  }

  #openMailserver(pool: EnvelopePool, archive: EnvelopeArchive | undefined): Mailserver | undefined {
    const password = this.#mailPassword;
    if (password === undefined || archive === undefined) return undefined;
    return new Mailserver({
      crypto: this.#crypto,
      clock: this.#clock,
      logger: this.#logger,
      archive,
      password,
      withoutPassword: this.#config['mail-without-password'],
      policy: () => pool.policy,
      onRequest: (outcome) => this.#metrics.countMailRequest(outcome),
    });
  }

  async #openHost(
    pool: EnvelopePool,
    filters: Filters,
    mailserver: Mailserver | undefined,
  ): Promise<WhisperHost> {
    const config = this.#config;
    const starting = createWhisperHost({
      crypto: this.#crypto,
      clock: this.#clock,
      logger: this.#logger,
      pool,
      mode: 'full',
      nodeKey: await readNodeKey(this.#crypto, config.data),
      ...(config.p2p && { listen: config.p2p }),
      ...(config['advertised-host'] !== '' && { advertisedHost: config['advertised-host'] }),
      peers: config.peers,
      trustedPeers: config['trusted-peers'],
      maxPeers: config['max-peers'],
      maxPeersPerAddress: config['address-peers'],
      clientId: 'sotto-whisper-node',
      onP2pRequest: (peer, request) => mailserver?.answer(host, peer, request),
      onBareRequest: (peer, request) => mailserver?.answerBare(host, peer, request),
      onP2pMessages: (_, messages) => {
        for (const { bytes, envelope } of messages) {
          const hash = encodeHex(envelopeHash(this.#crypto, bytes));
          filters.offer({ bytes, envelope, hash, pow: proofOfWork(this.#crypto, envelope) }, true);
        }
      },
    });
    const host: WhisperHost = await withAdvice('p2p', starting);
    this.#closers.push(() => host.close());
    this.#metrics.gauge('peers', 'Peers connected', () => host.peers.length);
    for (const name of ['received', 'repeated', 'refused', 'sent', 'dropped', 'bans'] as const) {
      this.#metrics.gauge(
        `peers_${name}`,
        `Since the start: ${name}, over all peers`,
        () => host.counters[name],
      );
    }
    return host;
  }

  /** @returns the actual address */
  async #openRpc(
    pool: EnvelopePool,
    archive: EnvelopeArchive | undefined,
    filters: Filters,
    host: WhisperHost,
  ): Promise<string | undefined> {
    const config = this.#config;
    if (config.rpc === undefined) return undefined;
    const miner = createWorkerMiner({ threads: 1 });
    const keys = new KeyStore(this.#crypto, {
      most: config['rpc-key-limit'],
      mostPerClient: config['rpc-address-keys'],
    });
    const queue = (atOnce: number) =>
      new FairQueue({
        atOnce,
        waiting: config['rpc-waiting'],
        waitingPerClient: config['rpc-address-waiting'],
      });
    this.#closers.push(
      () => miner.close(),
      () => keys.clear(),
    );
    const shh = createShhApi({
      crypto: this.#crypto,
      clock: this.#clock,
      pool,
      keys,
      filters,
      miner,
      derivations: queue(config['rpc-derivations']),
      // As many as the miner has threads.
      searches: queue(1),
      maxPowTime: config['rpc-pow-seconds'],
      withKeys: config['rpc-keys'],
      publish: async (envelope) => {
        const added = pool.add(envelope, RPC);
        if (added !== undefined) await archive?.add(added);
      },
    });
    const callRate = config['rpc-address-rate'];
    const rates = new Rates(this.#clock, callRate, callRate);
    const dispatcher = new Dispatcher({
      api: mergeApis(shh, ...(config['rpc-admin'] ? [createAdminApi(host)] : [])),
      logger: this.#logger,
      maxBatch: config['rpc-batch'],
      clock: this.#clock,
      delayOf: (client) => rates.take(client, 1),
      newSubscriptionId: () => encodeHex(this.#crypto.randomBytes(16)),
      onCall: (method, outcome) => this.#metrics.countRpcCall(method, outcome),
    });
    const maxBytes = config['rpc-body-mb'] * MEGABYTE;
    return this.#listen('rpc', config['rpc-origins'], {
      maxMessageBytes: maxBytes,
      maxConnectionsPerAddress: config['address-connections'],
      onRequest: createHttpHandler(dispatcher, maxBytes),
      onSocket: (socket, client) => acceptSocket(dispatcher, this.#clock, socket, client),
    });
  }

  /** @returns the actual address; `undefined` when it must not listen */
  async #listen(
    name: 'relay' | 'rpc' | 'admin',
    origins: AccessRules['origins'],
    options: Omit<ListenerOptions, 'address' | 'access' | 'maxConnections' | 'proxies'>,
  ): Promise<string | undefined> {
    const { [name]: address, hosts, 'max-connections': maxConnections } = this.#config;
    if (address === undefined) return undefined;
    const access = { origins, hosts };
    const proxies = new TrustedProxies(this.#config['trusted-proxies']);
    const opening = Listener.open({ ...options, address, access, maxConnections, proxies });
    const listener = await withAdvice(name, opening);
    this.#closers.push(() => listener.close());
    return formatAddress(listener.address);
  }
}

/** Names the setting in the error when listening fails. */
async function withAdvice<T>(name: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`--${name}: choose another address, or off (${reason})`, { cause: error });
  }
}

/** Merges the APIs, with the methods of JSON-RPC itself. */
function mergeApis(...apis: readonly Api[]): Api {
  return {
    modules: Object.assign({ rpc: '1.0' }, ...apis.map(({ modules }) => modules)),
    methods: new Map(apis.flatMap(({ methods }) => [...methods])),
    subscribers: new Map(apis.flatMap(({ subscribers }) => [...subscribers])),
  };
}
