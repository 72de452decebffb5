import { copyBytes, SerialQueue, type Store, type Write } from '@sotto/core';

/**
 * A double of a store under which the power may be cut. Relaxed commits wait in memory until a strict one or `sync` brings all of
 * them to the disk, one after another: a process that is killed loses them as a power cut may, whereas the page cache of a
 * machine that goes on would keep them.
 * @param memory an empty store that drops everything when it is closed
 * @param disk where the records are; closed with the double
 */
export async function createPowerCutStore<D extends Store>(memory: Store, disk: D): Promise<D> {
  const queue = new SerialQueue();
  const waiting: (readonly Write[])[] = [];
  for await (const { key, value } of disk.list('')) await memory.commit([{ type: 'put', key, value }]);

  async function writeOut(): Promise<void> {
    for (let writes = waiting[0]; writes !== undefined; writes = waiting[0]) {
      await disk.commit(writes);
      waiting.shift();
    }
  }

  const double: Store = {
    get: (key) => memory.get(key),
    list: (prefix, options) => memory.list(prefix, options),
    commit: (writes, options) =>
      queue.run(async () => {
        const revision = await memory.commit(writes, options);
        waiting.push(writes.flatMap(toWrite));
        if (options?.durability !== 'relaxed') await writeOut();
        return revision;
      }),
    sync: () => queue.run(writeOut),
    close: () =>
      queue.run(async () => {
        await writeOut();
        await memory.close();
        await disk.close();
      }),
  };
  return new Proxy(disk, {
    get(target, name) {
      const value: unknown = Reflect.get(name in double ? double : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What a write changes, which the memory has checked. */
function toWrite(write: Write): Write[] {
  if (write.type === 'check') return [];
  const { type, key } = write;
  return [type === 'put' ? { type, key, value: copyBytes(write.value) } : { type, key }];
}
