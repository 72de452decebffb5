import type { KeyPair, PublicKey, Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { type DecryptOutcome, type Device, type DeviceLimits, openDevice } from '@sotto/device';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from './support.js';

export const crypto = defaultProvider();
export const START = Date.parse('2026-11-23T12:00:00Z');
export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A store that stays open when it is closed, so that the device on it can be opened again. */
export function keptView(store: Store): Store {
  return {
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: (writes, options) => store.commit(writes, options),
    close: async () => {},
  };
}

/** A new store in memory, with such views of it. */
export function keptStore(): { readonly store: Store; readonly view: () => Store } {
  const store = createMemoryStore();
  return { store, view: () => keptView(store) };
}

/** Everything a store holds, as text: two equal dumps are two byte-identical states. */
export async function dump(store: Store): Promise<string> {
  const lines: string[] = [];
  for await (const { key, value } of store.list('')) lines.push(`${key} ${value.join()}`);
  return lines.join('\n');
}

/** A device with its store and clock. */
export interface Node {
  readonly name: string;
  readonly identity: KeyPair;
  readonly store: Store;
  readonly clock: ReturnType<typeof manualClock>;
  device: Device;
  reopen(): Promise<void>;
}

/** Opens a device with a new store. */
export async function newNode(
  name: string,
  options: {
    readonly identity?: KeyPair;
    readonly clock?: ReturnType<typeof manualClock>;
    readonly limits?: Partial<DeviceLimits>;
  } = {},
): Promise<Node> {
  const identity = options.identity ?? crypto.secp256k1.generateKeyPair();
  const clock = options.clock ?? manualClock(START);
  const { store, view } = keptStore();
  const open = () =>
    openDevice({
      identity,
      installationId: name,
      store: view(),
      crypto,
      clock,
      ...(options.limits && { limits: options.limits }),
    });
  const node: Node = {
    name,
    identity,
    store,
    clock,
    device: await open(),
    async reopen() {
      await node.device.close();
      node.device = await open();
    },
  };
  return node;
}

/** Hands a message to a device. */
export function read(to: Node, from: PublicKey, message: Uint8Array): Promise<DecryptOutcome> {
  return to.device.transaction((tx) => to.device.decrypt(tx, from, message));
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
