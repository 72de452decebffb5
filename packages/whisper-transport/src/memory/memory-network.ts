import {
  type Channel,
  type Clock,
  encodeHex,
  type HistoryRequest,
  type LocalParty,
  type PublicKey,
  SottoError,
  systemClock,
  type Transport,
  type TransportMessage,
} from '@sotto/core';
import { channelKey } from './channel-key.js';
import { type ConnectionRouter, MemoryConnection } from './memory-connection.js';
import { changeConditions, Dice, FAIR_CONDITIONS, type NetworkConditions } from './network-conditions.js';

export interface MemoryNetworkOptions {
  /** An integer. The same seed and the same calls make the same network. Default 0. */
  readonly seed?: number;
  /** Dates messages, and waits when there is latency. Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Default: nothing is lost, repeated, reordered or delayed. */
  readonly conditions?: Partial<NetworkConditions>;
  /** Largest payload in bytes. Default 1 MiB, as Whisper nodes have it. */
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

/** A message as it was taken. */
interface Sent {
  readonly channel: Channel;
  readonly key: string;
  readonly sender: PublicKey;
  readonly payload: Uint8Array;
  readonly sentAt: number;
}

/** A message on its way to one receiver. */
interface Copy {
  readonly sent: Sent;
  readonly to: MemoryConnection;
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

class Network implements MemoryNetwork, ConnectionRouter {
  readonly #dice: Dice;
  readonly #clock: Clock;
  readonly #maxPayloadBytes: number;
  readonly #historySize: number;
  readonly #maxTries: number;
  readonly #connections = new Set<MemoryConnection>();
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
  #underWay = 0;
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
      connect: async (party, { signal } = {}) => {
        checkAborted(signal, 'connect');
        this.#checkConnected(party);
        const connection = new MemoryConnection(party, this);
        this.#connections.add(connection);
        return connection;
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

  send(from: MemoryConnection, channel: Channel, payload: Uint8Array, signal: AbortSignal | undefined): void {
    checkAborted(signal, 'send');
    if (payload.length > this.#maxPayloadBytes) {
      throw new SottoError('LIMIT_EXCEEDED', 'The message is too large for this network.', {
        what: 'payload in bytes',
        limit: this.#maxPayloadBytes,
        actual: payload.length,
      });
    }
    this.#checkConnected(from.party);
    const sent: Sent = {
      channel,
      key: channelKey(channel),
      sender: from.party.identity.publicKey,
      payload: payload.slice(),
      sentAt: this.#clock.now(),
    };
    if (!this.#happens(this.#conditions.loss)) {
      this.#history.push(sent);
      if (this.#history.length > this.#historySize) this.#history.shift();
    }
    for (const to of this.#connections) {
      if (!to.listensTo(sent.key) || this.#happens(this.#conditions.loss)) continue;
      const copy = { sent, to, tries: 0 };
      this.#carry(copy);
      if (this.#happens(this.#conditions.duplication)) this.#carry(copy);
    }
  }

  async history(to: MemoryConnection, keys: ReadonlySet<string>, request: HistoryRequest): Promise<void> {
    const wanted = this.#history.filter(
      ({ key, sentAt }) => keys.has(key) && sentAt >= request.from && sentAt <= request.to,
    );
    this.#underWay++;
    try {
      for (const sent of this.#happens(this.#conditions.reordering) ? this.#shuffle(wanted) : wanted) {
        checkAborted(request.signal, 'history');
        this.#checkConnected(to.party);
        if (this.#reaches(sent.sender, to) && to.listensTo(sent.key)) await this.#handFromHistory(sent, to);
      }
      checkAborted(request.signal, 'history');
    } finally {
      this.#underWay--;
      this.#schedule();
    }
  }

  leave(connection: MemoryConnection): void {
    this.#connections.delete(connection);
    this.#waiting = this.#waiting.filter(({ to }) => to !== connection);
  }

  // Within

  async #handFromHistory(sent: Sent, to: MemoryConnection): Promise<void> {
    for (let tries = 0; tries < this.#maxTries; tries++) {
      if (await hand(sent, to, true)) return;
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
    this.#underWay++;
    this.#clock.after(min + this.#dice.next() * (max - min), () => {
      this.#underWay--;
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
    if (this.#arriving.length === 0 && this.#underWay === 0) {
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
    this.#underWay++;
    const taken = await hand(sent, to, false);
    this.#underWay--;
    if (!taken && tries + 1 < this.#maxTries) this.#arriving.push({ ...copy, tries: tries + 1 });
    this.#schedule();
  }

  #reaches(sender: PublicKey, to: MemoryConnection): boolean {
    const from = encodeHex(sender);
    const receiver = encodeHex(to.party.identity.publicKey);
    if (this.#disconnected.has(receiver)) return false;
    return this.#sides.every((side) => side.has(from) === side.has(receiver));
  }

  #checkConnected(party: LocalParty): void {
    if (!this.#disconnected.has(encodeHex(party.identity.publicKey))) return;
    throw new SottoError('TRANSPORT_UNAVAILABLE', 'The network cannot be reached now.', {
      reason: 'disconnected',
    });
  }

  #tellStatus(name: string, status: 'connected' | 'reconnecting'): void {
    for (const { party } of this.#connections) {
      if (encodeHex(party.identity.publicKey) === name) party.onStatus?.(status);
    }
  }
}

function checkAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new SottoError('ABORTED', 'The caller gave up.', { what });
}

/** Calls `onMessage` with fresh bytes; whether it took the message. */
async function hand(sent: Sent, to: MemoryConnection, fromHistory: boolean): Promise<boolean> {
  const { sender, payload, channel, sentAt } = sent;
  const message: TransportMessage = {
    sender: sender.slice() as PublicKey,
    payload: payload.slice(),
    channel,
    sentAt,
    fromHistory,
  };
  try {
    await to.party.onMessage(message);
    return true;
  } catch {
    return false;
  }
}
