import { compareBytes, decodeHex, encodeHex, encodeUtf8, type KeyPair, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { Change, SignedChange } from './generated/sotto/group_log/v1/group_log.js';
import { CHANGE_MAX_BYTES, CHANGE_PARENTS_MAX, GROUP_MEMBERS_MAX, GROUP_NAME_MAX_BYTES } from './limits.js';

/** The primitives that a log needs. */
export type LogCrypto = Pick<CryptoProvider, 'keccak256'> & {
  readonly secp256k1: Pick<
    CryptoProvider['secp256k1'],
    'signRecoverable' | 'recoverPublicKey' | 'parsePublicKey'
  >;
};

/** What a change does. Identities are 33 bytes each; in a signed change they stand in ascending order. */
export type GroupAction =
  | { readonly kind: 'create'; readonly name: string; readonly members: readonly Uint8Array[] }
  | { readonly kind: 'rename'; readonly name: string }
  | { readonly kind: 'add' | 'remove' | 'promote' | 'demote'; readonly identities: readonly Uint8Array[] }
  | { readonly kind: 'leave' };

/** The kind of a change. */
export type ChangeKind = GroupAction['kind'];

/** A well-formed change. Neither its signature nor its author's authority has been checked. */
export interface ParsedChange {
  /** KECCAK-256 of the change, 64 hex digits. */
  readonly id: string;
  /** Author in hex. */
  readonly author: string;
  /** What it does. */
  readonly kind: ChangeKind;
  /** The group in hex: its own id for the change that creates it. */
  readonly groupId: string;
  /** Ids of the parents in hex, ascending. */
  readonly parents: readonly string[];
  /** Milliseconds since the epoch, as the author claims. */
  readonly time: number;
  /** Name of the group for `create` and `rename`, otherwise `undefined`. */
  readonly name: string | undefined;
  /** Identities that the action names, in hex, ascending; of `leave` the author. */
  readonly names: readonly string[];
  /** The encoded SignedChange; a copy. */
  readonly encoded: Uint8Array;
}

const SIGNATURE_CONTEXT = encodeUtf8('sotto group change 1');
/** Bytes of the salt of a created group. */
const SALT_LENGTH = 16;

function malformed(reason: string, cause?: unknown): SottoError {
  return new SottoError(
    'MALFORMED_MESSAGE',
    'Not a valid change of a group.',
    { what: 'Change', reason },
    { cause },
  );
}

/**
 * Signs a change as its author. Whether it is allowed is decided when it is applied to a log.
 *
 * @param change `parents` in hex, in any order, none for `create`; `salt` 16 random bytes, for `create` alone
 * @returns the encoded SignedChange
 */
export function signChange(
  crypto: LogCrypto,
  identity: KeyPair,
  change: {
    readonly groupId: string | undefined;
    readonly parents: readonly string[];
    readonly time: number;
    readonly action: GroupAction;
    readonly salt?: Uint8Array | undefined;
  },
): Uint8Array {
  const bytes = Change.encode({
    groupId: change.groupId === undefined ? new Uint8Array(0) : decodeHex(change.groupId),
    author: identity.publicKey,
    parents: change.parents.map(decodeHex).sort(compareBytes),
    time: BigInt(Math.trunc(change.time)),
    action: encodedAction(change.action, change.salt),
  }).finish();
  const digest = crypto.keccak256(SIGNATURE_CONTEXT, bytes);
  const signature = crypto.secp256k1.signRecoverable(digest, identity.privateKey);
  return SignedChange.encode({ change: bytes, signature }).finish();
}

function encodedAction(action: GroupAction, salt: Uint8Array | undefined): Change['action'] {
  switch (action.kind) {
    case 'create':
      return {
        $case: 'create',
        value: { name: action.name, members: ascending(action.members), salt: salt ?? new Uint8Array(0) },
      };
    case 'rename':
      return { $case: 'rename', value: action.name };
    case 'leave':
      return { $case: 'leave', value: {} };
    default:
      return { $case: action.kind, value: { identities: ascending(action.identities) } };
  }
}

/** Each once, in ascending order. */
function ascending(identities: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(identities.map((one) => [encodeHex(one), one])).values()].sort(compareBytes);
}

