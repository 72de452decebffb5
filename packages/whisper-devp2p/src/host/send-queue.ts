import type { PooledEnvelope } from '@sotto/whisper-transport/whisper';
import type { SendLimits } from './host-options.js';

/** Most envelopes of one packet, and most of their bytes: deployed nodes accept packets of 1 MiB. */
const BATCH_ENVELOPES = 2_000;
const BATCH_BYTES = 512 * 1024;

/** Envelopes that wait to be sent to one peer, oldest first, each once. */
export class SendQueue {
  readonly #limits: SendLimits;
  readonly #envelopes = new Set<PooledEnvelope>();
  #bytes = 0;

  constructor(limits: SendLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#envelopes.size;
  }

  /** Appends an envelope. @returns how many were dropped for it */
  add(pooled: PooledEnvelope): number {
    if (this.#envelopes.has(pooled)) return 0;
    this.#envelopes.add(pooled);
    this.#bytes += pooled.bytes.length;
    let dropped = 0;
    for (const oldest of this.#envelopes) {
      if (this.#envelopes.size <= this.#limits.queuedEnvelopes && this.#bytes <= this.#limits.queuedBytes)
        break;
      this.delete(oldest);
      dropped++;
    }
    return dropped;
  }

  delete(pooled: PooledEnvelope): void {
    if (this.#envelopes.delete(pooled)) this.#bytes -= pooled.bytes.length;
  }

  /** Removes the envelopes for one packet, and drops expired ones. @param now seconds since the epoch */
  takeBatch(now: number): PooledEnvelope[] {
    const batch: PooledEnvelope[] = [];
    let bytes = 0;
    for (const pooled of this.#envelopes) {
      bytes += pooled.bytes.length;
      if (batch.length > 0 && (bytes > BATCH_BYTES || batch.length === BATCH_ENVELOPES)) break;
      this.delete(pooled);
      if (pooled.envelope.expiry >= now) batch.push(pooled);
      else bytes -= pooled.bytes.length;
    }
    return batch;
  }

  clear(): void {
    this.#envelopes.clear();
    this.#bytes = 0;
  }
}
