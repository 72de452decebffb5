import { encodeHex, type KeyPair, type SharedKey } from '@sotto/core';
import { decodeRecord } from '@sotto/device/internal';
import { type GroupAction, parseChange, signChange } from '@sotto/group-log';
import { decodeContactCode, decodeProtocolMessage, encodeProtocolMessage } from '@sotto/protocol-codec';
import type { MemoryNetwork } from '@sotto/whisper-transport/memory';
import { decodePayload, encodePayload, type GroupPayload } from '../src/runtime/payload.js';
import { changeTable } from '../src/storage/tables.js';
import type { Party } from './party.js';
import { crypto, newNode, START } from './world.js';

type Change = Exclude<GroupAction, { readonly kind: 'create' }>;

/** Someone who speaks the protocol of groups and keeps none of its rules. */
export interface Adversary {
  readonly identity: KeyPair;
  /** Payloads of groups that came, as far as it can open them. */
  readonly seen: GroupPayload[];
  /** Sends a message of a group, in a session. */
  send(to: Party, payload: Partial<GroupPayload>): Promise<void>;
  /** The same outside of sessions, under a made-up installation id. */
  sendAs(to: Party, installationId: string, payload: Partial<GroupPayload>): Promise<void>;
  /** A change on any parents. */
  sign(groupId: string, parents: readonly string[], action: Change, time?: number): Uint8Array;
}

/** Another device of an identity, without the library's rules; it knows some parties. */
export async function newAdversary(
  network: MemoryNetwork,
  identity: KeyPair,
  ...known: readonly Party[]
): Promise<Adversary> {
  const { device } = await newNode('adversary', { identity });
  const seen: GroupPayload[] = [];
  const connection = await network.transport().connect({
    identity,
    onMessage: async ({ sender, payload }) => {
      const outcome = await device
        .transaction((tx) => device.decrypt(tx, sender, payload))
        .catch(() => undefined);
      if (outcome?.kind !== 'message') return;
      const content = decodePayload(outcome.payload);
      if (content.kind === 'group') seen.push(content.group);
    },
  });
  await connection.subscribe([
    { kind: 'partitioned', recipient: identity.publicKey },
    ...known.map((party) => ({
      kind: 'negotiated' as const,
      secret: device.negotiatedSecret(party.identity.publicKey) as SharedKey,
    })),
  ]);
  for (const party of known) {
    const bundle = decodeContactCode(await party.messenger.contacts.ownCode());
    await device.transaction((tx) => device.processBundle(tx, bundle));
  }
  const encode = (payload: Partial<GroupPayload>) =>
    encodePayload({
      kind: 'group',
      group: {
        groupId: new Uint8Array(32),
        membershipHash: new Uint8Array(32),
        changes: [],
        payload: undefined,
        request: false,
        senderKey: new Uint8Array(0),
        wantedChains: [],
        ...payload,
      },
    });
  const post = async (to: Party, message: Uint8Array) => {
    await connection.send({ kind: 'partitioned', recipient: to.identity.publicKey }, message);
    await network.idle();
    await to.messenger.flushed();
    await network.idle();
  };
  return {
    identity,
    seen,
    send: async (to, payload) => {
      const { message } = await device.transaction((tx) =>
        device.encryptDirect(tx, to.identity.publicKey, encode(payload)),
      );
      await post(to, message);
    },
    sendAs: async (to, installationId, payload) => {
      const { message } = await device.transaction((tx) =>
        device.encryptDh(tx, to.identity.publicKey, encode(payload)),
      );
      await post(
        to,
        encodeProtocolMessage({ ...decodeProtocolMessage(message), installationId, bundles: [] }),
      );
    },
    sign: (groupId, parents, action, time = START) =>
      signChange(crypto, identity, { groupId, parents, time, action }),
  };
}

/** The signed changes that a party keeps of a group, as any member has them. */
export async function changesOf(party: Party, groupId: string): Promise<readonly Uint8Array[]> {
  const changes: Uint8Array[] = [];
  for await (const { key, value } of party.store.list(`change/${groupId}/`)) {
    changes.push(decodeRecord(crypto, changeTable, key, value));
  }
  return changes;
}

export const idOf = (change: Uint8Array) => parseChange(crypto, change).id;

/** Ids of the changes that a party keeps, oldest first. */
export const idsOf = async (party: Party, groupId: string) => (await changesOf(party, groupId)).map(idOf);

/** How a party sees a group, with people by their names. */
export async function viewOf(
  party: Party,
  groupId: string,
  people: Readonly<Record<string, { identity: KeyPair }>>,
) {
  const { name, members, admins, joined } = await party.messenger.groups.get(groupId);
  const nameOf = (key: Uint8Array) =>
    Object.entries(people).find(
      ([, { identity }]) => encodeHex(identity.publicKey) === encodeHex(key),
    )?.[0] ?? '?';
  return { name, members: members.map(nameOf).toSorted(), admins: admins.map(nameOf), joined };
}

/** Bytes of all records of a store, and how many there are, by the first word of their keys. */
export async function sizesOf(
  party: Party,
): Promise<Readonly<Record<string, { count: number; bytes: number }>>> {
  const sizes: Record<string, { count: number; bytes: number }> = {};
  for await (const { key, value } of party.store.list('')) {
    const name = key.split('/')[0] as string;
    const { count, bytes } = sizes[name] ?? { count: 0, bytes: 0 };
    sizes[name] = { count: count + 1, bytes: bytes + value.length };
  }
  return sizes;
}
