import { decodeHex, errorName, type Write } from '@sotto/core';
import type { StatusContext } from './context.js';
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
  /** When each was last changed who isn't kept whatever the limit; by identity in hex. */
  readonly #forgettable = new Map<string, number>();
  /** Those whom the user has accepted, as far as that is known. */
  readonly #kept = new Set<string>();
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
        logger.warn('what is known of a person is damaged', { error: errorName(error) });
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
    return this.#forgettable.size > this.#context.limits.maxPeers + EXCESS;
  }

  /** Forgets the least recently active strangers beyond the limit. */
  async forgetOldest(): Promise<void> {
    const { store, limits, messenger } = this.#context;
    const oldest = [...this.#forgettable].sort(([, one], [, other]) => one - other);
    for (const [name] of oldest) {
      if (this.#forgettable.size <= limits.maxPeers) return;
      if (await messenger.requests.isAccepted(decodeHex(name))) {
        this.#kept.add(name);
        this.#forgettable.delete(name);
        continue;
      }
      for (const prefix of [ringPrefix(name), seenPrefix(name)]) {
        for (;;) {
          const keys: string[] = [];
          for await (const { key } of store.list(prefix, { limit: DELETED_AT_ONCE })) keys.push(key);
          if (keys.length === 0) break;
          await store.commit(keys.map((key) => ({ type: 'delete', key })));
        }
      }
      await store.commit([{ type: 'delete', key: peerKey(name) }]);
      this.#forgettable.delete(name);
      this.#unanswered.delete(name);
    }
  }

  #note(key: string, value: Uint8Array): void {
    const [name = ''] = partsOf(key, peersPrefix);
    const { touchedAt, local, wasContact, ended, theirRequest, answered } = decodeRecord<PeerRecord>(value);
    if (local.state !== 0 || wasContact || ended !== undefined) this.#kept.add(name);
    if (this.#kept.has(name)) this.#forgettable.delete(name);
    else this.#forgettable.set(name, touchedAt);
    if (theirRequest !== undefined && !answered) this.#unanswered.add(name);
    else this.#unanswered.delete(name);
  }
}
