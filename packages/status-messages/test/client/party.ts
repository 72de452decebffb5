import type { KeyPair, Store, Transport, Write } from '@sotto/core';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type ManualClock, rest } from '@sotto/testing/clock';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import {
  createStatusClient,
  type StatusClient,
  type StatusClientOptions,
  type StatusContent,
} from '../../src/client/index.js';
import { crypto, type StatusPeer } from './status-peer.js';

/** One of us: a messenger with the layer under test, and an application that notes what it is told. */
export interface Party {
  readonly identity: KeyPair;
  readonly clock: ManualClock;
  readonly store: Store;
  messenger: Messenger;
  status: StatusClient;
  readonly contents: StatusContent[];
  /** Payloads of other software. */
  readonly others: Uint8Array[];
  readonly delivered: string[];
  readonly undelivered: string[];
  /** Codes of refused messages. */
  readonly refused: string[];
  /** The application's writes that go with contents. */
  alongside: ((contents: readonly StatusContent[]) => readonly Write[]) | undefined;
  /** Fails commits on demand. */
  failing: ((writes: readonly Write[]) => void) | undefined;
  stop(): Promise<void>;
  open(options?: { readonly start?: boolean }): Promise<void>;
}

export async function newParty(
  network: MemoryNetwork,
  clock: ManualClock,
  name: string,
  options: Partial<Pick<StatusClientOptions, 'profile' | 'displayName' | 'limits' | 'identity'>> & {
    readonly wrap?: (transport: Transport) => Transport;
  } = {},
): Promise<Party> {
  const identity = options.identity ?? crypto.secp256k1.generateKeyPair();
  const store = createMemoryStore();
  const party = {
    identity,
    clock,
    store,
    contents: [] as StatusContent[],
    others: [] as Uint8Array[],
    delivered: [] as string[],
    undelivered: [] as string[],
    refused: [] as string[],
    async stop() {
      await party.status.close();
      await party.messenger.close();
    },
    async open({ start = true } = {}) {
      const view: Store = {
        get: (key) => store.get(key),
        list: (prefix, listOptions) => store.list(prefix, listOptions),
        commit: async (writes, commitOptions) => {
          party.failing?.(writes);
          return store.commit(writes, commitOptions);
        },
        close: async () => {},
      };
      const transport = options.wrap?.(network.transport()) ?? network.transport();
      const messenger = await createMessenger({
        identity,
        store: view,
        transport,
        crypto,
        clock,
        installationId: name,
      });
      const status = await createStatusClient({
        ...options,
        messenger,
        store: view,
        crypto,
        identity,
        clock,
      });
      party.messenger = messenger;
      party.status = status;
      status.on('message', async ({ message, isStatus, acknowledge }) => {
        const contents = await acknowledge({ alongside: (all) => party.alongside?.(all) ?? [] });
        if (contents === undefined) return;
        party.contents.push(...contents);
        if (!isStatus) party.others.push(message.payload);
      });
      status.on('delivered', ({ messageId }) => void party.delivered.push(messageId));
      status.on('undelivered', ({ messageId }) => void party.undelivered.push(messageId));
      status.on('refused', ({ error }) => void party.refused.push(error.code));
      if (start) await messenger.start();
    },
  } as Party;
  await party.open();
  return party;
}

/** Waits until nothing is on its way. */
export async function quiet(network: MemoryNetwork, ...all: readonly (Party | StatusPeer)[]): Promise<void> {
  for (let round = 0; round < 8; round++) {
    for (const one of all) {
      if ('status' in one) await one.status.settled();
      await one.messenger.flushed();
    }
    await network.idle();
    await rest();
  }
}

/** A content in a word: `message hello`, `edit 0x12… better`. */
function lineOf(content: StatusContent): string {
  switch (content.what) {
    case 'message': {
      const { body, conversation, own } = content;
      const place = conversation.kind === 'public' ? conversation.name : conversation.kind;
      return `${place}${own ? ' own' : ''} ${body.kind}: ${body.text}`;
    }
    case 'contact':
      return `contact ${content.contact.state}`;
    case 'group':
      return `group ${content.group.name} ${content.group.state}`;
    default:
      return content.what;
  }
}

/** What a party was told, without the names of people. */
export function linesOf({ contents }: Party): readonly string[] {
  return contents.map(lineOf).filter((line) => line !== 'contact none');
}
