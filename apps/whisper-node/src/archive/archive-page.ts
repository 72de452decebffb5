import type { Topic } from '@sotto/core';
import { hashOf, TOPIC_LENGTH } from './archive-key.js';

export interface ArchivedEnvelope {
  readonly topic: Topic;
  /** 32 bytes. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface ArchivePage {
  readonly envelopes: readonly ArchivedEnvelope[];
  /** The cursor of the next page; empty when this is the last. */
  readonly cursor: Uint8Array;
  /** Records read for it, and as many more as topics looked for have cost: the work that it took. */
  readonly lookedAt: number;
}

/** Bytes of a page: the envelope that exceeds them is its last. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Most records read for one page: then it ends, whatever it holds. */
const MOST_LOOKED_AT = 50_000;

/** What it costs to look for a topic, in records read. */
const RECORDS_PER_TOPIC = 10;

/** A page being filled. */
export class PageInProgress {
  readonly #envelopes: ArchivedEnvelope[] = [];
  readonly #limit: number;
  #bytes = 0;
  #lookedAt = 0;
  #topics = 0;

  /** @param limit most envelopes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of envelopes that still fit. */
  get room(): number {
    return this.#limit - this.#envelopes.length;
  }

  get full(): boolean {
    return this.room <= 0 || this.#bytes >= MOST_BYTES || this.#lookedAt >= MOST_LOOKED_AT;
  }

  /** @param value topic and envelope, as stored */
  put(position: Uint8Array, value: Uint8Array): void {
    const bytes = value.slice(TOPIC_LENGTH);
    this.#bytes += bytes.length;
    this.#envelopes.push({ topic: value.slice(0, TOPIC_LENGTH), hash: hashOf(position), bytes });
  }

  /** Counts a topic that was looked for. */
  lookedFor(): void {
    this.#topics++;
  }

  /** Counts a record that was read, whether it was added or not. */
  lookedAt(): void {
    this.#lookedAt++;
  }

  finish(cursor: Uint8Array): ArchivePage {
    const lookedAt = this.#lookedAt + RECORDS_PER_TOPIC * this.#topics;
    return { envelopes: this.#envelopes, cursor, lookedAt };
  }
}
