import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, expect, it } from 'vitest';
import { additions, positionAt } from '../src/archive/archive-key.js';
import { readByTopics } from '../src/archive/archive-reader.js';
import { createLevel, type Level } from '../src/archive/level.js';

const topic = Uint8Array.of(1, 2, 3, 4);
const MIB = 1024 * 1024;
const path = temporaryDirectory(afterAll);

it('reads no more from the disk than a page may have, however large and many the envelopes of a topic are', async () => {
  const level = createLevel(path);
  await level.open();
  const [count, size] = [200, MIB / 4];
  for (let i = 0; i < count; i++) {
    const hash = new Uint8Array(32).fill(i);
    await level.batch(additions(topic, positionAt(1_000 + i, hash), new Uint8Array(size).fill(i)));
  }
  const reads: number[] = [];
  const counted = new Proxy(level, {
    get(target, name) {
      if (name !== 'getMany') {
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (keys: Uint8Array[]) => {
        const values = await target.getMany(keys);
        reads.push(values.reduce((sum, value) => sum + (value?.length ?? 0), 0));
        return values;
      };
    },
  }) as Level;

  const found: number[] = [];
  let cursor = new Uint8Array(0);
  do {
    reads.length = 0;
    const query = { topics: [topic], from: 0, to: 2 ** 32 - 1, limit: 1_000, cursor };
    const page = await readByTopics(counted, query);
    found.push(...page.envelopes.map(({ bytes }) => bytes[0] as number));
    expect(reads.reduce((sum, read) => sum + read, 0)).toBeLessThanOrEqual(8 * MIB);
    cursor = new Uint8Array(page.cursor);
  } while (cursor.length > 0);
  expect(found).toEqual(Array.from({ length: count }, (_, i) => i));
  await level.close();
});
