import { type KeyPair, type Logger, type Store, silentLogger, type Transport } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger, type Messenger } from '@sotto/messenger';
import { createStatusClient, type StatusClient } from '@sotto/status-messages/client';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { type SettableClock, settableClock } from '@sotto/testing/clock';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import { type Change, type Conversations, createConversations, type Entry } from '../src/index.js';
import { createProfiles, type Profiles } from '../src/profile.js';

const crypto = defaultProvider();

/** A store that outlives its messenger, and fails on demand. */
export function keptStore() {
  const store = createMemoryStore();
  let failure: ((keys: readonly string[]) => void) | undefined;
  const view = (): Store => ({
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit: async (writes, options) => {
      failure?.(writes.map(({ key }) => key));
      return store.commit(writes, options);
    },
    close: async () => {},
  });
  return {
    store,
    view,
    /** Throws what this throws at each commit; `undefined` ends it. */
    failWith(check: typeof failure) {
      failure = check;
    },
  };
}

export interface Party {
  readonly identity: KeyPair;
  readonly clock: SettableClock;
  readonly kept: ReturnType<typeof keptStore>;
  readonly changes: Change[];
  messenger: Messenger;
  status: StatusClient | undefined;
  conversations: Conversations;
  /** With the option for it. */
  profiles: Profiles;
  stop(): Promise<void>;
  /** Opens the store again; without `start` it stays off the network. */
  open(options?: { readonly start?: boolean }): Promise<void>;
}

export async function newParty(
  network: MemoryNetwork,
  name: string,
  options: {
    readonly identity?: KeyPair;
    readonly logger?: Logger;
    /** Whether it speaks the language of Status clients. */
    readonly status?: boolean;
    readonly profiles?: boolean;
    /** Default true, as for applications. */
    readonly postQuantum?: boolean;
    readonly wrap?: (transport: Transport) => Transport;
  } = {},
): Promise<Party> {
  const identity = options.identity ?? crypto.secp256k1.generateKeyPair();
  const clock = settableClock();
  const kept = keptStore();
  const party = {
    identity,
    clock,
    kept,
    changes: [] as Change[],
    async stop() {
      await party.profiles?.close();
      await party.conversations.close();
      await party.status?.close();
      await party.messenger.close();
    },
    async open({ start = true } = {}) {
      const store = kept.view();
      const logger = options.logger ?? silentLogger;
      const transport = options.wrap?.(network.transport()) ?? network.transport();
      party.messenger = await createMessenger({
        identity,
        store,
        transport,
        crypto,
        clock,
        installationId: name,
        postQuantum: options.postQuantum,
      });
      const { messenger } = party;
      party.status = options.status
        ? await createStatusClient({ messenger, store, crypto, identity, clock, displayName: `${name}_name` })
        : undefined;
      party.conversations = await createConversations({
        messenger,
        store,
        clock,
        logger,
        status: party.status,
      });
      party.conversations.subscribe((change) => party.changes.push(change));
      if (options.profiles) {
        const { conversations, status } = party;
        party.profiles = await createProfiles({ conversations, messenger, store, status, clock, logger });
      }
      if (start) await party.messenger.start();
    },
  } as Party;
  await party.open();
  return party;
}

/** Waits until nothing is on its way between parties. */
export async function quiet(network: MemoryNetwork, ...parties: readonly Party[]): Promise<void> {
  for (let round = 0; round < 6; round++) {
    await Promise.all(parties.map(({ messenger }) => messenger.flushed()));
    await network.idle();
    for (const { status } of parties) await status?.settled();
    // Whatever is under way in turn has ended when another thing in turn has.
    await Promise.all(parties.map(({ conversations, identity }) => conversations.markRead(direct(identity))));
  }
}

export const direct = ({ publicKey }: Pick<KeyPair, 'publicKey'>) =>
  ({ kind: 'direct', peer: publicKey }) as const;

/** An entry in a word: `> hello sent pq`, `< hello received dh`, `! decryption-failed`. */
export function lineOf(entry: Entry): string {
  if (entry.kind === 'notice') return `! ${entry.notice.what}`;
  const { content } = entry;
  const text =
    content.kind === 'text'
      ? content.text
      : content.kind === 'other'
        ? `${content.payload.length} bytes`
        : content.kind;
  return `${entry.own ? '>' : '<'} ${text} ${entry.state} ${entry.protection}`;
}

export async function linesOf(party: Party, other: Party): Promise<readonly string[]> {
  return (await party.conversations.entries(direct(other.identity))).map(lineOf);
}
