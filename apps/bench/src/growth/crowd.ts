import { decodeHex, encodeHex, type KeyPair, systemClock } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { openDevice } from '@sotto/device';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { memberSyncTable } from '@sotto/messenger/internal';
import { encodeContactCode } from '@sotto/protocol-codec';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { settledMemory, usedMemory } from './memory.js';
import { PostOffice } from './post-office.js';
import { each, type Spent, timed } from './stopwatch.js';
import { type GrowthStore, openGrowthStore } from './stores.js';

const BYTES = 1024;

export interface CrowdOptions {
  readonly kind: GrowthStore;
  readonly path: string;
  readonly devices: number;
  readonly sizes: readonly number[];
  /** Whether groups are written to under sender keys. Default false. */
  readonly senderKeys?: boolean | undefined;
}

/** Peers with a session on every device, and groups of the first of them. */
export class Crowd {
  readonly kind: GrowthStore;
  readonly devices: number;
  readonly sizes: readonly number[];
  readonly #crypto: CryptoProvider;
  readonly #path: string;
  readonly #identity: KeyPair;
  readonly #members: readonly Uint8Array[];
  readonly #groups: ReadonlyMap<number, string>;
  readonly #payload: Uint8Array;
  #messenger: Messenger;

  private constructor(
    crypto: CryptoProvider,
    { kind, devices, sizes, path }: CrowdOptions,
    identity: KeyPair,
    members: readonly Uint8Array[],
    groups: ReadonlyMap<number, string>,
    messenger: Messenger,
  ) {
    this.kind = kind;
    this.devices = devices;
    this.sizes = sizes;
    this.#crypto = crypto;
    this.#path = path;
    this.#identity = identity;
    this.#members = members;
    this.#groups = groups;
    this.#payload = crypto.randomBytes(BYTES);
    this.#messenger = messenger;
  }

  static async gather(crypto: CryptoProvider, options: CrowdOptions): Promise<Crowd> {
    const identity = crypto.secp256k1.generateKeyPair();
    const messenger = await openMessenger(crypto, options, identity);
    const members: Uint8Array[] = [];
    for (let i = 0; i < (options.sizes.at(-1) as number); i++) {
      const { identity: member } = await messenger.contacts.add(contactCode(crypto, options.devices));
      members.push(member);
    }
    await messenger.start();
    const groups = new Map<number, string>();
    for (const size of options.sizes) {
      const { group } = await messenger.groups.create('', members.slice(0, size));
      // Before the next one, so that the outbox has room for what members are told.
      await messenger.flushed();
      groups.set(size, group.id);
    }
    return new Crowd(crypto, options, identity, members, groups, messenger);
  }

  /** Cost per member, until everything was passed to the transport. */
  async timeGroup(size: number, leastCopies: number): Promise<Spent> {
    const messages = Math.ceil(leastCopies / size);
    const spent = await timed(async () => {
      for (let i = 0; i < messages; i++) await this.#sendTo(size);
    });
    return each(spent, messages * size);
  }

  /** Cost of a message to all members at once, until it was passed to the transport. */
  async timeWhole(size: number, messages: number): Promise<Spent> {
    const spent = await timed(async () => {
      for (let i = 0; i < messages; i++) await this.#post(size);
      await this.#messenger.flushed();
    });
    return each(spent, messages);
  }

  /** Cost of removing a member, until all others were told and have a new sender key. The member is added again. */
  async timeRemoval(size: number): Promise<Spent> {
    const groupId = this.#groups.get(size) as string;
    const member = this.#members[size - 1] as Uint8Array;
    const spent = await timed(async () => {
      await this.#messenger.groups.remove(groupId, [member]);
      await this.#messenger.flushed();
    });
    await this.#messenger.groups.add(groupId, [member]);
    await this.#messenger.flushed();
    return spent;
  }

  /** Cost of a message to one of the first members, until it was passed to the transport. */
  async timeSingles(members: number, leastCopies: number): Promise<Spent> {
    const turns = Math.ceil(leastCopies / members);
    const spent = await timed(async () => {
      for (let turn = 0; turn < turns; turn++) {
        for (const member of this.#members.slice(0, members)) {
          await this.#messenger.send(member, this.#payload);
        }
        await this.#messenger.flushed();
      }
    });
    return each(spent, turns * members);
  }

  /** Peak of additional bytes in use, sampled between commits. */
  async mostMemory(size: number): Promise<number> {
    const before = await settledMemory();
    let most = 0;
    await this.#sendTo(size, () => {
      most = Math.max(most, usedMemory() - before);
    });
    return most;
  }

  /** Simulates a message to each group from every device, after which group changes are not repeated. */
  async hearAll(): Promise<void> {
    const devices = new Map<string, readonly string[]>();
    for (const member of this.#members) {
      const known = await this.#messenger.devices.list(member);
      devices.set(
        encodeHex(member),
        known.map(({ installationId }) => installationId),
      );
    }
    const groups = await this.#messenger.groups.list();
    await this.#messenger.close();
    const store = await openGrowthStore(this.kind, this.#path);
    const device = await openDevice({
      identity: this.#identity,
      store,
      crypto: this.#crypto,
      clock: systemClock,
    });
    await device.transaction(async (tx) => {
      for (const { id, members, membershipHash } of groups) {
        const ackedHash = decodeHex(membershipHash);
        for (const member of members.map(encodeHex)) {
          const synced = (devices.get(member) ?? []).map((installationId) => ({
            installationId,
            ackedHash,
            sentHash: new Uint8Array(0),
            sentAt: 0n,
          }));
          tx.put(
            memberSyncTable,
            { devices: synced, askedAt: 0n, answeredAt: 0n, chainsAskedAt: 0n, chainsAnsweredAt: 0n },
            id,
            member,
          );
        }
      }
    });
    await device.close();
    this.#messenger = await openMessenger(
      this.#crypto,
      { kind: this.kind, path: this.#path },
      this.#identity,
    );
    await this.#messenger.start();
    await this.#messenger.flushed();
  }

  async close(): Promise<void> {
    await this.#messenger.close();
  }

  async #sendTo(size: number, onProgress = () => {}): Promise<void> {
    await this.#post(size, onProgress);
    await this.#messenger.flushed();
  }

  async #post(size: number, onProgress = () => {}): Promise<void> {
    const { members } = await this.#messenger.send(
      { kind: 'group', groupId: this.#groups.get(size) as string },
      this.#payload,
      {
        onProgress,
      },
    );
    if (members.some(({ result }) => 'failed' in result)) throw new Error('a member was not encrypted for');
  }
}

async function openMessenger(
  crypto: CryptoProvider,
  { kind, path, senderKeys = false }: Pick<CrowdOptions, 'kind' | 'path' | 'senderKeys'>,
  identity: KeyPair,
): Promise<Messenger> {
  const store = await openGrowthStore(kind, path);
  return createMessenger({
    identity,
    store,
    transport: new PostOffice(senderKeys),
    limits: { senderKeysFrom: 2 },
    crypto,
    postQuantum: false,
  });
}

/** The contact code of a new peer. */
function contactCode(crypto: CryptoProvider, devices: number): string {
  const signedPreKeys = new Map(
    Array.from({ length: devices }, () => [
      encodeHex(crypto.randomBytes(8)),
      {
        signedPreKey: crypto.secp256k1.generateKeyPair().publicKey,
        version: 1,
        protocolVersion: 1,
      },
    ]),
  );
  const timestamp = bundleTimestamp(Date.now());
  return encodeContactCode(
    signBundle(crypto, crypto.secp256k1.generateKeyPair(), { signedPreKeys, timestamp }),
  );
}
