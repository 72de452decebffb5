import {
  type Carrier,
  type Clock,
  copyBytes,
  encodeHex,
  type PublicKey,
  SottoError,
  systemClock,
  type Transport,
} from '@sotto/core';
import { abortedError } from '../support/transport-errors.js';
import type { MemoryEndpoint, Router, Sent } from './endpoint.js';
import { MemoryCarrierConnection } from './memory-carrier-connection.js';
import { MemoryConnection } from './memory-connection.js';
import { changeConditions, Dice, FAIR_CONDITIONS, type NetworkConditions } from './network-conditions.js';

/** Options of {@link createMemoryNetwork}. */
export interface MemoryNetworkOptions {
  /** An integer. The same seed and the same calls give the same network. Default 0. */
  readonly seed?: number | undefined;
  /** Dates messages, and waits when there is latency. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
  /** Default: nothing is lost, repeated, reordered or delayed. */
  readonly conditions?: Partial<NetworkConditions> | undefined;
  /** Largest payload, or envelope of a carrier, in bytes. Default 1 MiB, as Whisper nodes have it. */
  readonly maxPayloadBytes?: number | undefined;
  /** Messages kept for history; the oldest go. Default 10,000: a long test, and bounded. */
  readonly historySize?: number | undefined;
  /** How often a message is handed to a receiver that refuses it. Default 5: enough to outlive a store's hiccup. */
  readonly maxTries?: number | undefined;
}

/** A network within this process, and the controls for its conditions. */
export interface MemoryNetwork {
  /** A transport of this network, for any number of connections. */
  transport(): Transport;
  /**
   * A carrier of this network, for any number of connections. Its envelopes and the messages of transports are kept apart.
   *
   * @param owner whose connections these are, for {@link partition} and {@link disconnect}. Default: no one's
   */
  carrier(owner?: PublicKey): Carrier;
  /** Changes the conditions for messages sent from now on. @throws INVALID_ARGUMENT */
  setConditions(changes: Partial<NetworkConditions>): void;
  /**
   * Splits the network: identities reach only those of the same side, and those on no side. Messages to another side wait for
   * {@link heal}.
   */
  partition(...sides: readonly (readonly PublicKey[])[]): void;
  /** Ends a partition; messages that waited are delivered. */
  heal(): void;
  /** Disconnects an identity: its sends fail with TRANSPORT_UNAVAILABLE, and messages for it wait. */
  disconnect(identity: PublicKey): void;
  /** Ends {@link disconnect}; messages that waited are delivered. */
  reconnect(identity: PublicKey): void;
  /**
   * Resolves when nothing is in transit and every `onMessage` has settled. Messages that wait for the end of a partition don't count as
   * in transit.
   */
  idle(): Promise<void>;
}

/**
 * Creates a network that delivers in a microtask, without timers, unless it is given latency. It is trusted: nothing is sealed, and the
 * sender is whoever connected, or the pseudonym that it names.
 *
 * @throws INVALID_ARGUMENT
 */
export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Network(options);
}

/** A message in transit to one receiver. */
interface Copy {
  readonly sent: Sent;
  readonly to: MemoryEndpoint;
  readonly tries: number;
}

/** A copy held back so that others overtake it. */
interface HeldCopy {
  readonly copy: Copy;
  /** How many others of the same receiver go first. */
  overtakers: number;
}

/** Most copies that overtake a held one. */
const MOST_OVERTAKERS = 8;

class Network implements MemoryNetwork, Router {
  readonly #dice: Dice;
  readonly #clock: Clock;
  readonly #maxPayloadBytes: number;
  readonly #historySize: number;
  readonly #maxTries: number;
  readonly #endpoints = new Set<MemoryEndpoint>();
  readonly #history: Sent[] = [];
  #conditions: NetworkConditions;
  #sides: readonly ReadonlySet<string>[] = [];
  readonly #disconnected = new Set<string>();

  /** Delivered in the next turn. */
  #arriving: Copy[] = [];
  #held: HeldCopy[] = [];
  /** Behind a partition. */
  #waiting: Copy[] = [];
  /** Copies that wait for the clock or for `onMessage`, and history requests. */
  #inFlight = 0;
  #turnComes = false;
  #onIdle: (() => void)[] = [];

