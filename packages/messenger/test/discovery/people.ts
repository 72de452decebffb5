import { type BundleDirectory, type Clock, type KeyPair, type NameResolver, systemClock } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { keptView } from '@sotto/testing/stores';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import { vi } from 'vitest';
import { createMessenger, type LookUpResult, type LookUpTarget, type Messenger } from '../../src/index.js';
import { bytesOf, crypto, textOf } from '../world.js';

/** Whom they are found by, and where. */
export interface PersonOptions {
  readonly identity?: KeyPair;
  readonly installationId?: string;
  readonly directories?: readonly BundleDirectory[];
  readonly names?: NameResolver;
  readonly clock?: Clock;
  /** Of the signed prekey, in milliseconds. */
  readonly preKeyLifetimeMs?: number;
  /** How far back topics are queried, in milliseconds. Default 1: what others have put there is too old to be found. */
  readonly lookUpMs?: number;
}

/** Somebody with a messenger that goes by the real time, beside real nodes. */
export class Person {
  readonly identity: KeyPair;
  readonly #network: MemoryNetwork;
  readonly #options: PersonOptions;
  #store = createMemoryStore();
  #messenger: Messenger | undefined;
  /** What they read, with its protection: `hello dr`. */
  readonly texts: string[] = [];
  /** Names of directories that our bundle was published in. */
  readonly published: string[] = [];

  constructor(network: MemoryNetwork, options: PersonOptions = {}) {
    this.identity = options.identity ?? crypto.secp256k1.generateKeyPair();
    this.#network = network;
    this.#options = options;
  }

  get messenger(): Messenger {
    return this.#messenger as Messenger;
  }

  /** Comes online. Resolves when the bundle is published, if it has to be. */
  async start(changed: Partial<PersonOptions> = {}): Promise<void> {
    const {
      installationId,
      directories,
      names,
      clock,
      preKeyLifetimeMs,
      lookUpMs = 1,
    } = { ...this.#options, ...changed };
    const messenger = await createMessenger({
      identity: this.identity,
      store: keptView(this.#store),
      transport: this.#network.transport(),
      crypto,
      installationId,
      directories,
      names,
      clock,
      limits: {
        lookUpMs,
        directoryRetryMs: 500,
        ...(preKeyLifetimeMs !== undefined && { preKeyLifetimeMs }),
      },
    });
    this.#messenger = messenger;
    messenger.on('message', async (message) => {
      this.texts.push(`${textOf(message.payload)} ${message.protection}`);
      await message.acknowledge();
    });
    messenger.on('bundlePublished', ({ directory }) => void this.published.push(directory));
    await messenger.start();
  }

  /** Waits until so many publications were made since it was made. */
  async hasPublished(times: number): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.published.length < times) throw new Error(`published ${this.published.length} times`);
      },
      { timeout: 60_000, interval: 50 },
    );
  }

  async goOff(): Promise<void> {
    await this.#messenger?.close();
    this.#messenger = undefined;
  }

  /** The store is gone, and with it all sessions and prekeys. */
  loseStore(): void {
    this.#store = createMemoryStore();
  }

  /** Looks somebody up and writes to them. @returns how it was protected for each device, and the answers */
  async writeTo(
    who: LookUpTarget,
    text: string,
  ): Promise<{ readonly sent: string[]; readonly result: LookUpResult }> {
    const result = await this.messenger.contacts.lookUp(who);
    if (result.identity === undefined) throw new Error('nobody was found');
    const { devices } = await this.messenger.send(result.identity, bytesOf(text));
    await this.messenger.flushed();
    return { sent: devices.map((device) => ('sent' in device ? device.sent : device.failed.code)), result };
  }

  /** The version of the prekey that they know of each of somebody's devices. */
  async preKeysOf(other: Person): Promise<Record<string, number>> {
    const devices = await this.messenger.devices.list(other.identity.publicKey);
    return Object.fromEntries(
      devices.map(({ installationId, preKeyVersion }) => [installationId, preKeyVersion]),
    );
  }

  /** Waits for a text. */
  async hasRead(text: string): Promise<void> {
    await vi.waitFor(
      () => {
        if (!this.texts.some((one) => one.startsWith(`${text} `))) throw new Error(`read ${this.texts}`);
      },
      { timeout: 30_000, interval: 20 },
    );
  }
}

/** The real time, off by so much. */
export function clockOff(milliseconds: number): Clock {
  return { now: () => systemClock.now() + milliseconds, after: systemClock.after };
}

/** Milliseconds that something takes, and what it gives. */
export async function timed<T>(run: () => Promise<T>): Promise<readonly [number, T]> {
  const before = performance.now();
  const result = await run();
  return [performance.now() - before, result];
}
