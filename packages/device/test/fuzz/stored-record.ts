import { createPortableProvider } from '@sotto/crypto';
import type { FuzzTarget } from '@sotto/testing/fuzz';
import { bytesTable, decodeRecord, encodeRecord, type Table } from '../../src/storage/table.js';
import * as tables from '../../src/storage/tables.js';

const crypto = createPortableProvider();
const all = Object.values(tables) as readonly Table<unknown>[];

export default {
  about: 'records of devices: a frame of any bytes, and any bytes in a good frame',
  *seeds() {
    for (const table of all.keys()) {
      yield Uint8Array.of(table);
      yield Uint8Array.of(table + 128, 8, 1, 16, 2);
    }
  },
  run(data) {
    const [which = 0] = data;
    const table = all[(which & 127) % all.length] as Table<unknown>;
    const bytes = data.subarray(1);
    const framed = which < 128 ? bytes : encodeRecord(crypto, bytesTable(table.name), table.name, bytes);
    decodeRecord(crypto, table, table.name, framed);
  },
} satisfies FuzzTarget;
