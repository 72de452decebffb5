// What stores in a PostgreSQL database cost: how long it takes to open many of them, to commit, to take them over from a process that
// was killed, and their memory.
//   node packages/store-adapters/scripts/measure-postgres.mjs postgres:///bench?host=/run/postgresql [STORES]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { openPostgresDatabase } from '../dist/postgres.js';

const [connection, count = '10000', role] = process.argv.slice(2);
if (connection === undefined) {
  console.error('Where is the database? It keeps what is measured: take an empty one.');
  process.exit(2);
}
const names = Array.from({ length: Number(count) }, (_, i) => `store ${i}`);

async function timed(what, run) {
  const begin = performance.now();
  const result = await run();
  console.log(`${what}: ${Math.round(performance.now() - begin)} ms`);
  return result;
}

const openAll = (database, whenLocked) =>
  Promise.all(names.map((name) => database.openStore({ name, whenLocked })));

if (role === 'owner') {
  const database = await openPostgresDatabase({ connection });
  await timed('opened again by another process', () => openAll(database, 'fail'));
  process.send('open');
} else {
  const database = await openPostgresDatabase({ connection });
  global.gc?.();
  const before = process.memoryUsage().heapUsed;
  const stores = await timed(`${names.length} new stores opened`, () => openAll(database, 'fail'));
  global.gc?.();
  console.log(
    `bytes of memory for each: ${Math.round((process.memoryUsage().heapUsed - before) / names.length)}`,
  );
  const value = new Uint8Array(300).fill(7);
  const put = (store, i) => store.commit([{ type: 'put', key: `key ${i % 100}`, value }]);
  const rate = async (what, those, rounds) => {
    const begin = performance.now();
    await Promise.all(
      those.map(async (store) => {
        for (let i = 0; i < rounds; i++) await put(store, i);
      }),
    );
    const seconds = (performance.now() - begin) / 1000;
    console.log(`commits a second, ${what}: ${Math.round((those.length * rounds) / seconds)}`);
  };
  await rate('one store', stores.slice(0, 1), 500);
  await rate('a hundred stores at the same time', stores.slice(0, 100), 50);
  await timed('a commit to each', () => Promise.all(stores.map((store) => put(store, 0))));
  await timed('all closed', () => Promise.all(stores.map((store) => store.close())));

  const owner = fork(process.argv[1], [connection, count, 'owner']);
  await once(owner, 'message');
  const waiting = openAll(database, 'wait');
  // Until the first question was answered: nothing is free.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  owner.kill('SIGKILL');
  await timed('all taken over from a process that was killed', () => waiting);
  await database.close();
}
