/**
 * A process that commits and says so: `open`, then `done 1`, `failed 2 STORE_UNAVAILABLE`, ... line by line on stdout,
 * each before the next commit begins; after the last, or never, `finished`.
 *
 * Arguments: kind of store, directory, number of commits, bytes of each, a file to delete after five failures in a
 * row (or `-`).
 */
import { rmSync, writeSync } from 'node:fs';
import { encodeUtf8, isSottoError } from '@sotto/core';
import { type DiskStore, openStore } from './open-store.js';

const [kind, directory, commits, bytes, ballast] = process.argv.slice(2) as [
  DiskStore,
  string,
  string,
  string,
  string,
];
// Synchronous, so that what was said was said when the process is killed.
const say = (line: string) => writeSync(1, `${line}\n`);

const store = await openStore(kind, directory);
const begin = Number(new TextDecoder().decode((await store.get('a'))?.value ?? encodeUtf8('0'))) + 1;
say('open');
let failures = 0;
for (let i = begin; i < begin + Number(commits); i++) {
  const text = encodeUtf8(String(i));
  try {
    await store.commit([
      { type: 'put', key: 'a', value: text },
      { type: 'put', key: `log/${String(i).padStart(9, '0')}`, value: new Uint8Array(Number(bytes)).fill(i) },
      { type: 'put', key: 'b', value: text },
    ]);
    say(`done ${i}`);
  } catch (error) {
    say(`failed ${i} ${isSottoError(error) ? error.code : error}`);
    // Reading goes on or says that it can't.
    await store.get('a').then(
      () => say('read'),
      (reason) => say(`unread ${isSottoError(reason) ? reason.code : reason}`),
    );
    if (++failures === 5 && ballast !== '-') rmSync(ballast);
  }
}
await store.close();
say('finished');
