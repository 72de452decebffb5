/** A process that has a store open until its stdin ends, then closes it. Arguments: kind of store, directory. */
import { writeSync } from 'node:fs';
import { type DiskStore, openStore } from './open-store.js';

const [kind, directory] = process.argv.slice(2) as [DiskStore, string];
const store = await openStore(kind, directory);
writeSync(1, 'open\n');
for await (const _ of process.stdin);
await store.close();
