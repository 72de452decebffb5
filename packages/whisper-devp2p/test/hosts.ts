import { encodeHex } from '@sotto/core';
import type { PooledEnvelope } from '@sotto/whisper-transport/whisper';
import { afterEach } from 'vitest';
import {
  createWhisperHost,
  type WhisperHost,
  type WhisperHostOptions,
  type WhisperPeer,
} from '../src/index.js';
import { crypto } from './envelopes.js';

export interface TestHost extends WhisperHost {
  /** Envelopes that came in, in their order. */
  readonly taken: PooledEnvelope[];
  /** Resolves when an envelope is in the pool. */
  has(bytes: Uint8Array): Promise<void>;
  /** Resolves when so many envelopes have come in. */
  count(most: number): Promise<void>;
  /** Resolves when so many peers are connected. */
  connected(count: number): Promise<void>;
  /** Reasons for which peers went. */
  readonly gone: string[];
  /** Resolves when so many peers have gone since it was made. */
  lost(count: number): Promise<void>;
  /** Whether it has an envelope. */
  holds(bytes: Uint8Array): boolean;
}

const open: WhisperHost[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((host) => host.close()));
});

/** Resolves when `condition` holds; `changed` has to be called whenever it may. */
export function waiter() {
  const waiting = new Set<() => void>();
  return {
    changed: () => {
      for (const look of [...waiting]) look();
    },
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** A host that listens on loopback; closed after the test. */
export async function testHost(options: WhisperHostOptions = {}): Promise<TestHost> {
  const { changed, until } = waiter();
  const gone: string[] = [];
  const host = await createWhisperHost({
    crypto,
    listen: { port: 0 },
    mode: 'full',
    backOff: { first: 20, most: 200 },
    send: { gather: 1 },
    ...options,
    onPeer: (peer: WhisperPeer) => {
      options.onPeer?.(peer);
      changed();
    },
    onPeerGone: (peer: WhisperPeer, reason: string) => {
      options.onPeerGone?.(peer, reason);
      gone.push(reason);
      changed();
    },
  });
  open.push(host);
  const taken: PooledEnvelope[] = [];
  host.pool.subscribe((pooled) => {
    taken.push(pooled);
    changed();
  });
  const nameOf = (bytes: Uint8Array) => encodeHex(crypto.keccak256(bytes));
  const holds = (bytes: Uint8Array) => host.pool.get(nameOf(bytes)) !== undefined;
  return Object.assign(host, {
    taken,
    gone,
    holds,
    has: (bytes: Uint8Array) => until(() => holds(bytes)),
    count: (most: number) => until(() => taken.length >= most),
    connected: (count: number) => until(() => host.peers.length === count),
    lost: (count: number) => until(() => gone.length >= count),
  });
}

export function urlOf(host: WhisperHost): string {
  if (host.enode === undefined) throw new Error('it does not listen');
  return host.enode;
}
