import { type Clock, type ClockSkew, evictOldest } from '@sotto/core';

/**
 * Most that a clock is corrected by, in milliseconds: a day has all mistakes of time zones in it. Whoever lies about the time
 * can make our envelopes useless to others while he is believed, and do no more than that.
 */
export const MAX_CORRECTION_MS = 86_400_000;
/** What is put down to the way that a reading takes, in milliseconds; deployed nodes bear 10 s. */
const TOLERATED_MS = 2_000;
/** The same for envelopes, which may have waited somewhere. */
const TOLERATED_OF_PEERS_MS = 5_000;
/** Nodes that count: nobody is connected to more. */
const NODES_MOST = 16;
/** Peers that count: those who were heard last. */
const PEERS_MOST = 15;
/**
 * Who the peers are. `people` have signed what they sent, and share a secret with us: three at least, as one, or two together,
 * may have a wrong clock, or lie. `nodes` hand on what others have sealed: one that we have chosen is enough, and no envelope says
 * anything by itself.
 */
export type PeerKind = 'people' | 'nodes';
const PEERS_LEAST: Record<PeerKind, number> = { people: 3, nodes: 1 };
/** Envelopes of a peer that count, and how many there must be before their age says something by itself. */
const ENVELOPES_MOST = 16;
const ENVELOPES_LEAST = 8;

/** How old an envelope was when it came, by our clock. */
interface Age {
  /** Milliseconds; negative when it is from the future. */
  readonly age: number;
  readonly isAlive: boolean;
}

/** What an envelope says of the time. */
interface Lifetime {
  /** Seconds since the epoch. */
  readonly expiry: number;
  /** Seconds. */
  readonly ttl: number;
}

/**
 * How far our clock is from that of the network, by what others say. A node that we have chosen and that tells its time is
 * believed, of several the one in the middle; without any, the one in the middle of the peers that sent envelopes.
 */
export class SkewEstimate {
  readonly #clock: Clock;
  readonly #onChange: (skew: ClockSkew) => void;
  readonly #kind: PeerKind;
  /** By source, how far ours is ahead. */
  readonly #nodes = new Map<string, number>();
  /** By source, how old its last envelopes were by our clock when they came. */
  readonly #peers = new Map<string, readonly Age[]>();
  /** `undefined` while nobody has said anything that counts. */
  #skew: ClockSkew | undefined;

  /** @param onChange is told of the first estimate, and when it changes by more than what is tolerated */
  constructor(clock: Clock, kind: PeerKind, onChange: (skew: ClockSkew) => void = () => {}) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.#kind = kind;
  }

  /** Milliseconds to take from our clock; 0 when there is nothing to correct, or too much. */
  get correction(): number {
    return this.#skew?.corrected ? this.#skew.skewMs : 0;
  }

  /** Milliseconds since the epoch, as the network has it. */
  now(): number {
    return this.#clock.now() - this.correction;
  }

  /** Notes what a node says the time is, in milliseconds since the epoch. */
  noteNode(source: string, theirs: number): void {
    if (!Number.isFinite(theirs)) return;
    this.#nodes.delete(source);
    this.#nodes.set(source, this.#clock.now() - theirs);
    evictOldest(this.#nodes, NODES_MOST);
    this.#update();
  }

  /** Notes an envelope that has just come from a peer. */
  notePeer(source: string, { expiry, ttl }: Lifetime): void {
    const age = this.#clock.now() - (expiry - ttl) * 1000;
    const ages = [...(this.#peers.get(source) ?? []), { age, isAlive: age >= 0 && age <= ttl * 1000 }];
    this.#peers.delete(source);
    this.#peers.set(source, ages.slice(-ENVELOPES_MOST));
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
      : [...this.#peers.values()].flatMap((ages) => skewOfPeer(ages, this.#kind) ?? []);
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
 * What is alive by our clock may have waited somewhere, so that a few such say nothing. Of many, those that came fastest tell
 * the time; not the very fastest, whose sender's clock may be ahead.
 */
function skewOfPeer(ages: readonly Age[], kind: PeerKind): number | undefined {
  const last = ages.at(-1);
  if (last === undefined || (kind === 'nodes' && ages.length < ENVELOPES_LEAST)) return undefined;
  if (ages.length < ENVELOPES_LEAST) return last.isAlive ? 0 : last.age;
  const sorted = ages.map(({ age }) => age).toSorted((a, b) => a - b);
  return sorted[sorted.length >> 2] as number;
}

/** Of an even number, the one nearer to 0 of the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return Math.abs(low) < Math.abs(high) ? low : high;
}
