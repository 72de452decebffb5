import { createPortableProvider } from '@sotto/crypto';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { dump } from '@sotto/testing/stores';
import { encodePart } from '../../src/backup/entries.js';
import { sealStream } from '../../src/backup/sealed-stream.js';
import { restoreBackup } from '../../src/backup.js';

const crypto = createPortableProvider();
const passphrase = 'a passphrase';
const cost = { memoryKiB: 8, passes: 1 };

/** An odd first byte: the rest is encrypted, as somebody who knows the passphrase could; else it is sent as it is. */
export default {
  about: 'backups, as bytes and as what is in them',
  isAsync: true,
  *seeds() {
    const account = { kind: 'account', privateKey: new Uint8Array(32).fill(1) } as const;
    yield Uint8Array.of(1, ...encodePart([account]));
    yield Uint8Array.of(
      1,
      ...encodePart([account, { kind: 'applicationRecord', key: 'app/x', value: Uint8Array.of(1) }]),
    );
    for (const table of ['contact', 'chat', 'group', 'change', 'blocked', 'peer', 'name'])
      yield Uint8Array.of(
        1,
        ...encodePart([account, { kind: 'record', table, segments: ['01'], value: Uint8Array.of(8, 1) }]),
      );
    yield Uint8Array.of(0, 1, 2, 3);
  },
  async run(data) {
    const bytes = data.slice(1);
    const isSealed = (data[0] ?? 0) % 2 === 1;
    const chunks = isSealed ? sealStream(crypto, passphrase, once(bytes), cost) : once(bytes);
    const store = createMemoryStore();
    try {
      await restoreBackup(chunks, { store, passphrase, crypto });
    } catch (error) {
      demand((await dump(store)) === '', 'A backup that is refused leaves something in the store.');
      throw error;
    }
  },
} satisfies FuzzTarget;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
