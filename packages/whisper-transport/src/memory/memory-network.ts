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
import { abortedError } from '../transport-errors.js';
import type { MemoryEndpoint, Router, Sent } from './endpoint.js';
import { MemoryCarrierConnection } from './memory-carrier-connection.js';
import { MemoryConnection } from './memory-connection.js';
import { changeConditions, Dice, FAIR_CONDITIONS, type NetworkConditions } from './network-conditions.js';

export interface MemoryNetworkOptions {
  /** An integer. The same seed and the same calls make the same network. Default 0. */
  readonly seed?: number;
  /** Dates messages, and waits when there is latency. Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Default: nothing is lost, repeated, reordered or delayed. */
  readonly conditions?: Partial<NetworkConditions>;
  /** Largest payload, or envelope of a carrier, in bytes. Default 1 MiB, as Whisper nodes have it. */
  readonly maxPayloadBytes?: number;
  /** Messages kept for history; the oldest go. Default 10,000: a long test, and bounded. */
  readonly historySize?: number;
  /** How often a message is handed to a receiver that refuses it. Default 5: enough to outlive a store's hiccup. */
  readonly maxTries?: number;
}

/** A network within this process, and the strings to pull on it. */
export interface MemoryNetwork {
  /** A transport of this network; it serves any number of parties. */
  transport(): Transport;
  /**
   * A carrier of this network, to be sealed over: for any number of connections. Its envelopes and the messages of
   * transports don't meet.
   *
   * @param owner whose connections these are, for {@link partition} and {@link disconnect}; nobody's in particular
   */
  carrier(owner?: PublicKey): Carrier;
  /** Changes how messages sent from now on are treated. @throws INVALID_ARGUMENT */
  setConditions(changes: Partial<NetworkConditions>): void;
  /**
   * Splits the network: only identities of one side reach each other, and those that are on no side. What is
   * sent to another side waits for {@link heal}.
   */
  partition(...sides: readonly (readonly PublicKey[])[]): void;
  /** Ends a partition; what waited goes on its way. */
  heal(): void;
  /** Cuts an identity off: its sends fail with TRANSPORT_UNAVAILABLE, and what is for it waits. */
  disconnect(identity: PublicKey): void;
  /** Ends {@link disconnect}; what waited goes on its way. */
  reconnect(identity: PublicKey): void;
  /**
   * Resolves when nothing is on its way and every `onMessage` has settled. What waits for a partition to end is
   * not on its way.
   */
  idle(): Promise<void>;
}

/**
 * Makes a network that delivers in the next turn of the event loop's microtasks, without timers, unless it is
 * given latency. It is trusted: nothing is sealed, and the sender is who connected.
 *
 * @throws INVALID_ARGUMENT
 */
export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new Network(options);
}

/** A message on its way to one receiver. */
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

/** Most copies that overtake one that is held back. */
const MOST_OVERTAKERS = 8;

class Network implements MemoryNetwork, Router {
  readonly #dice: Dice;
  readonly #clock: Clock;
  readonly #maxPayloadBytes: number;
  readonly #historySize: number;
  readonly #maxTries: number;
  readonly #ends = new Set<MemoryEndpoint>();
  readonly #history: Sent[] = [];
  #conditions: NetworkConditions;
  #sides: readonly ReadonlySet<string>[] = [];
  readonly #disconnected = new Set<string>();

  /** To be delivered in the next turn. */
  #arriving: Copy[] = [];
  #held: HeldCopy[] = [];
  /** Behind a partition. */
  #waiting: Copy[] = [];
  /** Copies that wait for the clock or for `onMessage` to settle, and requests for history. */
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
      capabilities: { maxPayloadBytes: this.#maxPayloadBytes, history: true, confirmsSend: true },
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
    this.#letWaitingGo();
  }

  heal(): void {
    this.partition();
  }