/**
 * The id of a change, even if the change is invalid: known ones need no further checks.
 * @param encoded borrowed
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function changeIdOf(crypto: LogCrypto, encoded: Uint8Array): string {
  checkSize(encoded);
  try {
    return encodeHex(crypto.keccak256(SignedChange.decode(encoded).change));
  } catch (cause) {
    throw malformed('cannot be decoded', cause);
  }
}

function checkSize(encoded: Uint8Array): void {
  if (encoded.length > CHANGE_MAX_BYTES) {
    throw new SottoError('LIMIT_EXCEEDED', 'The change of the group is too large.', {
      what: 'bytes of a group change',
      limit: CHANGE_MAX_BYTES,
      actual: encoded.length,
    });
  }
}

/**
 * Reads a change and checks its form: lengths, order, counts, canonical encoding. Costs two hashes at most and no
 * arithmetic on the curve.
 *
 * @param encoded borrowed
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function parseChange(crypto: LogCrypto, encoded: Uint8Array): ParsedChange {
  checkSize(encoded);
  let signed: SignedChange;
  let change: Change;
  let reencoded: Uint8Array;
  try {
    signed = SignedChange.decode(encoded);
    change = Change.decode(signed.change);
    reencoded = Change.encode(change).finish();
  } catch (cause) {
    throw malformed('cannot be decoded', cause);
  }
  const problem = problemOf(change);
  if (problem !== undefined) throw malformed(problem);
  if (signed.signature.length !== 65) throw malformed('a signature of the wrong length');
  if (compareBytes(reencoded, signed.change) !== 0) throw malformed('not in canonical form');
  const id = encodeHex(crypto.keccak256(signed.change));
  const author = encodeHex(change.author);
  const action = change.action as NonNullable<Change['action']>;
  return {
    id,
    author,
    kind: action.$case,
    groupId: action.$case === 'create' ? id : encodeHex(change.groupId),
    parents: change.parents.map(encodeHex),
    time: Number(change.time),
    name:
      action.$case === 'create' ? action.value.name : action.$case === 'rename' ? action.value : undefined,
    names: action.$case === 'leave' ? [author] : namedBy(action).map(encodeHex),
    encoded: SignedChange.encode(signed).finish(),
  };
}

/**
 * Whether the author signed the change.
 * @throws INVALID_SIGNATURE
 */
export function checkSignature(crypto: LogCrypto, { encoded, author }: ParsedChange): void {
  const { change, signature } = SignedChange.decode(encoded);
  const signer = crypto.secp256k1.recoverPublicKey(crypto.keccak256(SIGNATURE_CONTEXT, change), signature);
  if (encodeHex(signer) !== author) {
    throw new SottoError('INVALID_SIGNATURE', 'The change was not signed by its author.', {
      reason: 'signed by another key',
    });
  }
}

function namedBy(action: NonNullable<Change['action']>): readonly Uint8Array[] {
  switch (action.$case) {
    case 'create':
      return action.value.members;
    case 'rename':
    case 'leave':
      return [];
    default:
      return action.value.identities;
  }
}

function problemOf({ action, author, parents, groupId }: Change): string | undefined {
  if (action === undefined) return 'an action that this version does not know';
  if (!isKey(author)) return 'no author';
  const creates = action.$case === 'create';
  if (groupId.length !== (creates ? 0 : 32)) return 'a group id of the wrong length';
  if (creates ? parents.length > 0 : parents.length === 0) return 'a wrong number of parents';
  if (parents.length > CHANGE_PARENTS_MAX) return 'too many parents';
  if (parents.some((parent) => parent.length !== 32)) return 'a parent that is not an id';
  if (!areAscending(parents)) return 'parents out of order';
  const named = namedBy(action);
  if (named.length > GROUP_MEMBERS_MAX - (creates ? 1 : 0)) return 'too many identities';
  if (named.length === 0 && !creates && action.$case !== 'rename' && action.$case !== 'leave') {
    return 'no identities';
  }
  if (!named.every(isKey)) return 'an identity that is not a compressed key';
  if (!areAscending(named)) return 'identities out of order';
  if (creates && named.some((one) => compareBytes(one, author) === 0)) return 'the creator among the members';
  if (creates && action.value.salt.length !== SALT_LENGTH) return 'a salt of the wrong length';
  const name = creates ? action.value.name : action.$case === 'rename' ? action.value : '';
  return encodeUtf8(name).length > GROUP_NAME_MAX_BYTES ? 'a name that is too long' : undefined;
}

function isKey(bytes: Uint8Array): boolean {
  return bytes.length === 33 && (bytes[0] === 2 || bytes[0] === 3);
}

function areAscending(list: readonly Uint8Array[]): boolean {
  return list.every((one, at) => at === 0 || compareBytes(list[at - 1] as Uint8Array, one) < 0);
}
