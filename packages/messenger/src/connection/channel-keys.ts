import { type ChannelKeyCache, concatBytes, copyBytes, errorName, type Logger } from '@sotto/core';
import { defineTable, type Transactions } from '@sotto/device';

/**
 * Most keys kept: two for each of 100,000 conversations, about 20 MB. Further ones are derived again at each start; keys
 * of current subscriptions are never evicted.
 */
const MOST = 200_000;
/** From this many keys in one request, the whole table is read instead. */
const FEW = 32;
/** Keys written or deleted in one commit. */
const PER_COMMIT = 1_000;
/** Starts after which the key of a channel without subscription or use is deleted. */
const UNUSED_STARTS = 2;
const KEY_LENGTH = 32;

interface KeptKey {
  readonly key: Uint8Array;
  /** Starts since it was last used. */
  readonly unused: number;
}

/** `channel-key/<id>`: the derived key of a channel. */
const channelKeyTable = defineTable<KeptKey>({
  name: 'channel-key',
  encode: ({ key, unused }) => concatBytes(Uint8Array.of(unused), key),
  decode: (bytes) => {
    if (bytes.length !== 1 + KEY_LENGTH) throw new Error('not a key of a channel');
    return { unused: bytes[0] as number, key: copyBytes(bytes.subarray(1)) };
  },
});

/** Keeps the keys that the transport has derived for channels in the messenger's store. */
export class StoredChannelKeys implements ChannelKeyCache {
  readonly #transactions: Transactions;
  readonly #logger: Logger;
  readonly #most: number;
  /** For each key kept, by id: the number of starts since it was used. */
  #kept: Promise<Map<string, number>> | undefined;
  /** Our latest subscriptions; `undefined` before the first list of this run. */
  #subscribed: ReadonlySet<string> | undefined;

  /** @param most keys kept; for tests */
  constructor(transactions: Transactions, logger: Logger, most = MOST) {
    this.#transactions = transactions;
    this.#logger = logger;
    this.#most = most;
  }

  async get(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    await this.#try(async () => {
      const kept = await this.#load();
      const wanted = new Set(ids.filter((id) => kept.has(id)));
      if (wanted.size === 0) return;
      await this.#transactions.read(async (tx) => {
        // A damaged key is derived again.
        const damaged = () => undefined;
        if (wanted.size <= FEW) {
          for (const id of wanted) {
            const record = await tx.get(channelKeyTable, id).catch(damaged);
            if (record !== undefined) found.set(id, record.key);
          }
          return;
        }
        for await (const { segments, value } of tx.list(channelKeyTable, [], damaged)) {
          const [id = ''] = segments;
          if (wanted.has(id)) found.set(id, value.key);
        }
      });
      for (const [id, key] of found)
        if (kept.get(id) !== 0) await this.#write(kept, [[id, { key, unused: 0 }]]);
    });
    return found;
  }

  async put(id: string, key: Uint8Array): Promise<void> {
    await this.#try(async () => {
      const kept = await this.#load();
      if (kept.has(id) || kept.size < this.#most) await this.#write(kept, [[id, { key, unused: 0 }]]);
    });
  }

  async retain(ids: ReadonlySet<string>): Promise<void> {
    const before = this.#subscribed;
    this.#subscribed = ids;
    await this.#try(async () => {
      const kept = await this.#load();
      if (before === undefined) return this.#countStart(kept, ids);
      const left = [...before].filter((id) => !ids.has(id) && kept.has(id));
      await this.#write(
        kept,
        left.map((id) => [id, undefined]),
      );
    });
  }

  /** Channels that we only write to need their keys again at the next start, too. */
  async #countStart(kept: Map<string, number>, ids: ReadonlySet<string>): Promise<void> {
    const idle = [...kept.keys()].filter((id) => !ids.has(id));
    const changes: [string, KeptKey | undefined][] = [];
    await this.#transactions.read(async (tx) => {
      changes.length = 0;
      for (const id of idle) {
        const record = await tx.get(channelKeyTable, id).catch(() => undefined);
        const unused = 1 + (record?.unused ?? UNUSED_STARTS);
        const { key } = record ?? {};
        changes.push([id, key === undefined || unused > UNUSED_STARTS ? undefined : { key, unused }]);
      }
    });
    await this.#write(kept, changes);
  }

  /** Writes or deletes keys. */
  async #write(
    kept: Map<string, number>,
    changes: readonly (readonly [string, KeptKey | undefined])[],
  ): Promise<void> {
    for (let i = 0; i < changes.length; i += PER_COMMIT) {
      const batch = changes.slice(i, i + PER_COMMIT);
      // Counted immediately, so that the cap holds whatever else is in flight.
      for (const [id, record] of batch) if (record !== undefined) kept.set(id, record.unused);
      await this.#transactions.transaction(async (tx) => {
        for (const [id, record] of batch) {
          if (record === undefined) tx.delete(channelKeyTable, id);
          else tx.put(channelKeyTable, record, id);
        }
      });
      for (const [id, record] of batch) if (record === undefined) kept.delete(id);
    }
  }

  #load(): Promise<Map<string, number>> {
    this.#kept ??= this.#transactions
      .read(async (tx) => {
        const kept = new Map<string, number>();
        const damaged = () => {};
        for await (const { segments, value } of tx.list(channelKeyTable, [], damaged)) {
          kept.set(segments[0] as string, value.unused);
        }
        return kept;
      })
      .catch((error) => {
        this.#kept = undefined;
        throw error;
      });
    return this.#kept;
  }

  async #try(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#logger.debug('keys of channels not kept', { error: errorName(error) });
    }
  }
}
