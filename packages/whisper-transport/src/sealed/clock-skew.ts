import { type Clock, type ClockSkew, evictOldest } from '@sotto/core';

/**
 * Largest correction of our clock, in milliseconds: a day covers all mistakes of time zones. Someone who lies about the time can make
 * our envelopes invalid for others while the lie is believed, and do no more than that.
 */
export const MAX_CORRECTION_MS = 86_400_000;
/** Offsets of a node's reading up to this many milliseconds count as transit time; deployed nodes tolerate 10 s. */
const TOLERATED_MS = 2_000;
/** The same for the envelopes of peers, which may have been delayed. */
const TOLERATED_OF_PEERS_MS = 5_000;
/** Most nodes whose readings count: no client is connected to more. */
const NODES_MOST = 16;
/** Most peers whose envelopes count: the most recent ones. */
const PEERS_MOST = 15;
/** Most keys of a peer that count: those of its devices, and of ours that write to it. The most recent ones. */
const KEYS_MOST = 4;
/**
 * What the peers are. `people` have signed their envelopes and share a secret with us: at least three are needed, as one or two may have a
 * wrong clock, or lie. `nodes` forward envelopes of others: one that we have chosen is enough, but a single envelope says nothing.
 */
export type PeerKind = 'people' | 'nodes';
const PEERS_LEAST: Record<PeerKind, number> = { people: 3, nodes: 1 };
/** Most envelopes of a peer that count, and how many are needed before their ages are compared. */
const ENVELOPES_MOST = 16;
const ENVELOPES_LEAST = 8;

/** The age of an envelope at its arrival, by our clock. */
interface Age {
  /** Milliseconds; negative for one from the future. */
  readonly age: number;
  readonly isAlive: boolean;
}

/** The times of an envelope. */
export interface Lifetime {
  /** Seconds since the epoch. */
  readonly expiry: number;
  /** Seconds. */
  readonly ttl: number;
}

/**
 * Estimates the offset of our clock from the network's. A node that we have chosen and that tells its time is believed; of several, the
 * median. Without any, it is the median of the peers that sent envelopes.
 */
export class SkewEstimate {
  readonly #clock: Clock;
  readonly #onChange: (skew: ClockSkew) => void;
  readonly #kind: PeerKind;
  /** By node, how far our clock is ahead. */
  readonly #nodes = new Map<string, number>();
  /** By peer and key, the ages of the last envelopes. */
  readonly #peers = new Map<string, Map<string, readonly Age[]>>();
  /** `undefined` until there are enough readings. */
  #skew: ClockSkew | undefined;

  /** @param onChange called with the first estimate, and when it changes by more than the tolerance */
  constructor(clock: Clock, kind: PeerKind, onChange: (skew: ClockSkew) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#kind = kind;
  }

  /** Milliseconds to subtract from our clock; 0 when the offset is tolerable, or too large to be corrected. */
  get correction(): number {
    return this.#skew?.corrected ? this.#skew.skewMs : 0;
  }

  /** The network's time, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now() - this.correction;
  }

  /** Adds the reading of a node's clock, in milliseconds since the epoch. */
  addReading(source: string, theirs: number): void {
    if (!Number.isFinite(theirs)) return;
    this.#nodes.delete(source);
    this.#nodes.set(source, this.#clock.now() - theirs);
    evictOldest(this.#nodes, NODES_MOST);
    this.#update();
  }

  /**
   * Adds an envelope that has just arrived from a peer.
   * @param key which of the peer's keys signed it. A peer counts once, whatever the number of its keys
   */
  addEnvelope(peer: string, { expiry, ttl }: Lifetime, key = ''): void {
    const age = this.#clock.now() - (expiry - ttl) * 1000;
    const keys = this.#peers.get(peer) ?? new Map<string, readonly Age[]>();
    const ages = [...(keys.get(key) ?? []), { age, isAlive: age >= 0 && age <= ttl * 1000 }];
    keys.delete(key);
    keys.set(key, ages.slice(-ENVELOPES_MOST));
    evictOldest(keys, KEYS_MOST);
    this.#peers.delete(peer);
    this.#peers.set(peer, keys);
    evictOldest(this.#peers, PEERS_MOST);
    this.#update();
  }

  #update(): void {
    const next = this.#estimate();
    if (next === undefined) return;
    if (this.#skew !== undefined && Math.abs(next.skewMs - this.#skew.skewMs) <= TOLERATED_MS) return;
    this.#skew = next;
    this.#onChange(next);
  }

  #estimate(): ClockSkew | undefined {
    const isOfNodes = this.#nodes.size > 0;
    const readings = isOfNodes
      ? [...this.#nodes.values()]
      : [...this.#peers.values()].flatMap((keys) => skewOfPeer([...keys.values()], this.#kind) ?? []);
    if (!isOfNodes && readings.length < PEERS_LEAST[this.#kind]) return undefined;
    const found = median(readings);
    const tolerated = isOfNodes ? TOLERATED_MS : TOLERATED_OF_PEERS_MS;
    const skewMs = Math.abs(found) <= tolerated ? 0 : found;
    return {
      skewMs,
      source: isOfNodes ? 'node' : 'peers',
      corrected: Math.abs(skewMs) <= MAX_CORRECTION_MS,
    };
  }
}

/**
 * The offset that a peer's envelopes show: the median of those of its keys.
 */
function skewOfPeer(keys: readonly (readonly Age[])[], kind: PeerKind): number | undefined {
  const readings = keys.flatMap((ages) => skewOfKey(ages, kind) ?? []);
  return readings.length === 0 ? undefined : median(readings);
}

/**
 * Envelopes that are alive by our clock may have been delayed, so that a few of them say nothing. Of many, the fastest tell the time; but
 * not the very fastest, whose sender's clock may be ahead.
 */
function skewOfKey(ages: readonly Age[], kind: PeerKind): number | undefined {
  const last = ages.at(-1);
  if (last === undefined || (kind === 'nodes' && ages.length < ENVELOPES_LEAST)) return undefined;
  if (ages.length < ENVELOPES_LEAST) return last.isAlive ? 0 : last.age;
  const sorted = ages.map(({ age }) => age).toSorted((a, b) => a - b);
  return sorted[sorted.length >> 2] as number;
}

/** Of an even number of values, the middle one that is nearer to 0. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return Math.abs(low) < Math.abs(high) ? low : high;
}
