// The app: the suite of stores over AsyncStorage, and a message.
import { storeCases } from '@sotto/compliance/store';
import { asyncStorageFixture } from './async-storage.mjs';
import { talk } from './talk.mjs';

async function run() {
  await talk({ stores: await Promise.all([asyncStorageFixture().open(), asyncStorageFixture().open()]) });
  if (globalThis.messageOnly) return 'a message over AsyncStorage';
  const cases = storeCases({ exclusive: false, records: 50 });
  for (const { run } of cases) await run(asyncStorageFixture());
  return `a message; ${cases.length} cases of a store over AsyncStorage`;
}

run().then(
  (done) => globalThis.report(`did: ${done}`),
  (error) => globalThis.report(`failed: ${error.stack ?? error}`),
);
