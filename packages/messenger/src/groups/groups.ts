import {
  compareBytes,
  decodeHex,
  encodeHex,
  encodeUtf8,
  type KeyPair,
  type PublicKey,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { GroupChange, GroupPayload } from '../generated/sotto/messenger/v1/payload.js';
import type { FanoutRecord, GroupRecord } from '../generated/sotto/messenger/v1/storage.js';
import type { UnitOfWork } from '../storage/ledger.js';
import { fanoutTable, groupTable } from '../storage/tables.js';
import { deepest, GROUP_NAME_MAX_BYTES, parseChange, signChange, type VerifiedChange } from './change.js';
import { buildGroup, type GroupState, mayChange, membersAt } from './membership.js';

/** Most changes kept of one group; beyond it the group can't be changed any more. */
const CHANGES_MAX = 2000;

/** A group for the application. */
export interface Group {
  /** 64 hex digits. */
  readonly id: string;
  readonly name: string;
  /** 33 bytes each, in the order in which they joined. */
  readonly members: readonly PublicKey[];
  readonly admins: readonly PublicKey[];
  /** Names this state of the group, 64 hex digits: what messages say that they were sent under. */
  readonly membership: string;
  /** Whether we are a member. */
  readonly joined: boolean;
}

interface KnownGroup {
  readonly record: GroupRecord;
  readonly changes: readonly VerifiedChange[];
  readonly state: GroupState;
}

/** What the messenger knows of private groups. Works within steps of the ledger. */
export class Groups {
  readonly #crypto: CryptoProvider;
  readonly #identity: KeyPair;
  readonly #ownName: string;
  /** Groups as their records make them, by id: verifying the changes is dear. */
  readonly #known = new Map<string, KnownGroup>();
  #nextFanout = 0;

  constructor(crypto: CryptoProvider, identity: KeyPair) {
    this.#crypto = crypto;
    this.#identity = identity;
    this.#ownName = encodeHex(identity.publicKey);
  }

  /** @throws NOT_FOUND */
  async get(work: UnitOfWork, groupId: string): Promise<Group> {
    return this.#describe(await this.#state(work, groupId));
  }

  async list(work: UnitOfWork): Promise<readonly Group[]> {
    const groups: Group[] = [];
    for (const [groupId] of await work.keys(groupTable)) {
      groups.push(this.#describe(await this.#state(work, groupId as string)));
    }
    return groups;
  }

  /** Creates a group with us as its administrator, and gives its id. */
  create(
    work: UnitOfWork,
    name: string,
    members: readonly PublicKey[],
    time: number,
  ): { readonly groupId: string; readonly fanout: FanoutRecord } {
    checkName(name);
    const change = signChange(this.#crypto, this.#identity, {
      groupId: new Uint8Array(0),
      author: this.#identity.publicKey,
      parents: [],
      depth: 0n,
      time: BigInt(time),
      action: {
        $case: 'create',
        value: { name, members: this.#checkMembers(members), salt: this.#crypto.randomBytes(16) },
      },
    });
    const state = buildGroup(this.#crypto, change.id, [change]) as GroupState;
    this.#put(work, change.id, [change], new Map());
    return { groupId: change.id, fanout: this.#fanout(work, state, state.members, undefined) };
  }

  /**
   * Changes a group: signed by us, and on its way to all members, those it removes included.
   * @throws NOT_FOUND, NOT_PERMITTED, LIMIT_EXCEEDED
   */
  async change(
    work: UnitOfWork,
    groupId: string,
    action: NonNullable<GroupChange['action']>,
    time: number,
  ): Promise<FanoutRecord> {
    const { state: before, record, changes: known } = await this.#get(work, groupId);
    if (!mayChange(before, this.#identity.publicKey, action)) {
      throw new SottoError('NOT_PERMITTED', 'Only an administrator of the group may do this.', {
        what: action.$case,
      });
    }
    if (action.$case === 'rename') checkName(action.value);
    if ('value' in action && typeof action.value === 'object' && 'identities' in action.value) {
      action.value.identities = [...this.#checkMembers(action.value.identities as PublicKey[])];
    }
    if (record.changes.length >= CHANGES_MAX) {
      throw new SottoError('LIMIT_EXCEEDED', 'The group was changed too often. Begin a new one.', {
        what: 'changes of a group',
        limit: CHANGES_MAX,
        actual: record.changes.length,
      });
    }
    const heads = before.heads.map(decodeHex).sort(compareBytes);
    const depths = before.ordered
      .filter(({ id }) => before.heads.includes(id))
      .map(({ change }) => change.depth);
    const change = signChange(this.#crypto, this.#identity, {
      groupId: decodeHex(groupId),
      author: this.#identity.publicKey,
      parents: heads,
      depth: deepest(depths) + 1n,
      time: BigInt(time),
      action,
    });
    const changes = [...known, change];
    this.#put(work, groupId, changes, record.heard);
    const after = buildGroup(this.#crypto, groupId, changes) as GroupState;
    return this.#fanout(work, after, new Set([...before.members, ...after.members]), undefined);
  }

  /**
   * Puts a message to a group on its way.
   * @throws NOT_FOUND, NOT_PERMITTED when we are no member
   */
  async send(work: UnitOfWork, groupId: string, payload: Uint8Array): Promise<FanoutRecord> {
    const state = await this.#state(work, groupId);
    if (!state.members.has(this.#ownName)) {
      throw new SottoError('NOT_PERMITTED', 'Only members may write to the group.', { what: 'send' });
    }
    return this.#fanout(work, state, state.members, payload);
  }

  /** What one member gets: the changes as well, unless each of its devices is known to have them. */
  async payloadFor(
    work: UnitOfWork,
    fanout: FanoutRecord,
    member: Uint8Array,
    installations: readonly string[],
  ): Promise<GroupPayload> {
    const groupId = encodeHex(fanout.groupId);
    const record = (await work.get(groupTable, groupId)) as GroupRecord;
    const upToDate =
      installations.length > 0 &&
      installations.every((installation) => {
        const heard = record.heard.get(heardName(member, installation));
        return heard !== undefined && compareBytes(heard, fanout.membership) === 0;
      });
    return {
      groupId: fanout.groupId,
      membership: fanout.membership,
      changes: upToDate ? [] : record.changes,
      payload: fanout.payload,
    };
  }

  /**
   * Takes what a member sent: its changes, then whether it was allowed to write.
   *
   * @throws MALFORMED_MESSAGE, INVALID_SIGNATURE for changes that are not what they claim; NOT_FOUND when the group
   *   is unknown and the changes don't tell; NOT_PERMITTED when the sender was no member
   */
  async receive(
    work: UnitOfWork,
    sender: PublicKey,
    senderInstallation: string,
    payload: GroupPayload,
  ): Promise<{ readonly groupId: string; readonly changed: boolean; readonly told: boolean }> {
    const groupId = encodeHex(payload.groupId);
    const found = await this.#find(work, groupId);
    const record = found?.record;
    const known = found?.changes ?? [];
    const knownBytes = new Set(known.map(({ encoded }) => encodeHex(encoded)));
    const added: VerifiedChange[] = [];
    for (const encoded of payload.changes) {
      if (knownBytes.has(encodeHex(encoded))) continue;
      const change = parseChange(this.#crypto, encoded);
      if (change.id !== groupId && encodeHex(change.change.groupId) !== groupId) continue;
      if (known.length + added.length >= CHANGES_MAX) break;
      if (![...known, ...added].some(({ id }) => id === change.id)) added.push(change);
    }
    const changes = [...known, ...added];
    const state = added.length === 0 ? found?.state : buildGroup(this.#crypto, groupId, changes);
    const isOwn = encodeHex(sender) === this.#ownName;
    if (state === undefined) {
      throw new SottoError('NOT_FOUND', 'The message is of a group that is not known here.', {
        what: 'group',
        id: groupId,
      });
    }
    // Somebody whom the group never knew can't make us keep one.
    const wasMember = state.ordered.some(({ author }) => author === encodeHex(sender));
    const members = membersAt(this.#crypto, state, payload.membership) ?? state.members;
    const isMember = members.has(encodeHex(sender));
    if (!isMember && !(payload.payload === undefined && (wasMember || isOwn))) {
      throw new SottoError('NOT_PERMITTED', 'The sender is no member of the group.', { what: 'send' });
    }
    const name = heardName(sender, senderInstallation);
    const heardBefore = record?.heard.get(name);
    if (
      added.length > 0 ||
      heardBefore === undefined ||
      compareBytes(heardBefore, payload.membership) !== 0
    ) {
      this.#put(work, groupId, changes, new Map(record?.heard).set(name, payload.membership));
    }
    const told = this.#tellMissing(work, state, found?.state, sender, payload);
    return { groupId, changed: added.length > 0, told };
  }

  /**
   * Puts our changes on their way to those who were not told: the sender of a list that lacks them, and the members
   * whom that list brings in. Each author does so, which makes everyone end with the same list.
   */
  #tellMissing(
    work: UnitOfWork,
    state: GroupState,
    before: GroupState | undefined,
    sender: PublicKey,
    payload: GroupPayload,
  ): boolean {
    if (payload.changes.length === 0) return false;
    const theirs = new Set(payload.changes.map(encodeHex));
    const lacking = state.ordered.some(
      ({ author, encoded }) => author === this.#ownName && !theirs.has(encodeHex(encoded)),
    );
    if (!lacking) return false;
    const newcomers = [...state.members].filter((member) => !before?.members.has(member));
    const toTell = new Set([encodeHex(sender), ...newcomers]);
    toTell.delete(this.#ownName);
    this.#fanout(work, state, toTell, undefined);
    return true;
  }

  /** The next messages to encrypt for members, left from an earlier run included. */
  async pendingFanouts(
    work: UnitOfWork,
  ): Promise<{ readonly number: string; readonly fanout: FanoutRecord }[]> {
    const found: { number: string; fanout: FanoutRecord }[] = [];
    for await (const { segments, value } of work.list(fanoutTable, [], () => {})) {
      found.push({ number: segments[0] as string, fanout: value });
      this.#nextFanout = Math.max(this.#nextFanout, Number(segments[0]) + 1);
    }
    return found;
  }

  #fanout(
    work: UnitOfWork,
    state: GroupState,
    members: ReadonlySet<string>,
    payload: Uint8Array | undefined,
  ): FanoutRecord {
    const fanout: FanoutRecord = {
      id: this.#crypto.randomBytes(16),
      groupId: decodeHex(state.id),
      membership: state.membership,
      payload,
      // Our own identity too: for our other devices.
      remaining: [...members].map(decodeHex),
    };
    work.put(fanoutTable, fanout, String(this.#nextFanout++).padStart(16, '0'));
    return fanout;
  }

  #put(
    work: UnitOfWork,
    groupId: string,
    changes: readonly VerifiedChange[],
    heard: ReadonlyMap<string, Uint8Array>,
  ): void {
    work.put(groupTable, { changes: changes.map(({ encoded }) => encoded), heard: new Map(heard) }, groupId);
  }

  async #find(work: UnitOfWork, groupId: string): Promise<KnownGroup | undefined> {
    const record = await work.get(groupTable, groupId);
    if (record === undefined) return undefined;
    const known = this.#known.get(groupId);
    if (known?.record === record) return known;
    const verified = new Map(known?.changes.map((change) => [encodeHex(change.encoded), change]));
    const changes = record.changes.map(
      (encoded) => verified.get(encodeHex(encoded)) ?? parseChange(this.#crypto, encoded),
    );
    const state = buildGroup(this.#crypto, groupId, changes);
    if (state === undefined) return undefined;
    const found = { record, changes, state };
    this.#known.set(groupId, found);
    return found;
  }

  async #state(work: UnitOfWork, groupId: string): Promise<GroupState> {
    return (await this.#get(work, groupId)).state;
  }

  async #get(work: UnitOfWork, groupId: string): Promise<KnownGroup> {
    const found = await this.#find(work, groupId);
    if (found === undefined) {
      throw new SottoError('NOT_FOUND', 'No such group is known here.', { what: 'group', id: groupId });
    }
    return found;
  }

  #describe(state: GroupState): Group {
    const keys = (names: ReadonlySet<string>) => [...names].map((name) => decodeHex(name) as PublicKey);
    return {
      id: state.id,
      name: state.name,
      members: keys(state.members),
      admins: keys(state.admins),
      membership: encodeHex(state.membership),
      joined: state.members.has(this.#ownName),
    };
  }

  #checkMembers(members: readonly Uint8Array[]): Uint8Array[] {
    const parsed = members.map((member) => this.#crypto.secp256k1.parsePublicKey(member));
    return [...new Map(parsed.map((member) => [encodeHex(member), member])).values()].sort(compareBytes);
  }
}

/** A device of a member, as the record of a group names it. */
function heardName(identity: Uint8Array, installationId: string): string {
  return `${encodeHex(identity)}/${installationId}`;
}

function checkName(name: string): void {
  const { length } = encodeUtf8(name);
  if (length > GROUP_NAME_MAX_BYTES) {
    throw new SottoError('LIMIT_EXCEEDED', 'The name of the group is too long.', {
      what: 'bytes of a group name',
      limit: GROUP_NAME_MAX_BYTES,
      actual: length,
    });
  }
}
