import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Host, WakuHost } from '../src/waku.js';

const SERVERS = ['one', 'two', 'three'].map((id) => `/ip4/127.0.0.1/tcp/1/p2p/${id}`);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A node that only counts whom it is connected to. */
function scripted() {
  const connected = new Set<string>();
  let isRunning = false;
  const hooks = { onHangUp: () => {} };
  const node: Host = {
    libp2p: {
      getConnections: () => [...connected].map((remotePeer) => ({ remotePeer })),
      hangUp: async (peer) => {
        connected.delete(String(peer));
        hooks.onHangUp();
      },
    },
    start: async () => {
      isRunning = true;
    },
    stop: async () => {
      isRunning = false;
    },
    dial: async (address) => {
      const [, id] = address.split('/p2p/');
      if (id === 'two') throw new Error('refused');
      connected.add(id as string);
    },
  };
  const option = {
    kind: 'waku',
    mode: 'light',
    servers: SERVERS,
    cluster: 16,
    shard: 32,
    packages: undefined,
  } as const;
  const host = new WakuHost(node, option, '/waku/2/rs/16/32');
  return {
    host,
    hooks,
    connected: () => [...connected],
    drop: (id: string) => connected.delete(id),
    isRunning: () => isRunning,
  };
}

it('a Waku node dials its servers again that it lost', async () => {
  const { host, connected, drop, isRunning } = scripted();
  await host.start();
  expect(connected()).toEqual(['one', 'three']);
  drop('one');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(connected()).toEqual(['three', 'one']);
  await host.stop();
  expect([connected(), isRunning(), vi.getTimerCount()]).toEqual([[], false, 0]);
});

it('a Waku node leaves servers that are silent, for one after the other alone, and stays with the first that answers', async () => {
  const { host, hooks, connected } = scripted();
  await host.start();
  host.onStatus('reconnecting');
  hooks.onHangUp = () => {
    host.onStatus('connected');
    queueMicrotask(() => host.onStatus('reconnecting'));
  };
  await vi.advanceTimersByTimeAsync(59_000);
  expect(connected()).toEqual(['one', 'three']);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(connected()).toEqual(['one']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connected()).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(connected()).toEqual(['three']);
  host.onStatus('connected');
  await vi.advanceTimersByTimeAsync(600_000);
  expect(connected()).toEqual(['three']);
  await host.stop();
  expect(vi.getTimerCount()).toBe(0);
});
