import {
  type Carrier,
  type CarrierCapabilities,
  type CarrierConnection,
  type CarrierHandler,
  copyBytes,
  encodeHex,
  parseBytes,
  SottoError,
  systemClock,
  type Topic,
} from '@sotto/core';
import type { CarrierFixture } from '../src/carrier.js';

export interface Carried {
  readonly topic: Topic;
  readonly envelope: Uint8Array;
  readonly at: number;
}

type Options = { readonly signal?: AbortSignal };
export type CarrierClass = new (
  network: CarrierNetwork,
  handler: CarrierHandler,
) => ReferenceCarrierConnection;

/** What the ends of one network share. */
export class CarrierNetwork {
  readonly ends = new Set<ReferenceCarrierConnection>();
  readonly carried: Carried[] = [];
  readonly Class: CarrierClass;
  readonly capabilities: CarrierCapabilities;
  cut = false;

  constructor(Class: CarrierClass, capabilities: Partial<CarrierCapabilities> = {}) {
    this.Class = Class;
    this.capabilities = { maxEnvelopeBytes: 100_000, history: true, minimumPow: 0, ...capabilities };
  }

  place(): CarrierFixture {
    const carrier: Carrier = {
      capabilities: this.capabilities,
      open: async (handler, { signal } = {}) => {
        const end = new this.Class(this, handler);
        await end.open(signal);
        return end;
      },
    };
    return { carrier: () => carrier, interrupt: () => this.interrupt() };
  }

  async interrupt(): Promise<void> {
    this.cut = true;
    for (const end of this.ends) end.tell('reconnecting');
    await turn();
    this.cut = false;
    for (const end of this.ends) await end.comeBack();
  }
}

export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * The plainest carrier that keeps every promise. Its parts are methods so that a test can break one of them on purpose
 * and leave the rest as it is.
 */
export class ReferenceCarrierConnection implements CarrierConnection {
  topics: readonly string[] = [];
  closed = false;

  constructor(
    readonly network: CarrierNetwork,
    readonly handler: CarrierHandler,
  ) {}

  async open(signal: AbortSignal | undefined): Promise<void> {
    this.checkSignal(signal);
    this.network.ends.add(this);
  }

  async publish(topic: Topic, envelope: Uint8Array, options: Options = {}): Promise<void> {
    this.checkOpen();
    this.checkSignal(options.signal);
    this.checkSize(envelope);
    if (this.network.cut) throw new SottoError('TRANSPORT_UNAVAILABLE', 'Cut off.', { reason: 'cut' });
    await this.carry({ topic: this.copyIn(topic), envelope: this.copyIn(envelope), at: systemClock.now() });
  }

  copyIn(bytes: Uint8Array): Uint8Array {
    return copyBytes(bytes);
  }

  async carry(carried: Carried): Promise<void> {
    this.network.carried.push(carried);
    for (const end of this.network.ends) end.arrive(carried);
  }

  arrive(carried: Carried): void {
    if (this.wants(carried.topic)) this.give(carried, false);
  }

  give({ topic, envelope }: Carried, fromHistory: boolean): void {
    void this.handler.onEnvelope(topic.slice(), envelope.slice(), fromHistory);
  }

  wants(topic: Topic): boolean {
    return this.topics.includes(encodeHex(topic));
  }

  async subscribe(topics: readonly Topic[]): Promise<void> {
    this.checkOpen();
    this.topics = topics.map(encodeHex);
  }

  async history(topics: readonly Topic[], from: number, to: number, options: Options = {}): Promise<void> {
    this.checkOpen();
    this.checkSignal(options.signal);
    for (const carried of this.selected(topics.map(encodeHex), from, to)) {
      await turn();
      this.give(carried, true);
    }
  }

  selected(topics: readonly string[], from: number, to: number): readonly Carried[] {
    return this.network.carried.filter(
      ({ topic, at }) => topics.includes(encodeHex(topic)) && at >= from && at <= to,
    );
  }

  tell(status: 'connected' | 'reconnecting'): void {
    this.handler.onStatus?.(status);
  }

  async comeBack(): Promise<void> {
    this.tell('connected');
  }

  async close(): Promise<void> {
    this.closed = true;
    this.network.ends.delete(this);
  }

  checkOpen(): void {
    if (this.closed) throw new SottoError('CLOSED', 'The connection was closed.', { what: 'connection' });
  }

  checkSignal(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what: 'call' });
  }

  checkSize(envelope: Uint8Array): void {
    const limit = this.network.capabilities.maxEnvelopeBytes;
    if (parseBytes(envelope, 'envelope').length <= limit) return;
    throw new SottoError('LIMIT_EXCEEDED', 'Too large.', {
      what: 'envelope',
      limit,
      actual: envelope.length,
    });
  }
}

/** One that also keeps every promise, and another: a subscription brings what was sent before. */
export class RetainingCarrierConnection extends ReferenceCarrierConnection {
  override async subscribe(topics: readonly Topic[]): Promise<void> {
    const before = this.topics;
    await super.subscribe(topics);
    for (const carried of this.network.carried) {
      if (!before.includes(encodeHex(carried.topic))) this.arrive(carried);
    }
  }
}
