import { encodeHex, type PublicKey, type StoredEntry } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { decodeRecord, undamaged } from '@sotto/device/internal';
import { decodeOwnChain, encodeMemberChain, MemberChain } from '@sotto/sender-keys';
import { MemberChainRecord } from '../generated/sotto/messenger/v1/groups.js';
import { memberChainTable, ownChainTable } from '../groups/tables.js';
import type { KnownEntry } from './entries.js';

type RecordEntry = Extract<KnownEntry, { readonly kind: 'record' }>;

/**
 * How far this device has written on its chains of groups, as the new device keeps chains of others: what it wrote moves with the backup, and
 * is not to come again when another device of ours gives the new one the chain.
 * @param records of {@link ownChainTable}
 */
export async function* ownChainsOf(
  crypto: CryptoProvider,
  identity: PublicKey,
  records: AsyncIterable<StoredEntry>,
): AsyncGenerator<RecordEntry> {
  for await (const { key, value } of records) {
    const [, groupId = ''] = key.split('/');
    // One that is damaged is replaced by this device, too.
    const record = await undamaged((async () => decodeRecord(crypto, ownChainTable, key, value))());
    for (const one of record?.chains ?? []) {
      const { chain, index } = decodeOwnChain(one.state);
      const read = new MemberChain({ chain, first: 0, index, chainKey: new Uint8Array(32), skipped: [] });
      const moved = {
        ...MemberChainRecord.decode(new Uint8Array(0)),
        state: encodeMemberChain(read),
        moved: true,
      };
      yield {
        kind: 'record',
        table: memberChainTable.name,
        segments: [groupId, encodeHex(identity), encodeHex(chain)],
        value: memberChainTable.encode(moved),
      };
    }
  }
}
