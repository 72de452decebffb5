import { SottoError, type Store, type Write } from '@sotto/core';
import { Decisions, demand, type FuzzTarget } from '@sotto/testing/fuzz';
import { randomBytes } from '@sotto/testing/random';
import { dump, keptView } from '@sotto/testing/stores';
import { createEncryptedStore } from '../../src/encrypted.js';
import { createMemoryStore } from '../../src/memory.js';

const NAMES = 6;
const nameAt = (i: number) => `table/${i}`;

/** Commits, restarts and damage below, against a store without encryption: the same contents, or a typed error. */
export default {
  about: 'an encrypted store against a model, with damage to what is stored below',
  isAsync: true,
  *seeds() {
    yield Uint8Array.of(0, 1, 1, 5, 0, 2, 2, 6, 1, 0, 1, 1, 7, 2);
    yield Uint8Array.of(0, 1, 1, 5, 1, 3, 4, 9, 0, 0);
  },
  async run(data) {
    const inner = createMemoryStore();
    const model = createMemoryStore();
    const decisions = new Decisions(data);
    let store: Store = await open(inner);
    // A changed cost of the passphrase would be tried, up to its limit.
    const head = new Set(await keysOf(inner));
    for (let steps = 0; steps < 24 && !decisions.isAtEnd; steps++) {
      switch (decisions.below(4)) {
        case 0:
        case 1: {
          const writes = batch(decisions);
          const [one, other] = [await attempt(store.commit(writes)), await attempt(model.commit(writes))];
          demand(one === other, 'A commit ends otherwise than in the model.');
          break;
        }
        case 2:
          await store.close();
          store = await open(inner);
          break;
        default: {
          if (!(await damage(inner, head, decisions))) break;
          await store.close();
          store = await open(inner);
          // Either it is noticed, or what is read is what was written. A listing doesn't notice what is missing.
          for (let i = 0; i < NAMES; i++) {
            const [read, written] = [await store.get(nameAt(i)), await model.get(nameAt(i))];
            demand(
              String(read?.value) === String(written?.value),
              'Damage is read as if it had been written.',
            );
          }
        }
      }
    }
    demand((await dump(store)) === (await dump(model)), 'The contents are not those of the model.');
  },
} satisfies FuzzTarget;

function open(inner: Store): Promise<Store> {
  return createEncryptedStore({
    store: keptView(inner),
    passphrase: 'correct horse',
    randomBytes,
    passphraseCost: { memoryKiB: 8, passes: 1 },
  });
}

function batch(decisions: Decisions): Write[] {
  const writes = new Map<string, Write>();
  for (let left = 1 + decisions.below(3); left > 0; left--) {
    const name = nameAt(decisions.below(NAMES));
    const kind = decisions.below(4);
    if (kind === 0) writes.set(name, { type: 'delete', key: name });
    else
      writes.set(name, {
        type: 'put',
        key: name,
        value: decisions.bytes(40),
        ...(kind === 1 && { expect: 'absent' as const }),
      });
  }
  return [...writes.values()];
}

async function attempt(commit: Promise<unknown>): Promise<string> {
  try {
    await commit;
    return 'done';
  } catch (error) {
    if (error instanceof SottoError) return error.code;
    throw error;
  }
}

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}

/** Changes one byte of one record below, or removes it. */
async function damage(inner: Store, head: ReadonlySet<string>, decisions: Decisions): Promise<boolean> {
  const records: { readonly key: string; readonly value: Uint8Array }[] = [];
  for await (const { key, value } of inner.list('')) if (!head.has(key)) records.push({ key, value });
  const record = records[decisions.byte() % Math.max(1, records.length)];
  if (record === undefined) return false;
  const at = decisions.byte();
  if (at === 255 || record.value.length === 0) {
    await inner.commit([{ type: 'delete', key: record.key }]);
    return true;
  }
  const value = record.value.slice();
  value[at % value.length] = (value[at % value.length] as number) ^ (1 + decisions.below(255));
  await inner.commit([{ type: 'put', key: record.key, value }]);
  return true;
}
