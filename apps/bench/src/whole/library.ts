/** Scenarios of whole messages, named like the scenarios of the protocol alone that they are compared with. */
export type WholeScenarioId = '1 KiB' | 'ping-pong';

/** Durability of the store's commits; see `Durability` of `@sotto/store-adapters`. */
export type StoreId = 'leveldb' | 'leveldb-no-fsync' | 'sqlite' | 'sqlite-no-fsync' | 'postgres';

/** The configuration of a messenger. */
export interface Setup {
  readonly provider: 'accelerated' | 'webassembly' | 'portable';
  readonly store: StoreId;
  /** Proof of work that the carrier requires. */
  readonly minimumPow: number;
  /** In which sessions messages are, and whether they are sealed. Default: those of deployed peers. */
  readonly suite?: 'deployed' | 'hybrid' | 'sealed' | undefined;
}
