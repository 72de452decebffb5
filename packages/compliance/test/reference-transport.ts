import {
  type Channel,
  type ConnectOptions,
  compareBytes,
  type HistoryRequest,
  KeyPair,
  type PrivateKey,
  type PublicKey,
  type SendMessageOptions,
  SottoError,
  systemClock,
  type TransportCapabilities,
  type TransportConnection,
} from '@sotto/core';
import { describeChannel } from '../src/transport/transport-case.js';
import type { TransportFixture } from '../src/transport.js';
import { turn } from './reference-carrier.js';

export interface Sent {
  readonly channel: Channel;
  readonly sender: PublicKey;
  readonly payload: Uint8Array;
  readonly sentAt: number;
}

export type TransportClass = new (network: TransportNetwork, party: ConnectOptions) => ReferenceConnection;

/** Two channels with the same key are the same channel. */
const keyOf = (channel: Channel) => JSON.stringify(describeChannel(channel));

/** What the connections of one network share. */
export class TransportNetwork {
  readonly connections = new Set<ReferenceConnection>();
  readonly sent: Sent[] = [];
  readonly Class: TransportClass;
  readonly capabilities: TransportCapabilities;
  cut = false;
  #identities = 0;

  constructor(Class: TransportClass, capabilities: Partial<TransportCapabilities> = {}) {
    this.Class = Class;
    this.capabilities = { maxPayloadBytes: 100_000, history: true, confirmsSend: true, ...capabilities };
  }

  place(): TransportFixture {
    const transport = {
      capabilities: this.capabilities,
      connect: async (options: ConnectOptions) => {
        const connection = new this.Class(this, options);
        connection.checkSignal(options.signal);
        this.connections.add(connection);
        return connection;
      },
    };
    return {
      transport: () => transport,
      // Nothing is signed here, so any bytes are a key.
      identity: () => {
        const name = ++this.#identities;
        const key = new Uint8Array(33).fill(name) as PublicKey;
        return new KeyPair(key, new Uint8Array(32).fill(name) as PrivateKey);
      },
      interrupt: () => this.interrupt(),
    };
  }

  async interrupt(): Promise<void> {
    this.cut = true;
    for (const one of this.connections) one.tell('reconnecting');
    await turn();
    this.cut = false;
    for (const one of this.connections) await one.comeBack();
  }
}

/**
 * The plainest transport that keeps every promise. Its parts are methods so that a test can break one of them on
 * purpose and leave the rest as it is.
 */
export class ReferenceConnection implements TransportConnection {
  channels: readonly Channel[] = [];
  closed = false;
  readonly taken = new Set<Sent>();

  constructor(
    readonly network: TransportNetwork,
    readonly party: ConnectOptions,
  ) {}

  async send(channel: Channel, payload: Uint8Array, options: SendMessageOptions = {}): Promise<void> {
    this.checkOpen();
    this.checkSignal(options.signal);
    this.checkSize(payload);
    this.checkSigner(options.signer);
    if (this.network.cut) throw new SottoError('TRANSPORT_UNAVAILABLE', 'Cut off.', { reason: 'cut' });
    await this.distribute({
      channel,
      sender: this.senderOf(options.signer),
      payload: payload.slice(),
      sentAt: systemClock.now(),
    });
  }

  senderOf(signer: KeyPair | undefined): PublicKey {
    return (signer ?? this.party.identity).publicKey;
  }

  async distribute(sent: Sent): Promise<void> {
    this.network.sent.push(sent);
    for (const to of this.network.connections) to.arrive(sent);
  }

  arrive(sent: Sent): void {
    const channel = this.channels.find((wanted) => this.same(wanted, sent.channel));
    if (channel !== undefined) void this.give({ ...sent, channel }, sent, false);
  }

  same(wanted: Channel, sent: Channel): boolean {
    return keyOf(wanted) === keyOf(sent);
  }

  async give(shown: Sent, sent: Sent, fromHistory: boolean): Promise<void> {
    if (this.taken.has(sent)) return;
    this.taken.add(sent);
    for (let tries = 0; tries < 5 && !this.closed; tries++) {
      try {
        await this.hand(shown, fromHistory);
        return;
      } catch {
        await turn();
      }
    }
  }

  async hand({ channel, sender, payload, sentAt }: Sent, fromHistory: boolean): Promise<void> {
    await this.party.onMessage({ channel, sender, payload: payload.slice(), sentAt, fromHistory });
  }

  async subscribe(channels: readonly Channel[]): Promise<void> {
    this.checkOpen();
    this.checkRecipients(channels);
    this.channels = channels;
  }

  async history(request: HistoryRequest): Promise<void> {
    this.checkOpen();
    this.checkSignal(request.signal);
    for (const sent of this.selected(request)) {
      await turn();
      await this.give(sent, sent, true);
    }
  }

  selected({ channels, from, to }: HistoryRequest): readonly Sent[] {
    return this.network.sent.filter(
      ({ channel, sentAt }) =>
        channels.some((wanted) => keyOf(wanted) === keyOf(channel)) && sentAt >= from && sentAt <= to,
    );
  }

  tell(status: 'connected' | 'reconnecting'): void {
    this.party.onStatus?.(status);
  }

  async comeBack(): Promise<void> {
    this.tell('connected');
  }

  async close(): Promise<void> {
    this.closed = true;
    this.network.connections.delete(this);
  }

  checkOpen(): void {
    if (this.closed) throw new SottoError('CLOSED', 'The connection was closed.', { what: 'connection' });
  }

  checkSignal(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what: 'call' });
  }

  checkSize(payload: Uint8Array): void {
    const limit = this.network.capabilities.maxPayloadBytes;
    if (payload.length <= limit) return;
    throw new SottoError('LIMIT_EXCEEDED', 'Too large.', { what: 'payload', limit, actual: payload.length });
  }

  checkSigner(signer: KeyPair | undefined): void {
    if (signer === undefined || this.network.capabilities.pseudonyms === 'both') return;
    throw new SottoError('INVALID_ARGUMENT', 'Only the identity signs.', {
      what: 'signer',
      reason: 'not supported',
    });
  }

  checkRecipients(channels: readonly Channel[]): void {
    for (const channel of channels) {
      if (!('recipient' in channel)) continue;
      if (compareBytes(channel.recipient, this.party.identity.publicKey) === 0) continue;
      throw new SottoError('INVALID_ARGUMENT', 'Not yours.', {
        what: 'channel',
        reason: 'another recipient',
      });
    }
  }
}

/** One that also keeps every promise, and another: listening brings what was sent before. */
export class RetainingConnection extends ReferenceConnection {
  /** What is being handed over: history waits for it as well. */
  readonly handing = new Map<Sent, Promise<void>>();

  override async subscribe(channels: readonly Channel[]): Promise<void> {
    await super.subscribe(channels);
    for (const sent of this.network.sent) this.arrive(sent);
  }

  override give(shown: Sent, sent: Sent, fromHistory: boolean): Promise<void> {
    const underWay = this.handing.get(sent);
    if (underWay !== undefined) return underWay;
    const handing = super.give(shown, sent, fromHistory).finally(() => this.handing.delete(sent));
    this.handing.set(sent, handing);
    return handing;
  }
}
