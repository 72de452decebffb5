import type { BundleDirectory, KeyPair, NameResolver, Store, Transport } from '@sotto/core';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import {
  createMessenger,
  type DirectSendResult,
  type Messenger,
  type MessengerEvents,
  type MessengerLimits,
  type ReceivedMessage,
} from '../src/index.js';
import { manualClock } from './support.js';
import { bytesOf, crypto, keptStore, START, textOf } from './world.js';

/** A messenger with an application that notes what it is told. */
export interface Party {
  readonly identity: KeyPair;
  readonly store: Store;
  readonly clock: ReturnType<typeof manualClock>;
  messenger: Messenger;
  /** Texts received, with who wrote them where: `direct bob-1 dr: hello`. */
  readonly texts: string[];
  readonly messages: ReceivedMessage[];
  readonly events: { readonly [K in keyof MessengerEvents]: MessengerEvents[K][] };
  restart(): Promise<void>;
  say(to: Party, text: string): Promise<DirectSendResult>;
}

const EVENTS = [
  'deviceAdded',
  'deviceEnabled',
  'sessionEstablished',
  'sessionReset',
  'preKeyRotated',
  'postQuantumWithdrawn',
  'decryptionFailed',
  'sent',
  'sendFailed',
  'groupChanged',
  'groupChangeLost',
  'status',
  'storageError',
  'storeReplaced',
  'request',
  'accepted',
  'contactChanged',
  'blocked',
  'nameChanged',
  'bundlePublished',
  'bundlePublishFailed',
] as const;

export function labelOf(message: ReceivedMessage): string {
  const { conversation } = message;
  const where =
    conversation.kind === 'public'
      ? conversation.name
      : message.ownCopy
        ? `${conversation.kind} copy`
        : conversation.kind;
  return `${where} ${message.senderInstallation} ${message.protection}: ${textOf(message.payload)}`;
}

/** Starts a party on a network; it acknowledges what it receives unless told otherwise. */
export async function newParty(
  network: MemoryNetwork,
  name: string,
  options: {
    readonly identity?: KeyPair;
    readonly clock?: ReturnType<typeof manualClock>;
    readonly acknowledge?: boolean;
    readonly limits?: Partial<MessengerLimits>;
    readonly start?: boolean;
    readonly wrapStore?: (store: Store) => Store;
    readonly transport?: Transport;
    readonly directories?: readonly BundleDirectory[];
    readonly names?: NameResolver;
    /** Default true, as for applications. */
    readonly postQuantum?: boolean;
    /** Default true, as for applications. */
    readonly sealedSender?: boolean;
  } = {},
): Promise<Party> {
  const identity = options.identity ?? crypto.secp256k1.generateKeyPair();
  const clock = options.clock ?? manualClock(START);
  const { store, view } = keptStore();
  const texts: string[] = [];
  const messages: ReceivedMessage[] = [];
  const events = Object.fromEntries(
    [...EVENTS, 'message'].map((event) => [event, []]),
  ) as unknown as Party['events'];
  const open = async () => {
    const messenger = await createMessenger({
      identity,
      installationId: name,
      store: options.wrapStore?.(view()) ?? view(),
      transport: options.transport ?? network.transport(),
      crypto,
      clock,
      directories: options.directories,
      names: options.names,
      postQuantum: options.postQuantum,
      sealedSender: options.sealedSender,
      ...(options.limits && { limits: options.limits }),
    });
    messenger.on('message', async (message) => {
      texts.push(labelOf(message));
      messages.push(message);
      if (options.acknowledge ?? true) await message.acknowledge();
    });
    for (const event of EVENTS) messenger.on(event, (value) => void (events[event] as unknown[]).push(value));
    if (options.start ?? true) await messenger.start();
    return messenger;
  };
  const party: Party = {
    identity,
    store,
    clock,
    texts,
    messages,
    events,
    messenger: await open(),
    async restart() {
      await party.messenger.close();
      party.messenger = await open();
    },
    say: (to, text) => party.messenger.send(to.identity.publicKey, bytesOf(text)),
  };
  return party;
}

/** Waits until nothing is on its way between parties. */
export async function quiet(network: MemoryNetwork, ...parties: readonly Party[]): Promise<void> {
  // What a delivery sets off may send again, so it is quiet when a whole round changed nothing.
  for (let round = 0; round < 6; round++) {
    await Promise.all(parties.map(({ messenger }) => messenger.flushed()));
    await network.idle();
  }
}
