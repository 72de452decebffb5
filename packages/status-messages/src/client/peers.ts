import type { Write } from '@sotto/core';
import type { StatusContext } from './context.js';
import { codeOf } from './events.js';
import {
  decodeRecord,
  type PeerRecord,
  partsOf,
  peerKey,
  peersPrefix,
  ringPrefix,
  seenPrefix,
} from './records.js';

/** Records deleted in one commit. */
const DELETED_AT_ONCE = 256;
/** How many more than the limit are kept, so that they are rarely forgotten one by one. */
const EXCESS = 8;

/** People of whom something is remembered, within a limit. */
export class Peers {
  readonly #context: StatusContext;
  /** When each was last changed, and whether they are kept whatever the limit; by identity in hex. */
  readonly #known = new Map<string, { readonly touchedAt: number; readonly kept: boolean }>();
  readonly #unanswered = new Set<string>();

  constructor(context: StatusContext) {
    this.#context = context;
  }

  async load(): Promise<void> {
    const { store, logger } = this.#context;
    for await (const { key, value } of store.list(peersPrefix)) {
      try {
        this.#note(key, value);
      } catch (error) {
        logger.warn('what is known of a person is damaged', { error: codeOf(error) });
      }
    }
  }

  /** Those whose contact request is not answered yet, hex. */
  async unanswered(): Promise<readonly string[]> {
    return [...this.#unanswered];
  }

  /** Notes what a commit has stored. */
  noteChanges(writes: readonly Write[]): void {
    for (const write of writes)
      if (write.type === 'put' && write.key.startsWith(peersPrefix)) this.#note(write.key, write.value);
  }

  isOver(): boolean {
    return this.#known.size > this.#context.limits.maxPeers + EXCESS;
  }

  /** Forgets the least recently active strangers beyond the limit. */
  async forgetOldest(): Promise<void> {
    const { store, limits } = this.#context;
    const oldest = [...this.#known]
      .filter(([, { kept }]) => !kept)
      .sort(([, one], [, other]) => one.touchedAt - other.touchedAt)
      .slice(0, Math.max(0, this.#known.size - limits.maxPeers));
    for (const [name] of oldest) {
      for (const prefix of [ringPrefix(name), seenPrefix(name)]) {
        for (;;) {
          const keys: string[] = [];
          for await (const { key } of store.list(prefix, { limit: DELETED_AT_ONCE })) keys.push(key);
          if (keys.length === 0) break;
          await store.commit(keys.map((key) => ({ type: 'delete', key })));
        }
      }
      await store.commit([{ type: 'delete', key: peerKey(name) }]);
      this.#known.delete(name);
      this.#unanswered.delete(name);
    }
  }

  #note(key: string, value: Uint8Array): void {
    const [name = ''] = partsOf(key, peersPrefix);
    const { touchedAt, local, theirRequest, answered } = decodeRecord<PeerRecord>(value);
    this.#known.set(name, { touchedAt, kept: local.state !== 0 });
    if (theirRequest !== undefined && !answered) this.#unanswered.add(name);
    else this.#unanswered.delete(name);
  }
}
