import { type Conversations, conversationKey, createConversations } from '@sotto/conversations';
import { encodeHex, type KeyPair, type Logger, type Store, silentLogger, type Transport } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createStatusClient, type StatusClient } from '@sotto/status-messages/client';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type SettableClock, settableClock } from '@sotto/testing/clock';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import { createDeviceSync, type DeviceSync } from '../src/index.js';

const crypto = defaultProvider();

export interface DeviceOptions {
  readonly status?: boolean | undefined;
  /** Without it, there is a messenger with conversations alone. */
  readonly sync?: boolean | undefined;
  readonly store?: Store | undefined;
  readonly logger?: Logger | undefined;
}

/** A device of somebody. */
export interface Device {
  readonly identity: KeyPair;
  readonly name: string;
  readonly clock: SettableClock;
  /** Sizes of the payloads that it has sent, and received. */
  readonly sent: number[];
  readonly received: number[];
  /** What it sends is lost while that is set. */
  isMute: boolean;
  /** Called before each commit; what it throws is the store's failure. */
  beforeCommit: ((keys: readonly string[]) => void) | undefined;
  messenger: Messenger;
  conversations: Conversations;
  status: StatusClient | undefined;
  sync: DeviceSync | undefined;
  open(): Promise<void>;
  stop(): Promise<void>;
}

export const newIdentity = () => crypto.secp256k1.generateKeyPair();

export async function newDevice(
  network: MemoryNetwork,
  name: string,
  identity = newIdentity(),
  options: DeviceOptions = {},
): Promise<Device> {
  const store = options.store ?? createMemoryStore();
  const clock = settableClock();
  const view = (): Store => ({
    get: (key) => store.get(key),
    list: (prefix, listing) => store.list(prefix, listing),
    commit: async (writes, how) => {
      device.beforeCommit?.(writes.map(({ key }) => key));
      return store.commit(writes, how);
    },
    close: async () => {},
  });
  const recording = (inner: Transport): Transport => ({
    capabilities: inner.capabilities,
    connect: async (how) => {
      const connection = await inner.connect({
        ...how,
        onMessage: (message) => {
          device.received.push(message.payload.length);
          return how.onMessage(message);
        },
      });
      return {
        ...connection,
        subscribe: (channels) => connection.subscribe(channels),
        close: () => connection.close(),
        send: async (channel, payload, how) => {
          device.sent.push(payload.length);
          if (!device.isMute) await connection.send(channel, payload, how);
        },
      };
    },
  });
  const device = {
    identity,
    name,
    clock,
    sent: [] as number[],
    received: [] as number[],
    isMute: false,
    beforeCommit: undefined as Device['beforeCommit'],
    sync: undefined as Device['sync'],
    status: undefined as Device['status'],
    messenger: undefined as unknown as Messenger,
    conversations: undefined as unknown as Conversations,
    async open() {
      const kept = view();
      const logger = options.logger ?? silentLogger;
      const transport = recording(network.transport());
      const messenger = await createMessenger({
        identity,
        store: kept,
        transport,
        crypto,
        clock,
        installationId: name,
      });
      device.messenger = messenger;
      device.status = options.status
        ? await createStatusClient({ messenger, store: kept, crypto, identity, clock })
        : undefined;
      const { status } = device;
      device.conversations = await createConversations({ messenger, store: kept, clock, logger, status });
      const { conversations } = device;
      device.sync =
        options.sync === false
          ? undefined
          : await createDeviceSync({ messenger, conversations, store: kept, clock, logger });
      await messenger.start();
    },
    async stop() {
      await device.sync?.close();
      await device.conversations.close();
      await device.status?.close();
      await device.messenger.close();
    },
  };
  await device.open();
  return device;
}

/** Waits until nothing is on its way. */
export async function quiet(network: MemoryNetwork, ...devices: readonly Device[]): Promise<void> {
  for (let round = 0; round < 8; round++) {
    for (const { sync } of devices) await sync?.flush();
    await Promise.all(devices.map(({ messenger }) => messenger.flushed()));
    await network.idle();
    for (const { status } of devices) await status?.settled();
  }
}

/** Enables each device of one identity on all others. */
export async function pair(network: MemoryNetwork, ...devices: readonly Device[]): Promise<void> {
  for (const { messenger } of devices) await messenger.devices.announce();
  await quiet(network, ...devices);
  for (const one of devices)
    for (const other of devices) if (one !== other) await one.messenger.devices.enable(other.name);
  await quiet(network, ...devices);
}

export const direct = ({ identity }: Pick<Device, 'identity'>) =>
  ({ kind: 'direct', peer: identity.publicKey }) as const;

/** All that devices agree on, in a form that can be compared. */
export function stateOf({ conversations, messenger }: Device) {
  return {
    contacts: conversations.contacts().map(({ identity, ...rest }) => [encodeHex(identity), rest]),
    blocked: conversations.blocked().map(({ identity }) => encodeHex(identity)),
    chats: messenger.chats.list(),
    drafts: conversations
      .list()
      .filter(({ draft }) => draft !== '')
      .map(({ conversation, draft }) => [conversationKey(conversation), draft])
      .sort(),
  };
}
