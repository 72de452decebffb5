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
  /** Where the next page begins; empty when there is none. */
  readonly cursor: Uint8Array;
}

/** A page ends with the envelope that makes it larger than this. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Records looked at for one page: then it ends, whatever it has. */
const MOST_LOOKED_AT = 50_000;

/** A page that is being filled. */
export class PageInProgress {
  readonly #envelopes: ArchivedEnvelope[] = [];
  readonly #limit: number;
  #bytes = 0;
  #lookedAt = 0;

  /** @param limit envelopes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Envelopes that still fit. */
  get room(): number {
    return this.#limit - this.#envelopes.length;
  }

  get full(): boolean {
    return this.room <= 0 || this.#bytes >= MOST_BYTES || this.#lookedAt >= MOST_LOOKED_AT;
  }

  /** @param value topic and envelope, as they are stored */
  put(position: Uint8Array, value: Uint8Array): void {
    const bytes = value.slice(TOPIC_LENGTH);
    this.#bytes += bytes.length;
    this.#envelopes.push({ topic: value.slice(0, TOPIC_LENGTH), hash: hashOf(position), bytes });
  }

  /** A record was looked at, whether it was put here or not. */
  lookedAt(): void {
    this.#lookedAt++;
  }

  finish(cursor: Uint8Array): ArchivePage {
    return { envelopes: this.#envelopes, cursor };
  }
}
