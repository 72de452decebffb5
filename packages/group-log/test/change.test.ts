import { compareBytes, decodeHex, encodeHex } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { changeIdOf, checkSignature } from '../src/change.js';
import { Change, SignedChange } from '../src/generated/sotto/group_log/v1/group_log.js';
import { type GroupAction, parseChange, signChange } from '../src/index.js';
import { cheapCrypto, keysOf, type Person, people, person } from './world.js';

const [ann, bob, cid] = people('ann', 'bob', 'cid') as [Person, Person, Person];
const keys = (...who: Person[]) => keysOf(...who).toSorted(compareBytes);
const salt = new Uint8Array(16).fill(7);
const parents = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const groupId = new Uint8Array(32).fill(9);

/** A change as anyone could encode it. */
function encoded(change: Partial<Change>, signature = new Uint8Array(65)): Uint8Array {
  const whole = { groupId, author: ann.keys.publicKey, parents, time: 0n, action: undefined, ...change };
  return SignedChange.encode({ change: Change.encode(whole as Change).finish(), signature }).finish();
}

const parse = (bytes: Uint8Array) => parseChange(cheapCrypto, bytes);
function reasonOf(bytes: Uint8Array): string {
  try {
    parse(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: 'MALFORMED_MESSAGE', details: { what: 'Change' } });
    return (error as { details: { reason: string } }).details.reason;
  }
  return 'none';
}

const creation = ({
  name = 'g',
  members = [] as Uint8Array[],
  ...rest
}: {
  name?: string;
  members?: Uint8Array[];
  salt?: Uint8Array;
} = {}): Partial<Change> => ({
  groupId: new Uint8Array(0),
  parents: [],
  action: { $case: 'create', value: { name, members, salt, ...rest } },
});
const addition = (identities: Uint8Array[]) => ({ action: { $case: 'add', value: { identities } } as const });
const renaming = (value: string) => ({ action: { $case: 'rename', value } as const });
const leaving = { action: { $case: 'leave', value: {} } as const };
const crowd = (count: number) =>
  keysOf(...Array.from({ length: count }, (_, i) => person(`crowd ${i}`))).toSorted(compareBytes);