  constructor(options: MemoryNetworkOptions) {
    this.#dice = new Dice(options.seed ?? 0);
    this.#clock = options.clock ?? systemClock;
    this.#conditions = changeConditions(FAIR_CONDITIONS, options.conditions ?? {});
    this.#maxPayloadBytes = options.maxPayloadBytes ?? 1024 * 1024;
    this.#historySize = options.historySize ?? 10_000;
    this.#maxTries = options.maxTries ?? 5;
  }

  transport(): Transport {
    return {
      capabilities: {
        maxPayloadBytes: this.#maxPayloadBytes,
        history: true,
        confirmsSend: true,
        pseudonyms: 'both',
      },
      connect: async (options) => {
        checkAborted(options.signal, 'connect');
        return this.#join(new MemoryConnection(options, this));
      },
    };
  }

  carrier(owner?: PublicKey): Carrier {
    return {
      capabilities: { maxEnvelopeBytes: this.#maxPayloadBytes, history: true, minimumPow: 0 },
      open: async (handler, { signal } = {}) => {
        checkAborted(signal, 'open');
        return this.#join(new MemoryCarrierConnection(handler, owner, this));
      },
    };
  }

  setConditions(changes: Partial<NetworkConditions>): void {
    this.#conditions = changeConditions(this.#conditions, changes);
  }

  partition(...sides: readonly (readonly PublicKey[])[]): void {
    this.#sides = sides.map((side) => new Set(side.map(encodeHex)));
    this.#releaseWaiting();
  }

  heal(): void {
    this.partition();
  }

  disconnect(identity: PublicKey): void {
    const name = encodeHex(identity);
    if (this.#disconnected.has(name)) return;
    this.#disconnected.add(name);
    this.#reportStatus(name, 'reconnecting');
  }

  reconnect(identity: PublicKey): void {
    const name = encodeHex(identity);
    if (!this.#disconnected.delete(name)) return;
    this.#reportStatus(name, 'connected');
    this.#releaseWaiting();
  }

  async idle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onIdle.push(resolve);
      this.#schedule();
    });
  }

  // For connections

  send(sent: Omit<Sent, 'sentAt'>, signal: AbortSignal | undefined): void {
    checkAborted(signal, 'send');
    if (sent.bytes.length > this.#maxPayloadBytes) {
      throw new SottoError('LIMIT_EXCEEDED', 'The message is too large for this network.', {
        what: 'payload in bytes',
        limit: this.#maxPayloadBytes,
        actual: sent.bytes.length,
      });
    }
    this.#checkConnected(sent.from);
    this.#distribute({ ...sent, bytes: copyBytes(sent.bytes), sentAt: this.#clock.now() });
  }

  async history(
    to: MemoryEndpoint,
    keys: ReadonlySet<string>,
    request: { readonly from: number; readonly to: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const wanted = this.#history.filter(
      ({ key, sentAt }) => keys.has(key) && sentAt >= request.from && sentAt <= request.to,
    );
    this.#inFlight++;
    try {
      for (const sent of this.#occurs(this.#conditions.reordering) ? this.#shuffle(wanted) : wanted) {
        checkAborted(request.signal, 'history');
        this.#checkConnected(to.owner);
        if (this.#reaches(sent.from, to) && to.isSubscribed(sent.key))
          await this.#deliverFromHistory(sent, to);
      }
      checkAborted(request.signal, 'history');
    } finally {
      this.#inFlight--;
      this.#schedule();
    }
  }

  leave(endpoint: MemoryEndpoint): void {
    this.#endpoints.delete(endpoint);
    this.#waiting = this.#waiting.filter(({ to }) => to !== endpoint);
  }

  // Routing

  #join<T extends MemoryEndpoint>(endpoint: T): T {
    this.#checkConnected(endpoint.owner);
    this.#endpoints.add(endpoint);
    return endpoint;
  }

