import { type ChannelKeyCache, concatBytes, copyBytes, type Logger } from '@sotto/core';
import { defineTable, type Transactions } from '@sotto/device';
import { errorName } from '../runtime/events.js';

/**
 * Keys kept: two for each of 100,000 conversations, about 20 MB. What is more is derived again at each start; what is
 * kept is what we subscribe to, so that nothing of it has to go for something else.
 */
const MOST = 200_000;
/** Keys asked for at once from which on the whole table is read instead. */
const FEW = 32;
/** Keys changed or forgotten in one commit. */
const PER_COMMIT = 1_000;
/** Starts after which the key of a channel goes that we neither subscribe to nor write to. */
const UNUSED_STARTS = 2;
const KEY_LENGTH = 32;

interface KeptKey {
  readonly key: Uint8Array;
  /** Starts since it was used. */
  readonly unused: number;
}

/** `channel-key/<id>`: the key of a channel. */
const channelKeyTable = defineTable<KeptKey>({
  name: 'channel-key',
  encode: ({ key, unused }) => concatBytes(Uint8Array.of(unused), key),
  decode: (bytes) => {
    if (bytes.length !== 1 + KEY_LENGTH) throw new Error('not a key of a channel');
    return { unused: bytes[0] as number, key: copyBytes(bytes.subarray(1)) };
  },
});

/** Keeps what the transport has derived for channels in the messenger's store. */
export class StoredChannelKeys implements ChannelKeyCache {
  readonly #transactions: Transactions;
  readonly #logger: Logger;
  readonly #most: number;
  /** Of what is kept, by id, for how many starts it was not used. */
  #kept: Promise<Map<string, number>> | undefined;
  /** What we subscribed to last; `undefined` before the first list of this start. */
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
        // A damaged one is derived again.
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

  /** Some channels are only written to, and their keys wanted again at the next start. */
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

  /** Puts keys, or forgets them. */
  async #write(
    kept: Map<string, number>,
    changes: readonly (readonly [string, KeptKey | undefined])[],
  ): Promise<void> {
    for (let i = 0; i < changes.length; i += PER_COMMIT) {
      const batch = changes.slice(i, i + PER_COMMIT);
      // At once, so that the cap holds whatever else is in flight.
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
