import process from 'node:process';
import type { Store } from '@sotto/core';

/** At which commit, counted from 1, and on which side of it; never by default. */
export interface Death {
  readonly killAt?: number;
  readonly killWhen?: 'before' | 'after';
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

/** A store in which the process dies at one of its commits, before or after it took effect. */
export function killing<S extends Store>(store: S, { killAt, killWhen }: Death): S {
  let commits = 0;
  const commit: Store['commit'] = async (writes, options) => {
    const dies = ++commits === killAt;
    if (dies && killWhen === 'before') await die();
    const revision = await store.commit(writes, options);
    if (dies) await die();
    return revision;
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
