import type { Clock, KeyPair, PublicKey, Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { type DecryptOutcome, type Device, openDevice } from '@sotto/device';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { keptView } from '@sotto/testing/stores';
import { manualClock } from './support.js';

export { dump, keptView } from '@sotto/testing/stores';

export const crypto = defaultProvider();
export const START = Date.parse('2026-11-23T12:00:00Z');
export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A new store in memory, with such views of it. */
export function keptStore(): { readonly store: Store; readonly view: () => Store } {
  const store = createMemoryStore();
  return { store, view: () => keptView(store) };
}

/** A device without a messenger. */
export interface Node {
  readonly identity: KeyPair;
  readonly device: Device;
}

/** Opens a device with a new store. */
export async function newNode(
  installationId: string,
  {
    identity = crypto.secp256k1.generateKeyPair(),
    clock = manualClock(START),
  }: { readonly identity?: KeyPair; readonly clock?: Clock } = {},
): Promise<Node> {
  const store = createMemoryStore();
  return { identity, device: await openDevice({ identity, installationId, store, crypto, clock }) };
}

/** Hands a message to a device. */
export function read(to: Node, from: PublicKey, message: Uint8Array): Promise<DecryptOutcome> {
  return to.device.transaction((tx) => to.device.decrypt(tx, from, message));
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
