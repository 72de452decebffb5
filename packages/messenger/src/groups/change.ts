import {
  compareBytes,
  concatBytes,
  copyBytes,
  encodeHex,
  encodeUtf8,
  type KeyPair,
  SottoError,
} from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { GroupChange, SignedGroupChange } from '../generated/sotto/messenger/v1/payload.js';

/** Longest name of a group in bytes of UTF-8. */
export const GROUP_NAME_MAX_BYTES = 256;
/** Most members that one change names, and that a group has. Everyone encrypts for everyone, so more would not be usable. */
export const GROUP_MEMBERS_MAX = 1000;
/** Largest change in bytes: a full list of members with room to spare. */
const CHANGE_MAX_BYTES = 64 * 1024;

const SIGNATURE_CONTEXT = encodeUtf8('sotto group change');

/** A change that was signed by its author, and is well-formed. Whether it was allowed, the group's order decides. */
export interface VerifiedChange {
  /** KECCAK-256 of the change, 64 hex digits. */
  readonly id: string;
  readonly change: GroupChange;
  /** Author in hex. */
  readonly author: string;
  /** The encoded SignedGroupChange. */
  readonly encoded: Uint8Array;
}

/** Signs a change as its author. */
export function signChange(crypto: CryptoProvider, identity: KeyPair, change: GroupChange): VerifiedChange {
  const bytes = GroupChange.encode(change).finish();
  const digest = crypto.keccak256(SIGNATURE_CONTEXT, bytes);
  const signature = crypto.secp256k1.signRecoverable(digest, identity.privateKey);
  return {
    id: encodeHex(crypto.keccak256(bytes)),
    change,
    author: encodeHex(change.author),
    encoded: SignedGroupChange.encode({ change: bytes, signature }).finish(),
  };
}

/**
 * Reads a change and checks its signature and form.
 * @throws MALFORMED_MESSAGE, INVALID_SIGNATURE, LIMIT_EXCEEDED
 */
export function parseChange(crypto: CryptoProvider, encoded: Uint8Array): VerifiedChange {
  const malformed = (reason: string, cause?: unknown) =>
    new SottoError(
      'MALFORMED_MESSAGE',
      'This is no change of a group.',
      { what: 'GroupChange', reason },
      { cause },
    );
  if (encoded.length > CHANGE_MAX_BYTES) {
    throw new SottoError('LIMIT_EXCEEDED', 'The change of the group is too large.', {
      what: 'bytes of a group change',
      limit: CHANGE_MAX_BYTES,
      actual: encoded.length,
    });
  }
  let signed: SignedGroupChange;
  let change: GroupChange;
  try {
    signed = SignedGroupChange.decode(encoded);
    change = GroupChange.decode(signed.change);
  } catch (cause) {
    throw malformed('it cannot be decoded', cause);
  }
  const problem = problemOf(change);
  if (problem !== undefined) throw malformed(problem);
  const signer = crypto.secp256k1.recoverPublicKey(
    crypto.keccak256(SIGNATURE_CONTEXT, signed.change),
    signed.signature,
  );
  if (compareBytes(signer, change.author) !== 0) {
    throw new SottoError('INVALID_SIGNATURE', 'The change was not signed by its author.', {
      reason: 'signed by another key',
    });
  }
  for (const member of namedMembers(change)) crypto.secp256k1.parsePublicKey(member);
  return {
    id: encodeHex(crypto.keccak256(signed.change)),
    change,
    author: encodeHex(change.author),
    encoded: copyBytes(encoded),
  };
}

function namedMembers({ action }: GroupChange): readonly Uint8Array[] {
  switch (action?.$case) {
    case 'create':
      return action.value.members;
    case 'add':
    case 'remove':
    case 'promote':
    case 'demote':
      return action.value.identities;
    default:
      return [];
  }
}

function problemOf(change: GroupChange): string | undefined {
  const { action, author, parents, groupId, depth } = change;
  if (action === undefined) return 'an action that this version does not know';
  if (author.length !== 33) return 'no author';
  const creates = action.$case === 'create';
  if (creates ? groupId.length !== 0 || parents.length !== 0 || depth !== 0n : groupId.length !== 32) {
    return 'a wrong group id';
  }
  if (!creates && (parents.length === 0 || depth === 0n)) return 'no parents';
  if (parents.length > GROUP_MEMBERS_MAX || parents.some((parent) => parent.length !== 32))
    return 'wrong parents';
  if (parents.some((parent, i) => i > 0 && compareBytes(parents[i - 1] as Uint8Array, parent) >= 0)) {
    return 'parents out of order';
  }
  const members = namedMembers(change);
  if (members.length > GROUP_MEMBERS_MAX) return 'too many members';
  if (members.some((member) => member.length !== 33)) return 'a member that is no identity';
  const name = creates ? action.value.name : action.$case === 'rename' ? action.value : '';
  if (encodeUtf8(name).length > GROUP_NAME_MAX_BYTES) return 'too long a name';
  return undefined;
}

/** The membership that a list of changes in order stands for: 32 bytes. */
export function membershipOf(crypto: CryptoProvider, changes: readonly VerifiedChange[]): Uint8Array {
  return crypto.keccak256(concatBytes(...changes.map(({ id }) => encodeUtf8(id))));
}

/** The largest of some depths; -1 of none. */
export function deepest(depths: readonly bigint[]): bigint {
  let most = -1n;
  for (const depth of depths) if (depth > most) most = depth;
  return most;
}
