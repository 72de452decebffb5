import { isSottoError, type KeyPair, type PublicKey, parseInstallationId, type Store } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { secp256k1Suite } from '@sotto/double-ratchet';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { manualClock } from '@sotto/testing/clock';
import { dump, keptView } from '@sotto/testing/stores';
import type { DeviceContext } from '../src/context.js';
import { createHybridSuite } from '../src/hybrid.js';
import {
  DEFAULT_DEVICE_LIMITS,
  type DecryptOutcome,
  type Device,
  type DeviceLimits,
  openDevice,
} from '../src/index.js';
import { NegotiatedSecrets } from '../src/negotiated-secrets.js';
import { SealingKeys } from '../src/sealed/sealing-keys.js';

export { countRecords, dump, keptView } from '@sotto/testing/stores';

export const crypto = defaultProvider();
const hybridSuite = createHybridSuite(crypto);
export const START = Date.parse('2026-11-23T12:00:00Z');
export const bytesOf = (text: string) => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A store, by default a new one in memory, with views of it that leave it open. */
export function keptStore(store = createMemoryStore()): {
  readonly store: Store;
  readonly view: () => Store;
} {
  return { store, view: () => keptView(store) };
}

/** What the parts of a device share, for tests of one of them. */
export function contextOf({
  limits = {},
  ...change
}: Partial<Omit<DeviceContext, 'limits'>> & { readonly limits?: Partial<DeviceLimits> } = {}): DeviceContext {
  const identity = change.identity ?? crypto.secp256k1.generateKeyPair();
  const negotiated = new NegotiatedSecrets(crypto, identity);
  return {
    crypto,
    clock: manualClock(START),
    suite: secp256k1Suite(crypto),
    installationId: parseInstallationId('bob-1'),
    negotiated,
    sealing: new SealingKeys(crypto, identity.publicKey, negotiated),
    hybrid: undefined,
    offersSealed: false,
    ...change,
    identity,
    limits: { ...DEFAULT_DEVICE_LIMITS, ...limits },
  };
}

/** A device with its store and clock. */
export interface Node {
  readonly name: string;
  readonly identity: KeyPair;
  readonly store: Store;
  readonly clock: ReturnType<typeof manualClock>;
  device: Device;
  /** Closes and opens it again. @param speaks the hybrid suite @param sealed messages are offered. Default: as before */
  reopen(speaks?: boolean, sealed?: boolean): Promise<void>;
}

/** Opens a device with a new store. */
export async function newNode(
  name: string,
  options: {
    readonly identity?: KeyPair;
    readonly clock?: ReturnType<typeof manualClock>;
    readonly limits?: Partial<DeviceLimits>;
    /** Whether it speaks the hybrid suite; `reopen` may change it. */
    readonly speaks?: boolean;
    /** Whether it offers sealed messages; `reopen` may change it. */
    readonly sealedSender?: boolean;
    /** What an earlier run left. Default: a new store. */
    readonly store?: Store;
  } = {},
): Promise<Node> {
  const identity = options.identity ?? crypto.secp256k1.generateKeyPair();
  const clock = options.clock ?? manualClock(START);
  const { store, view } = keptStore(options.store);
  const open = (speaks: boolean, sealedSender: boolean) =>
    openDevice({
      identity,
      installationId: name,
      store: view(),
      crypto,
      clock,
      hybrid: speaks ? hybridSuite : undefined,
      sealedSender,
      ...(options.limits && { limits: options.limits }),
    });
  let speaking = options.speaks ?? false;
  let sealing = options.sealedSender ?? false;
  const node: Node = {
    name,
    identity,
    store,
    clock,
    device: await open(speaking, sealing),
    async reopen(speaks = speaking, sealed = sealing) {
      speaking = speaks;
      sealing = sealed;
      await node.device.close();
      node.device = await open(speaks, sealed);
    },
  };
  return node;
}

/** Lets one device know the other's bundle. */
export async function meet(node: Node, other: Node): Promise<void> {
  const bundle = await other.device.transaction((tx) => other.device.bundle(tx));
  await node.device.transaction((tx) => node.device.processBundle(tx, bundle));
}

/** Encrypts a text to an identity. */
export function write(from: Node, to: PublicKey, text: string) {
  return from.device.transaction((tx) => from.device.encryptDirect(tx, to, bytesOf(text)));
}

/** Hands a message to a device. */
export function read(to: Node, from: PublicKey, message: Uint8Array): Promise<DecryptOutcome> {
  return to.device.transaction((tx) => to.device.decrypt(tx, from, message));
}

/** The text that a device reads, with how it was protected: `dr: hello`. */
export async function readText(to: Node, from: Node, message: Uint8Array): Promise<string> {
  const outcome = await read(to, from.identity.publicKey, message);
  return outcome.kind === 'message'
    ? `${outcome.protection}: ${textOf(outcome.payload)}`
    : outcome.kind === 'unreadable'
      ? outcome.reason
      : outcome.kind;
}

/** Sends a text from one device to the other's identity, and gives what the other reads. */
export async function talk(from: Node, to: Node, text: string): Promise<string> {
  const { message } = await write(from, to.identity.publicKey, text);
  return readText(to, from, message);
}

/** The code with which something is refused; the store must be as before. */
export async function refused(node: Node, run: () => Promise<unknown>): Promise<string> {
  const before = await dump(node.store);
  let code = 'no error';
  try {
    await run();
  } catch (error) {
    if (!isSottoError(error)) throw error;
    code = error.code;
  }
  if ((await dump(node.store)) !== before) throw new Error(`refused with ${code}, but the store has changed`);
  return code;
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