  #distribute(sent: Sent): void {
    if (!this.#occurs(this.#conditions.loss)) {
      this.#history.push(sent);
      if (this.#history.length > this.#historySize) this.#history.shift();
    }
    for (const to of this.#endpoints) {
      if (!to.isSubscribed(sent.key) || this.#occurs(this.#conditions.loss)) continue;
      const copy = { sent, to, tries: 0 };
      this.#transmit(copy);
      if (this.#occurs(this.#conditions.duplication)) this.#transmit(copy);
    }
  }

  /** Messages that were received before are skipped. */
  async #deliverFromHistory(sent: Sent, to: MemoryEndpoint): Promise<void> {
    if (to.has(sent)) return;
    for (let tries = 0; tries < this.#maxTries; tries++) {
      if (await to.deliver(sent, true)) return;
    }
    throw new SottoError(
      'TRANSPORT_UNAVAILABLE',
      'A message of the history was rejected. Request it again later.',
      {
        reason: 'the receiver rejected it',
      },
    );
  }

  #occurs(probability: number): boolean {
    return probability > 0 && this.#dice.next() < probability;
  }

  #shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.#dice.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
    }
    return shuffled;
  }

  #transmit(copy: Copy): void {
    const { min, max } = this.#conditions.latency;
    if (max === 0) {
      this.#arrive(copy);
      return;
    }
    this.#inFlight++;
    this.#clock.after(min + this.#dice.next() * (max - min), () => {
      this.#inFlight--;
      this.#arrive(copy);
    });
  }

  #arrive(copy: Copy): void {
    if (this.#occurs(this.#conditions.reordering)) {
      this.#held.push({ copy, overtakers: 1 + this.#dice.below(MOST_OVERTAKERS) });
    } else {
      this.#arriving.push(copy);
    }
    this.#schedule();
  }

  #releaseWaiting(): void {
    for (const copy of this.#waiting.splice(0)) this.#arrive(copy);
  }

  #schedule(): void {
    if (this.#turnComes) return;
    this.#turnComes = true;
    queueMicrotask(() => {
      this.#turnComes = false;
      this.#turn();
    });
  }

  #turn(): void {
    for (const copy of this.#arriving.splice(0)) void this.#deliver(copy);
    if (this.#arriving.length === 0 && this.#inFlight === 0) {
      if (this.#held.length === 0) {
        for (const resolve of this.#onIdle.splice(0)) resolve();
        return;
      }
      // Nothing is left to overtake them.
      this.#arriving = this.#shuffle(this.#held.splice(0).map(({ copy }) => copy));
    }
    if (this.#arriving.length > 0) this.#schedule();
  }

  async #deliver(copy: Copy): Promise<void> {
    const { sent, to, tries } = copy;
    if (!to.isSubscribed(sent.key)) return;
    if (!this.#reaches(sent.from, to)) {
      this.#waiting.push(copy);
      return;
    }
    for (const held of this.#held) {
      if (held.copy.to === to) held.overtakers--;
    }
    this.#arriving.push(...this.#held.filter((held) => held.overtakers <= 0).map((held) => held.copy));
    this.#held = this.#held.filter(({ overtakers }) => overtakers > 0);
    this.#inFlight++;
    const accepted = await to.deliver(sent, false);
    this.#inFlight--;
    if (!accepted && tries + 1 < this.#maxTries) this.#arriving.push({ ...copy, tries: tries + 1 });
    this.#schedule();
  }

  #reaches(owner: PublicKey | undefined, to: MemoryEndpoint): boolean {
    if (to.owner === undefined) return true;
    const receiver = encodeHex(to.owner);
    if (this.#disconnected.has(receiver)) return false;
    const from = owner && encodeHex(owner);
    return from === undefined || this.#sides.every((side) => side.has(from) === side.has(receiver));
  }

  #checkConnected(owner: PublicKey | undefined): void {
    if (owner === undefined || !this.#disconnected.has(encodeHex(owner))) return;
    throw new SottoError('TRANSPORT_UNAVAILABLE', 'The network cannot be reached now.', {
      reason: 'disconnected',
    });
  }

  #reportStatus(name: string, status: 'connected' | 'reconnecting'): void {
    for (const endpoint of this.#endpoints) {
      if (endpoint.owner && encodeHex(endpoint.owner) === name) endpoint.reportStatus(status);
    }
  }
}

function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(what);
}
