import { createHash } from 'node:crypto';
import { compareBytes, concatBytes, encodeHex, encodeUtf8, type KeyPair, SottoError } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import {
  type Applied,
  type GroupAction,
  GroupLog,
  type GroupLogLimits,
  type LogCrypto,
  parseChange,
  signChange,
} from '../src/index.js';

const provider = defaultProvider();

/** Signatures and hashes that cost little, for models in which a hundred thousand are made. They hold in the model's world. */
export const cheapCrypto: LogCrypto = {
  keccak256: (...parts) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(part);
    return new Uint8Array(hash.digest());
  },
  secp256k1: {
    signRecoverable: (digest, privateKey) =>
      concatBytes(Uint8Array.of(2), privateKey, digest) as ReturnType<
        LogCrypto['secp256k1']['signRecoverable']
      >,
    recoverPublicKey: (digest, signature) => {
      if (compareBytes(signature.subarray(33), digest.subarray(0, 32)) !== 0) {
        throw new SottoError('INVALID_SIGNATURE', 'Not a signature of this.', { reason: 'cheap' });
      }
      return signature.slice(0, 33) as ReturnType<LogCrypto['secp256k1']['recoverPublicKey']>;
    },
    parsePublicKey: (bytes) => bytes.slice() as ReturnType<LogCrypto['secp256k1']['parsePublicKey']>,
  },
};

/** Someone of whom only the name matters. */
export interface Person {
  readonly name: string;
  readonly keys: KeyPair;
  readonly hex: string;
}

export function person(name: string): Person {
  const privateKey = provider.keccak256(encodeUtf8(name));
  const keys = { publicKey: concatBytes(Uint8Array.of(2), privateKey), privateKey } as KeyPair;
  return { name, keys, hex: encodeHex(keys.publicKey) };
}

export const people = (...names: string[]): Person[] => names.map(person);

export const keysOf = (...persons: readonly Person[]) => persons.map(({ keys }) => keys.publicKey);

/** A new group: its log and the change that created it. */
export function create(
  creator: Person,
  members: readonly Person[],
  { salt = 0, limits = {} }: { readonly salt?: number; readonly limits?: Partial<GroupLogLimits> } = {},
): { log: GroupLog; root: Uint8Array } {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, salt);
  const root = signChange(cheapCrypto, creator.keys, {
    groupId: undefined,
    parents: [],
    time: 0,
    action: { kind: 'create', name: 'g', members: keysOf(...members) },
    salt: bytes,
  });
  const { id } = parseChange(cheapCrypto, root);
  return { log: GroupLog.empty(cheapCrypto, id, limits).apply([root], creator.hex).log, root };
}

type Change = Exclude<GroupAction, { kind: 'create' }>;

export const add = (...who: Person[]): Change => ({ kind: 'add', identities: keysOf(...who) });
export const remove = (...who: Person[]): Change => ({ kind: 'remove', identities: keysOf(...who) });
export const promote = (...who: Person[]): Change => ({ kind: 'promote', identities: keysOf(...who) });
export const demote = (...who: Person[]): Change => ({ kind: 'demote', identities: keysOf(...who) });
export const rename = (name: string): Change => ({ kind: 'rename', name });
export const leave: Change = { kind: 'leave' };

/** A change on parents that the author picks as it likes. */
export function forge(
  groupId: string,
  author: Person,
  parents: readonly string[],
  action: Change,
  time = 0,
): Uint8Array {
  return signChange(cheapCrypto, author.keys, { groupId, parents, time, action });
}

/** A change as an honest device makes it. */
export function sign(log: GroupLog, author: Person, action: Change, time = 0): Uint8Array {
  return forge(log.groupId, author, log.parentsFor(author.hex, action), action, time);
}

/** Makes an honest change and takes it. */
export function act(log: GroupLog, author: Person, action: Change): GroupLog {
  const applied = log.apply([sign(log, author, action)], author.hex);
  if (applied.effective.length !== 1) throw new Error(`${author.name} could not ${action.kind}`);
  return applied.log;
}

export const idOf = (encoded: Uint8Array) => parseChange(cheapCrypto, encoded).id;

/** Everything that one log has, into another. */
export function merge(into: GroupLog, ...from: readonly GroupLog[]): GroupLog {
  return from.reduce((log, other) => log.apply(other.changes(), sender(other)).log, into);
}

export function applyAll(log: GroupLog, changes: readonly Uint8Array[]): Applied {
  return log.apply(changes, sender(log));
}

function sender(log: GroupLog): string {
  return log.state.members[0] ?? '';
}

export const namesIn = (log: GroupLog, all: readonly Person[]) => {
  const nameOf = (hex: string) => all.find((one) => one.hex === hex)?.name ?? hex.slice(0, 8);
  const { members, admins, name } = log.state;
  return { name, members: members.map(nameOf), admins: admins.map(nameOf) };
};

export const hashOf = (log: GroupLog) => encodeHex(log.membershipHash);

export function shuffled<T>(list: readonly T[], roll: (below: number) => number): T[] {
  const result = [...list];
  for (let at = result.length - 1; at > 0; at--) {
    const other = roll(at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}
