/**
 * A process that commits to a store in PostgreSQL and says so: `open 7` with the number of records that it found, then
 * `done 8`, `failed 9 STORE_LOCKED`, ... line by line on stdout, each before the next commit begins; `handed over` when it is told that
 * another process has the store, and then it ends. Each record holds the name of the process that wrote it.
 *
 * Arguments: address of the database, name of the process.
 */
import { writeSync } from 'node:fs';
import { encodeUtf8, isSottoError } from '@sotto/core';
import { openPostgresDatabase } from '../../src/postgres.js';

const [connection, owner] = process.argv.slice(2) as [string, string];
// Synchronous, so that what was said was said when the process is killed.
const say = (line: string) => writeSync(1, `${line}\n`);

const database = await openPostgresDatabase({ connection });
say('waiting');
const store = await database.openStore({ name: 'shared', whenLocked: 'wait' });
let count = 0;
for await (const _ of store.list('log/')) count++;
say(`open ${count}`);
let handedOver = false;
void store.handedOver.then(() => {
  handedOver = true;
});
for (let i = count; !handedOver; i++) {
  try {
    await store.commit([
      { type: 'put', key: `log/${String(i).padStart(9, '0')}`, value: encodeUtf8(owner), expect: 'absent' },
    ]);
    say(`done ${i}`);
  } catch (error) {
    say(`failed ${i} ${isSottoError(error) ? error.code : error}`);
    i--;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
say('handed over');
await database.close();
