import type { PublicKey } from '@sotto/core';
import type { Group, OwnChange } from '../groups/groups.js';
import type { LoadGroupParts } from '../groups/load-group-parts.js';
import { throwIfAborted } from '../runtime/abort.js';
import type { MessengerContext } from '../runtime/context.js';
import type { SendOptions } from '../runtime/options.js';
import type { GroupSendResult } from '../runtime/results.js';

/**
 * Private groups: `messenger.groups`. A change is signed by us and sent to the members, so each call has the options of
 * `send`. It resolves when the change was encrypted for all members; after a crash, the next start continues. A change that
 * has no effect resolves to `undefined`: nothing is sent, and no callback called. The rules, and who may do what, are in
 * docs/group-protocol.md.
 */
export class MessengerGroups {
  readonly #context: MessengerContext;
  readonly #load: LoadGroupParts;

  /** @internal */
  constructor(context: MessengerContext, load: LoadGroupParts) {
    this.#context = context;
    this.#load = load;
  }

  /**
   * Creates a private group, with us as administrator.
   * @param members 33 or 65 bytes each; we are always a member
   * @throws INVALID_PUBLIC_KEY; LIMIT_EXCEEDED, also for the name; ABORTED, STORE codes, CLOSED
   */
  async create(
    name: string,
    members: readonly Uint8Array[],
    options: SendOptions = {},
  ): Promise<{ readonly group: Group; readonly result: GroupSendResult }> {
    const parsed = this.#parse(members);
    const { groups } = await this.#load();
    const { groupId, queued } = await this.#context.runtime.transaction(async (tx) => {
      throwIfAborted(options.signal, 'create');
      return groups.create(tx, name, parsed, options);
    });
    const result = await queued.result();
    return { group: await this.get(groupId), result };
  }

  /**
   * The current state of a group.
   * @param groupId 64 hex digits
   * @throws NOT_FOUND, STORE codes, CLOSED
   */
  async get(groupId: string): Promise<Group> {
    const { groups } = await this.#load();
    return this.#context.runtime.read((tx) => groups.get(tx, groupId));
  }

  /** All groups known here, including those that we left. @throws STORE codes, CLOSED */
  async list(): Promise<readonly Group[]> {
    const { groups } = await this.#load();
    return this.#context.runtime.read((tx) => groups.list(tx));
  }

  /** Renames a group. @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, ABORTED, STORE codes, CLOSED */
  async rename(groupId: string, name: string, options?: SendOptions): Promise<GroupSendResult | undefined> {
    return this.#change(groupId, { kind: 'rename', name }, options);
  }

  /**
   * Adds members; skips those who are members already.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY, ABORTED, STORE codes, CLOSED
   */
  async add(
    groupId: string,
    members: readonly Uint8Array[],
    options?: SendOptions,
  ): Promise<GroupSendResult | undefined> {
    return this.#change(groupId, { kind: 'add', identities: this.#parse(members) }, options);
  }

  /**
   * Removes members; skips those who aren't members. To remove ourselves, see {@link leave}. Their earlier changes stay; what
   * they sign later, whatever its date, has no effect, unless they are more senior and remove us.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY, ABORTED, STORE codes, CLOSED
   */
  async remove(
    groupId: string,
    members: readonly Uint8Array[],
    options?: SendOptions,
  ): Promise<GroupSendResult | undefined> {
    return this.#change(groupId, { kind: 'remove', identities: this.#parse(members) }, options);
  }

  /**
   * Promotes members to administrators.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY, ABORTED, STORE codes, CLOSED
   */
  async promote(
    groupId: string,
    members: readonly Uint8Array[],
    options?: SendOptions,
  ): Promise<GroupSendResult | undefined> {
    return this.#change(groupId, { kind: 'promote', identities: this.#parse(members) }, options);
  }

  /**
   * Demotes administrators to plain members; the last one can't be demoted before another is promoted.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED, INVALID_PUBLIC_KEY, ABORTED, STORE codes, CLOSED
   */
  async demote(
    groupId: string,
    members: readonly Uint8Array[],
    options?: SendOptions,
  ): Promise<GroupSendResult | undefined> {
    return this.#change(groupId, { kind: 'demote', identities: this.#parse(members) }, options);
  }

  /**
   * Leaves a group. A group to which strangers added us, and from which we were removed, is forgotten.
   * @throws NOT_FOUND, NOT_PERMITTED when we are not a member; ABORTED, STORE codes, CLOSED
   */
  async leave(groupId: string, options?: SendOptions): Promise<GroupSendResult | undefined> {
    return this.#change(groupId, { kind: 'leave' }, options);
  }

  async #change(
    groupId: string,
    action: OwnChange,
    options: SendOptions = {},
  ): Promise<GroupSendResult | undefined> {
    const { groups } = await this.#load();
    const queued = await this.#context.runtime.transaction(async (tx) => {
      throwIfAborted(options.signal, action.kind);
      return groups.change(tx, groupId, action, options);
    });
    return queued?.result();
  }

  #parse(members: readonly Uint8Array[]): readonly PublicKey[] {
    return members.map((member) => this.#context.settings.crypto.secp256k1.parsePublicKey(member));
  }
}