describe('a change of a group as bytes', () => {
  it.each<[string, Partial<Change>]>([
    ['a creation', creation({ members: keys(bob, cid) })],
    ['a creation without members, and without a name', creation({ name: '' })],
    ['a creation of the largest group', creation({ members: crowd(999) })],
    ['an addition', addition(keys(bob, cid))],
    ['a renaming', renaming('new')],
    ['a renaming to nothing', renaming('')],
    ['a leaving', leaving],
    ['the longest name', renaming('é'.repeat(128))],
    [
      'as many parents as may be',
      { ...leaving, parents: Array.from({ length: 16 }, (_, i) => groupId.with(0, i)) },
    ],
    ['as many identities as a group has', addition(crowd(1000))],
  ])('%s is well-formed', (_, change) => {
    expect(reasonOf(encoded(change))).toBe('none');
  });

  it.each<[string, Partial<Change>]>([
    ['an action that this version does not know', { action: undefined }],
    ['no author', { ...leaving, author: new Uint8Array(0) }],
    ['no author', { ...leaving, author: ann.keys.publicKey.with(0, 4) }],
    ['no author', { ...leaving, author: new Uint8Array(34).fill(2) }],
    ['a group id of the wrong length', { ...leaving, groupId: new Uint8Array(0) }],
    ['a group id of the wrong length', { ...leaving, groupId: new Uint8Array(33) }],
    ['a group id of the wrong length', { ...creation(), groupId }],
    ['a wrong number of parents', { ...leaving, parents: [] }],
    ['a wrong number of parents', { ...creation(), parents }],
    ['too many parents', { ...leaving, parents: Array.from({ length: 17 }, (_, i) => groupId.with(0, i)) }],
    ['a parent that is not an id', { ...leaving, parents: [new Uint8Array(31)] }],
    ['a parent that is not an id', { ...leaving, parents: [parents[0]!, new Uint8Array(33).fill(3)] }],
    ['parents out of order', { ...leaving, parents: parents.toReversed() }],
    ['parents out of order', { ...leaving, parents: [parents[0]!, parents[0]!] }],
    ['too many identities', addition(crowd(1001))],
    ['too many identities', creation({ members: crowd(1000) })],
    ['no identities', addition([])],
    ['an identity that is not a compressed key', addition([new Uint8Array(33).fill(4)])],
    ['an identity that is not a compressed key', addition([new Uint8Array(32).fill(2)])],
    ['an identity that is not a compressed key', creation({ members: [new Uint8Array(33)] })],
    ['identities out of order', addition(keys(bob, cid).toReversed())],
    ['identities out of order', addition([...keys(bob), ...keys(bob)])],
    ['the creator among the members', creation({ members: keys(ann, bob) })],
    ['a salt of the wrong length', creation({ salt: new Uint8Array(15) })],
    ['a salt of the wrong length', creation({ salt: new Uint8Array(0) })],
    ['a name that is too long', renaming('é'.repeat(128).concat('e'))],
    ['a name that is too long', creation({ name: 'n'.repeat(257) })],
  ])('is refused for %s', (reason, change) => {
    expect(reasonOf(encoded(change))).toBe(reason);
  });

  it('is refused with a signature of another length, in another encoding, and when it is none', () => {
    expect(reasonOf(encoded(leaving, new Uint8Array(64)))).toBe('a signature of the wrong length');
    const { change } = SignedChange.decode(encoded(leaving));
    const longer = SignedChange.encode({
      change: Uint8Array.of(...change, 0xfa, 0x01, 0),
      signature: new Uint8Array(65),
    }).finish();
    expect(reasonOf(longer)).toBe('not in canonical form');
    expect(reasonOf(Uint8Array.of(0x0a, 5, 1))).toBe('cannot be decoded');
    expect(reasonOf(SignedChange.encode({ change: Uint8Array.of(9), signature: salt }).finish())).toBe(
      'cannot be decoded',
    );
    expect(() => parse(Uint8Array.of(0x0a, 5, 1))).toThrow(
      expect.objectContaining({ cause: expect.any(Error) }),
    );
  });

  it('is refused when it is too large, before it is decoded', () => {
    const error = expect.objectContaining({
      code: 'LIMIT_EXCEEDED',
      details: { what: 'bytes of a group change', limit: 64 * 1024, actual: 64 * 1024 + 1 },
    });
    expect(() => parse(new Uint8Array(64 * 1024 + 1))).toThrow(error);
    expect(() => changeIdOf(cheapCrypto, new Uint8Array(64 * 1024 + 1))).toThrow(error);
    expect(reasonOf(new Uint8Array(64 * 1024).fill(0xff))).toBe('cannot be decoded');
    expect(() => changeIdOf(cheapCrypto, new Uint8Array(64 * 1024).fill(0xff))).toThrow(
      expect.objectContaining({
        code: 'MALFORMED_MESSAGE',
        details: { what: 'Change', reason: 'cannot be decoded' },
      }),
    );
  });

  it('says what its author signed: lists once and in order, whatever their order was', () => {
    const signed = (
      action: GroupAction,
      more: { groupId?: string; parents?: string[]; salt?: Uint8Array } = {},
    ) =>
      parse(
        signChange(cheapCrypto, ann.keys, {
          groupId: encodeHex(groupId),
          parents: parents.map(encodeHex).toReversed(),
          time: 1234.9,
          action,
          ...more,
        }),
      );
    const ascending = keys(bob, cid).map(encodeHex);
    const common = {
      author: ann.hex,
      groupId: encodeHex(groupId),
      parents: parents.map(encodeHex),
      time: 1234,
    };
    const named = keysOf(cid, bob, cid);
    for (const kind of ['add', 'remove', 'promote', 'demote'] as const) {
      expect(signed({ kind, identities: named })).toMatchObject({
        ...common,
        kind,
        names: ascending,
        name: undefined,
      });
    }
    expect(signed({ kind: 'rename', name: 'new' })).toMatchObject({ ...common, names: [], name: 'new' });
    expect(signed({ kind: 'leave' })).toMatchObject({ ...common, names: [ann.hex], name: undefined });
    const made = signed(
      { kind: 'create', name: 'g', members: named },
      { groupId: undefined as never, parents: [], salt },
    );
    expect(made).toMatchObject({
      kind: 'create',
      names: ascending,
      name: 'g',
      parents: [],
      groupId: made.id,
    });
    expect(changeIdOf(cheapCrypto, made.encoded)).toBe(made.id);
    expect(() => checkSignature(cheapCrypto, made)).not.toThrow();
    const { change, signature } = SignedChange.decode(made.encoded);
    const byBob = signature.slice();
    byBob.set(bob.keys.publicKey);
    const forged = parse(SignedChange.encode({ change, signature: byBob }).finish());
    expect(() => checkSignature(cheapCrypto, forged)).toThrow(
      expect.objectContaining({
        code: 'INVALID_SIGNATURE',
        details: { reason: 'signed by another key' },
      }),
    );
    expect(decodeHex(made.id)).toEqual(cheapCrypto.keccak256(change));
  });

  it('that creates a group without a salt is refused', () => {
    const bytes = signChange(cheapCrypto, ann.keys, {
      groupId: undefined,
      parents: [],
      time: 0,
      action: { kind: 'create', name: 'g', members: [] },
    });
    expect(reasonOf(bytes)).toBe('a salt of the wrong length');
  });
});