  disconnect(identity: PublicKey): void {
    const name = encodeHex(identity);
    if (this.#disconnected.has(name)) return;
    this.#disconnected.add(name);
    this.#tellStatus(name, 'reconnecting');
  }

  reconnect(identity: PublicKey): void {
    const name = encodeHex(identity);
    if (!this.#disconnected.delete(name)) return;
    this.#tellStatus(name, 'connected');
    this.#letWaitingGo();
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
    this.#checkConnected(sent.sender);
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
      for (const sent of this.#happens(this.#conditions.reordering) ? this.#shuffle(wanted) : wanted) {
        checkAborted(request.signal, 'history');
        this.#checkConnected(to.owner);
        if (this.#reaches(sent.sender, to) && to.listensTo(sent.key)) await this.#handFromHistory(sent, to);
      }
      checkAborted(request.signal, 'history');
    } finally {
      this.#inFlight--;
      this.#schedule();
    }
  }

  leave(end: MemoryEndpoint): void {
    this.#ends.delete(end);
    this.#waiting = this.#waiting.filter(({ to }) => to !== end);
  }

  // Within

  #join<T extends MemoryEndpoint>(end: T): T {
    this.#checkConnected(end.owner);
    this.#ends.add(end);
    return end;
  }

  #distribute(sent: Sent): void {
    if (!this.#happens(this.#conditions.loss)) {
      this.#history.push(sent);
      if (this.#history.length > this.#historySize) this.#history.shift();
    }
    for (const to of this.#ends) {
      if (!to.listensTo(sent.key) || this.#happens(this.#conditions.loss)) continue;
      const copy = { sent, to, tries: 0 };
      this.#carry(copy);
      if (this.#happens(this.#conditions.duplication)) this.#carry(copy);
    }
  }

  /** What has come already does not come again. */
  async #handFromHistory(sent: Sent, to: MemoryEndpoint): Promise<void> {
    if (to.has(sent)) return;
    for (let tries = 0; tries < this.#maxTries; tries++) {
      if (await to.hand(sent, true)) return;
    }
    throw new SottoError('TRANSPORT_UNAVAILABLE', 'A message of history was not taken. Ask again later.', {
      reason: 'the receiver refused it',
    });
  }

  #happens(probability: number): boolean {
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

  #carry(copy: Copy): void {
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
    if (this.#happens(this.#conditions.reordering)) {
      this.#held.push({ copy, overtakers: 1 + this.#dice.below(MOST_OVERTAKERS) });
    } else {
      this.#arriving.push(copy);
    }
    this.#schedule();
  }

  #letWaitingGo(): void {
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
      // Nobody is left to overtake them.
      this.#arriving = this.#shuffle(this.#held.splice(0).map(({ copy }) => copy));
    }
    if (this.#arriving.length > 0) this.#schedule();
  }

  async #deliver(copy: Copy): Promise<void> {
    const { sent, to, tries } = copy;
    if (!to.listensTo(sent.key)) return;
    if (!this.#reaches(sent.sender, to)) {
      this.#waiting.push(copy);
      return;
    }
    for (const held of this.#held) {
      if (held.copy.to === to) held.overtakers--;
    }
    this.#arriving.push(...this.#held.filter((held) => held.overtakers <= 0).map((held) => held.copy));
    this.#held = this.#held.filter(({ overtakers }) => overtakers > 0);
    this.#inFlight++;
    const taken = await to.hand(sent, false);
    this.#inFlight--;
    if (!taken && tries + 1 < this.#maxTries) this.#arriving.push({ ...copy, tries: tries + 1 });
    this.#schedule();
  }

  #reaches(sender: PublicKey | undefined, to: MemoryEndpoint): boolean {
    if (to.owner === undefined) return true;
    const receiver = encodeHex(to.owner);
    if (this.#disconnected.has(receiver)) return false;
    const from = sender && encodeHex(sender);
    return from === undefined || this.#sides.every((side) => side.has(from) === side.has(receiver));
  }

  #checkConnected(owner: PublicKey | undefined): void {
    if (owner === undefined || !this.#disconnected.has(encodeHex(owner))) return;
    throw new SottoError('TRANSPORT_UNAVAILABLE', 'The network cannot be reached now.', {
      reason: 'disconnected',
    });
  }

  #tellStatus(name: string, status: 'connected' | 'reconnecting'): void {
    for (const end of this.#ends) {
      if (end.owner && encodeHex(end.owner) === name) end.tellStatus(status);
    }
  }
}

function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(what);
}
