import process from 'node:process';
import type { Store } from '@sotto/core';

/** At which commit or `sync`, counted from 1, and on which side of it; never by default. */
export interface Death {
  readonly killAt?: number;
  readonly killWhen?: 'before' | 'after';
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

/** A store in which the process dies at one of its commits, or where it makes them durable, before or after that took effect. */
export function killing<S extends Store>(store: S, { killAt, killWhen }: Death): S {
  let writes = 0;
  async function write<T>(run: () => Promise<T>): Promise<T> {
    const dies = ++writes === killAt;
    if (dies && killWhen === 'before') await die();
    const result = await run();
    if (dies) await die();
    return result;
  }
  const { sync } = store;
  const deadly: Pick<Store, 'commit' | 'sync'> = {
    commit: (...given) => write(() => store.commit(...given)),
    ...(sync !== undefined && { sync: () => write(() => sync.call(store)) }),
  };
  return new Proxy(store, {
    get(target, name) {
      if (name in deadly) return Reflect.get(deadly, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
