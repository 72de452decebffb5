import { createIndexedDbStore } from '@sotto/store-adapters/indexeddb';
import { checkRuntime } from './checks.mjs';
import { report } from './page.mjs';

let fixtures = 0;
const fixture = () => {
  const name = `fixture-${fixtures++}`;
  return { open: () => createIndexedDbStore({ name }) };
};
const relay = new URLSearchParams(location.search).get('relay');
report(checkRuntime(relay, { IndexedDB: { fixture } }));
