import {
  type Channel,
  type ConnectOptions,
  compareBytes,
  DedupSet,
  encodeHex,
  encodeUtf8,
  invalidArgument,
  isSottoError,
  type Logger,
  onAbort,
  type SendMessageOptions,
  SottoError,
  type TransportConnection,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { ChannelKeys, OpenWebSocket, ResolvedChannel } from '@sotto/whisper-transport/internal';
import {
  abortedError,
  backOffDelay,
  channelId,
  checkMaySubscribe,
  closedError,
  RedeliveryQueue,
  unavailableError,
  type WaitLimits,
  waitWithin,
  withDeadline,
} from '@sotto/whisper-transport/internal';
import { ENVELOPE_MAX_BYTES, SEALING_OVERHEAD } from '@sotto/whisper-transport/whisper';
import type { ClientSettings } from '../json-rpc/client.js';
import { type Fetch, JsonRpcHttp } from '../json-rpc/http-client.js';
import { invalidAnswer, isRecord } from '../json-rpc/message.js';
import { isForgotten } from '../json-rpc/refusal.js';
import { JsonRpcWebSocket } from '../json-rpc/web-socket-client.js';
import { NodeFilters } from './node-filters.js';
import { NodeKeys } from './node-keys.js';
import { parseNodeMessage } from './node-message.js';

/** Most consecutive times that the node's requirements and our keys on it are refreshed for one call. */
const OUTDATED_MOST = 3;

function isAway(error: unknown): boolean {
  return isSottoError(error, 'TRANSPORT_UNAVAILABLE') || isSottoError(error, 'TIMEOUT');
}

/** Whether the node has lost our keys or filters, or requires more proof of work than we know. */
function isOutdated(error: unknown): boolean {
  return (
    isForgotten(error) ||
    (isSottoError(error, 'TRANSPORT_REFUSED') && /pow too low/i.test(error.details.reason))
  );
}

function isTooSlow(error: unknown): error is SottoError<'TRANSPORT_REFUSED'> {
  return (
    isSottoError(error, 'TRANSPORT_REFUSED') && /failed to reach the pow target/i.test(error.details.reason)
  );
}

export interface RpcSettings extends ClientSettings {
  /** Whether messages are polled for over HTTP; otherwise they arrive by subscription over a WebSocket. */
  readonly polled: boolean;
  readonly crypto: CryptoProvider;
  readonly logger: Logger;
  readonly openWebSocket: OpenWebSocket;
  readonly fetch: Fetch;
  readonly ttl: number;
  readonly powTime: number;
  readonly powTarget: number;
  readonly pollInterval: number;
  readonly heartbeat: number;
  readonly offlineTimeout: number;
  readonly remembered: number;
  readonly maxWaitingBytes: number;
  readonly channelKeys: ChannelKeys;
}

/** The connection of one identity to a Whisper node. */
export class RpcConnection implements TransportConnection {
  readonly #options: ConnectOptions;
  readonly #settings: RpcSettings;
  readonly #rpc: JsonRpcHttp | JsonRpcWebSocket;
  readonly #keys: NodeKeys;
  readonly #filters: NodeFilters;
  readonly #redelivery: RedeliveryQueue;
  readonly #envelopes: DedupSet<string>;
  readonly #messages: DedupSet<string>;
  readonly #closing = new AbortController();
  /** Calls that have to end before the keys are removed. */
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #waiting = new Set<() => void>();
  #online = false;
  #failedPolls = 0;
  #cancelTimer = () => {};
  #powTarget: number;
  #maxPayload = ENVELOPE_MAX_BYTES - SEALING_OVERHEAD;
  #prepared: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: ConnectOptions, settings: RpcSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#rpc = settings.polled
      ? new JsonRpcHttp(settings, settings.fetch)
      : new JsonRpcWebSocket(settings, settings.openWebSocket, {
          onLost: () => this.#lost(),
          onReconnected: () => this.#track(this.#reconnected()),
        });
    this.#keys = new NodeKeys(this.#rpc, options.identity);
    this.#filters = new NodeFilters(this.#rpc, this.#keys, (listened, value) => this.#take(listened, value));
    this.#redelivery = new RedeliveryQueue(options, settings.clock);
    this.#envelopes = new DedupSet(settings.remembered);
    this.#messages = new DedupSet(settings.remembered);
    this.#powTarget = settings.powTarget;
  }

  /**
   * The first attempt has to succeed, so that a wrong address is reported; from then on the connection is restored by itself.
   * @throws TRANSPORT_UNAVAILABLE, TRANSPORT_REFUSED, TIMEOUT, ABORTED
   */
  async open(): Promise<void> {
    const { signal } = this.#options;
    if (signal?.aborted) throw abortedError('connect');
    const stopListening = onAbort(signal, () => this.#rpc.close());
    try {
      if (this.#rpc instanceof JsonRpcWebSocket) await this.#rpc.open(signal);
      await this.#readInfo();
      await this.#keys.identity();
    } catch (error) {
      this.#closing.abort();
      this.#cancelTimer();
      this.#rpc.close();
      throw isSottoError(error, 'CLOSED') && signal?.aborted ? abortedError('connect') : error;
    } finally {
      stopListening();
    }
    this.#online = true;
    this.#schedulePoll();
  }

  async send(
    channel: Channel,
    payload: Uint8Array,
    { signal, signer }: SendMessageOptions = {},
  ): Promise<void> {
    this.#checkOpen();
    if (signer !== undefined) throw invalidArgument('signer', 'the node signs with the key that it holds');
    if (payload.length > this.#maxPayload) {
      throw new SottoError('LIMIT_EXCEEDED', 'The message is too large for the node.', {
        what: 'bytes of a payload',
        limit: this.#maxPayload,
        actual: payload.length,
      });
    }
    const { publicKey } = this.#options.identity;
    // Our messages come back on channels that we are subscribed to, possibly before the node has answered.
    this.#messages.add(this.#idOf(channel, publicKey, payload));
    await this.#track(this.#sendUntilAccepted(channel, `0x${encodeHex(payload)}`, signal));
  }

  async subscribe(channels: readonly Channel[]): Promise<void> {
    this.#checkOpen();
    const { channelKeys } = this.#settings;
    for (const channel of channels) checkMaySubscribe(this.#options.identity.publicKey, channel);
    const cache = this.#options.channelKeys;
    const prepared = this.#prepared.then(() => channelKeys.prepare(channels, { cache }));
    // In the order of the calls, so that the last list takes effect.
    this.#prepared = prepared.catch(() => undefined);
    await prepared;
    this.#checkOpen();
    if (cache !== undefined) void channelKeys.retain(channels, cache);
    this.#filters.setWanted(
      new Map(channels.map((channel) => [channelId(channel), channelKeys.resolve(channel)])),
    );
    await this.#track(this.#installNow());
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const { logger } = this.#settings;
    this.#closing.abort();
    this.#cancelTimer();
    this.#redelivery.close();
    await Promise.allSettled(this.#inFlight);
    try {
      // Without a connection the keys would stay on the node.
      if (this.#rpc instanceof JsonRpcWebSocket) await this.#rpc.reopenForCleanup();
      await this.#keys.removeAll();
      await this.#filters.removeAll();
    } catch (error) {
      logger.warn('whisper-rpc.keys-left-on-node', { code: isSottoError(error) ? error.code : 'unknown' });
    }
    this.#rpc.close();
    this.#options.onStatus?.('closed');
  }

  // Sending

  async #sendUntilAccepted(
    channel: Channel,
    payload: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { channelKeys } = this.#settings;
    await channelKeys.prepare([channel], { cache: this.#options.channelKeys });
    const resolved = channelKeys.resolve(channel);
    await this.#untilAccepted(() => this.#post(resolved, payload, signal), signal);
  }

  async #post({ topic, cipher }: ResolvedChannel, payload: string, signal: AbortSignal | undefined) {
    const { ttl, powTime } = this.#settings;
    const sig = await this.#keys.identity();
    const key =
      cipher.kind === 'symmetric'
        ? { symKeyID: await this.#keys.symmetric(cipher.key) }
        : { pubKey: this.#uncompressed(cipher.recipient) };
    const params = { ...key, sig, topic: `0x${encodeHex(topic)}`, payload, ttl, powTime };
    try {
      const hash = await this.#rpc.call('shh_post', [{ ...params, powTarget: this.#powTarget }], {
        extraTime: powTime * 1000,
        ...(signal && { signal }),
      });
      if (typeof hash === 'string') this.#envelopes.add(hash.replace(/^0x/, '').toLowerCase());
    } catch (error) {
      // A matter of luck, and of what else the node has to do: no reason to lose the message.
      if (!isTooSlow(error)) throw error;
      throw new SottoError('TRANSPORT_UNAVAILABLE', error.message, error.details);
    }
  }

  /** Tries again with the same message while the node can't be reached or needs its keys again. */
  async #untilAccepted(post: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const { clock, offlineTimeout } = this.#settings;
    await withDeadline(clock, signal, offlineTimeout, (limits) => this.#retryWithin(limits, post));
  }

  async #retryWithin(limits: WaitLimits, post: () => Promise<void>): Promise<void> {
    const { random, backOff, clock } = this.#settings;
    const wait = (arm: (done: () => void) => () => void) =>
      waitWithin(limits, this.#closing.signal, 'send', arm);
    let failures = 0;
    let outdated = 0;
    for (let refresh = false; ; ) {
      if (!this.#online) {
        await wait((done) => {
          this.#waiting.add(done);
          return () => this.#waiting.delete(done);
        });
      }
      try {
        if (refresh) await this.#refresh();
        return await post();
      } catch (error) {
        refresh = isOutdated(error) && ++outdated <= OUTDATED_MOST;
        if (refresh) continue;
        if (isForgotten(error)) throw unavailableError('it keeps losing our keys');
        if (!isAway(error)) throw error;
        const delay = backOffDelay(++failures, backOff, random);
        await wait((done) => clock.after(delay, done));
      }
    }
  }

  // Receiving

  #take(listened: ResolvedChannel, value: unknown): void {
    const { crypto, logger } = this.#settings;
    if (this.#closing.signal.aborted) return;
    if (!this.#settings.polled && this.#isFull()) {
      logger.warn('whisper-rpc.message-dropped', { reason: 'too much waits' });
      return;
    }
    const message = parseNodeMessage(crypto, value);
    if (typeof message === 'string' || compareBytes(message.topic, listened.topic) !== 0) {
      const reason = typeof message === 'string' ? message : 'of another topic';
      logger.debug('whisper-rpc.message-dropped', { reason });
      return;
    }
    const { hash, signer, payload, sentAt } = message;
    if (!this.#envelopes.add(hash)) return;
    const { channel } = listened;
    // By channel, as anyone can send a copy on another one. A repeated send arrives in another envelope.
    const id = this.#idOf(channel, signer, payload);
    if (!this.#messages.add(id)) return;
    void this.#redelivery.deliver({ sender: signer, payload, channel, sentAt, fromHistory: false }, () => {
      this.#envelopes.delete(hash);
      this.#messages.delete(id);
    });
  }

  #isFull(): boolean {
    return this.#redelivery.bytes >= this.#settings.maxWaitingBytes;
  }

  /** Installs the filters of the subscription; if the node is offline, that happens when it is back. */
  async #installNow(): Promise<void> {
    for (let outdated = 0; this.#online; ) {
      try {
        if (outdated > 0) await this.#refresh();
        return await this.#filters.install();
      } catch (error) {
        if (isForgotten(error) && ++outdated <= OUTDATED_MOST) continue;
        if (!isAway(error)) throw error;
        this.#drop('it does not answer');
      }
    }
  }

  /** Gives the node the keys and filters that it may have lost. */
  async #restore(): Promise<void> {
    await this.#refresh();
    await this.#keys.identity();
    await this.#filters.install();
  }

  /** Reads the node's requirements again, and which of our keys it has. */
  async #refresh(): Promise<void> {
    await this.#readInfo();
    await this.#keys.verify();
  }

  async #readInfo(): Promise<void> {
    const info = await this.#rpc.call('shh_info', []);
    if (!isRecord(info)) throw invalidAnswer('no information about itself');
    const { minPow, maxMessageSize } = info;
    if (typeof minPow === 'number') this.#powTarget = Math.max(this.#settings.powTarget, minPow);
    if (typeof maxMessageSize === 'number') {
      const least = Math.min(ENVELOPE_MAX_BYTES, maxMessageSize) - SEALING_OVERHEAD;
      this.#maxPayload = Math.max(0, least);
    }
  }

  // The connection

  /** Schedules the next poll over HTTP, or the next check over WebSocket. */
  #schedulePoll(milliseconds?: number): void {
    const { clock, polled, pollInterval, heartbeat } = this.#settings;
    if (this.#closing.signal.aborted) return;
    this.#cancelTimer = clock.after(milliseconds ?? (polled ? pollInterval : heartbeat), () => {
      void this.#track(polled ? this.#poll() : this.#checkAlive());
    });
  }

  async #poll(): Promise<void> {
    const { pollInterval, backOff, random } = this.#settings;
    try {
      if (!this.#online || this.#filters.size === 0) await this.#readInfo();
      // Until there is room, messages wait at the node.
      const complete = this.#isFull() || (await this.#filters.fetch());
      if (!complete || !this.#online) await this.#restore();
      this.#failedPolls = 0;
      this.#regained();
      this.#schedulePoll(pollInterval);
    } catch (error) {
      this.#logRefusal(error);
      this.#lost();
      this.#schedulePoll(Math.max(pollInterval, backOffDelay(++this.#failedPolls, backOff, random)));
    }
  }

  async #checkAlive(): Promise<void> {
    try {
      await this.#rpc.call('shh_version', []);
    } catch (error) {
      if (isSottoError(error, 'TIMEOUT')) this.#drop('it does not answer');
    }
    if (this.#online) this.#schedulePoll();
  }

  async #reconnected(): Promise<void> {
    try {
      await this.#restore();
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#logRefusal(error);
      return this.#drop('it misbehaves');
    }
    if (this.#rpc instanceof JsonRpcWebSocket) this.#rpc.settle();
    this.#regained();
    this.#cancelTimer();
    this.#schedulePoll();
  }

  /** Treats the connection as lost, so that it is restored with all keys and filters. */
  #drop(reason: string): void {
    if (this.#rpc instanceof JsonRpcWebSocket) this.#rpc.drop(reason);
    else this.#lost();
  }

  #lost(): void {
    // Subscriptions end with the socket, filters stay on the node.
    if (!this.#settings.polled) {
      this.#filters.lost();
      this.#cancelTimer();
    }
    if (!this.#online) return;
    this.#online = false;
    if (!this.#closing.signal.aborted) this.#options.onStatus?.('reconnecting');
  }

  #regained(): void {
    if (this.#online || this.#closing.signal.aborted) return;
    this.#online = true;
    this.#options.onStatus?.('connected');
    for (const done of [...this.#waiting]) done();
    // Subscribed to while the connection was restored.
    if (!this.#filters.complete) {
      this.#track(this.#installNow()).catch((error) => this.#logRefusal(error));
    }
  }

  // Helpers

  #logRefusal(error: unknown): void {
    if (!isSottoError(error, 'TRANSPORT_REFUSED')) return;
    this.#settings.logger.warn('whisper-rpc.refused', { reason: error.details.reason });
  }

  #idOf(channel: Channel, signer: Uint8Array, payload: Uint8Array): string {
    return encodeHex(this.#settings.crypto.keccak256(encodeUtf8(channelId(channel)), signer, payload));
  }

  #uncompressed(publicKey: Parameters<CryptoProvider['secp256k1']['uncompressPublicKey']>[0]): string {
    return `0x${encodeHex(this.#settings.crypto.secp256k1.uncompressPublicKey(publicKey))}`;
  }

  async #track<T>(promise: Promise<T>): Promise<T> {
    this.#inFlight.add(promise);
    try {
      return await promise;
    } finally {
      this.#inFlight.delete(promise);
    }
  }
}
