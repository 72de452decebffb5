/** The scenarios of whole messages; named as those of the bare protocol that they are held against. */
export type WholeScenarioId = '1 KiB' | 'ping-pong';

/** What the store's commits survive; see `Durability` of `@sotto/store-adapters`. */
export type StoreId = 'leveldb' | 'leveldb-no-fsync' | 'sqlite' | 'sqlite-no-fsync';

/** How a messenger is put together. */
export interface Setup {
  readonly provider: 'accelerated' | 'webassembly' | 'portable';
  readonly store: StoreId;
  /** Proof of work that the carrier asks for. */
  readonly minimumPow: number;
}
