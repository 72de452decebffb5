import {
  type BundleCandidate,
  type BundleDirectory,
  type BundleDirectoryCapabilities,
  copyBytes,
  encodeHex,
  type NameResolver,
  type PublicKey,
  SottoError,
} from '@sotto/core';
import { decodeBundle } from '@sotto/protocol-codec';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import { vi } from 'vitest';
import { type Party, quiet } from '../party.js';
import { rest } from '../support.js';

/** What a directory has published, and how it behaves. */
export interface Place {
  readonly published: Map<string, { readonly bundle: Uint8Array; readonly sequence: bigint }>;
  /** The devices in each publication, in order: `alice-1 v1, alice-2 v3`. */
  readonly log: string[];
  finds: number;
  /** What each call throws, while set. */
  failure: SottoError | undefined;
  /** Waited for before each call ends. */
  held: Promise<unknown> | undefined;
  /** What it gives instead of what was published. */
  answer: (() => readonly BundleCandidate[] | Promise<readonly BundleCandidate[]>) | undefined;
  /** Signals of the calls that were made. */
  readonly signals: AbortSignal[];
  /** As one of those who look here sees it. */
  directory(): BundleDirectory;
}

export const unavailable = (directory = 'place') =>
  new SottoError('DIRECTORY_UNAVAILABLE', 'It does not answer.', { directory, reason: 'switched off' });

/** A directory in memory that keeps one bundle of each identity. */
export function newPlace(name = 'place', capabilities: Partial<BundleDirectoryCapabilities> = {}): Place {
  const behave = async (signal: AbortSignal | undefined) => {
    if (signal !== undefined) place.signals.push(signal);
    await place.held;
    if (place.failure !== undefined) throw place.failure;
  };
  const place: Place = {
    published: new Map(),
    log: [],
    finds: 0,
    failure: undefined,
    held: undefined,
    answer: undefined,
    signals: [],
    directory: () => ({
      name,
      capabilities: { publishing: 'free', updatedBy: 'identity-key', maxBundleBytes: 4096, ...capabilities },
      async find(identity, { signal } = {}) {
        place.finds++;
        await behave(signal);
        if (place.answer !== undefined) return place.answer();
        const one = place.published.get(encodeHex(identity));
        return one === undefined ? [] : [{ bundle: copyBytes(one.bundle), source: name }];
      },
      async publish({ identity, bundle, sequence }, { signal } = {}) {
        await behave(signal);
        const key = encodeHex(identity.publicKey);
        const before = place.published.get(key);
        if (before !== undefined && sequence < before.sequence) {
          const details = { timestamp: sequence, known: before.sequence };
          throw new SottoError('BUNDLE_STALE', 'A newer one is there.', details);
        }
        place.published.set(key, { bundle: copyBytes(bundle), sequence });
        place.log.push(devicesOf(bundle));
      },
    }),
  };
  return place;
}

/** `alice-1 v1, alice-2 v3` */
function devicesOf(bundle: Uint8Array): string {
  return [...decodeBundle(bundle).signedPreKeys]
    .map(([installationId, { version }]) => `${installationId} v${version}`)
    .sort()
    .join(', ');
}

/** A resolver of names that points where a test wants; `undefined` is a name that nobody has. */
export function newNames(keys: Map<string, PublicKey>): NameResolver & { failure: SottoError | undefined } {
  const names = {
    failure: undefined as SottoError | undefined,
    async resolve(typed: string) {
      if (names.failure !== undefined) throw names.failure;
      const name = typed.trim().toLowerCase();
      const identity = keys.get(name);
      return identity === undefined
        ? ({ state: 'absent', name } as const)
        : ({ state: 'found', name, identity } as const);
    },
    async primaryName(address: string) {
      return address.startsWith('0xa') ? 'alice.eth' : undefined;
    },
  };
  return names;
}

/** Waits until nothing is on its way, between parties or in what they do by themselves. */
export async function settle(network: MemoryNetwork, ...parties: readonly Party[]): Promise<void> {
  await quiet(network, ...parties);
  // What is loaded when it is first needed takes a while.
  await vi.dynamicImportSettled();
  await rest();
  await quiet(network, ...parties);
  await rest();
}
