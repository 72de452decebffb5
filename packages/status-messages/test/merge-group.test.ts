import { createPortableProvider } from '@sotto/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatIdentity,
  groupChatId,
  MEMBERSHIP_EVENT_TYPE,
  type MembershipEvent,
  openGroup,
  PROFILE_2024,
  type SignedMembershipEvent,
  signMembershipEvent,
} from '../src/index.js';
import { mergeGroup } from '../src/merge-group.js';

const crypto = createPortableProvider();
const people = Array.from({ length: 4 }, () => crypto.secp256k1.generateKeyPair());
const keys = people.map(({ publicKey }) => formatIdentity(crypto, publicKey));
const chatId = groupChatId('00000000-0000-4000-8000-000000000001', keys[0] as string);
const types = MEMBERSHIP_EVENT_TYPE;

const LIMITS = {
  maxAddedByMembers: 100,
  maxEventsPerMember: 100,
  maxEventsOfMembers: 100,
  maxEventBytes: 10_000,
};

function sign(author: number, event: Partial<MembershipEvent> & Pick<MembershipEvent, 'type' | 'clock'>) {
  const empty = { members: [], name: '', color: '', image: new Uint8Array(0) };
  return signMembershipEvent(crypto, people[author] as (typeof people)[number], chatId, {
    ...empty,
    ...event,
  });
}

const creation = sign(0, { type: types.created, clock: 10n, name: 'crew' });
const addition = sign(0, { type: types.membersAdded, clock: 11n, members: keys.slice(1, 3) });

const merge = (events: readonly SignedMembershipEvent[], limits = LIMITS) =>
  mergeGroup(crypto, chatId, events, PROFILE_2024, limits);

const anyEvent = fc
  .record({
    author: fc.nat(3),
    type: fc.integer({ min: 1, max: 10 }),
    clock: fc.integer({ min: 1, max: 30 }),
    about: fc.array(fc.nat(3), { maxLength: 2 }),
  })
  .map(({ author, type, clock, about }) =>
    sign(author, {
      type,
      clock: BigInt(clock),
      members: [...new Set(about)].map((n) => keys[n] as string),
      name: 'name',
      color: '#112233',
      image: Uint8Array.of(1),
    }),
  );

describe('events of a group from anybody, put together', () => {
  it('are valid as a whole for deployed clients, once those without effect are left out', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 12 }), (events) => {
        const merged = merge([...events, creation, addition]);
        const opened = openGroup(
          crypto,
          chatId,
          merged.events.map(({ raw }) => raw),
          { profile: PROFILE_2024, nowMs: 1_000n },
        );
        for (const what of ['name', 'color', 'members', 'joined', 'admins'] as const)
          expect(opened[what]).toEqual(merged[what]);
      }),
      { numRuns: 40 },
    );
  });

  it('come to the same in whatever order they arrive', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyEvent, { maxLength: 10, selector: ({ clock }) => clock }), (events) => {
        const all = [creation, addition, ...events.filter(({ clock }) => clock !== 10n && clock !== 11n)];
        expect(merge([...all].reverse()).members).toEqual(merge(all).members);
      }),
      { numRuns: 40 },
    );
  });

  it('need the creation by the one whose key ends the id of the group', () => {
    const forged = sign(1, { type: types.created, clock: 1n, name: 'mine' });
    expect(() => merge([forged, addition])).toThrow(expect.objectContaining({ code: 'MALFORMED_MESSAGE' }));
    expect(merge([forged, creation, addition]).name).toBe('crew');
  });

  it('count of a member up to the limits, and of administrators beyond them', () => {
    const limits = { ...LIMITS, maxEventsPerMember: 2, maxEventsOfMembers: 3 };
    const joins = [1, 2].flatMap((author) =>
      Array.from({ length: 4 }, (_, n) =>
        sign(author, { type: types.memberJoined, clock: BigInt(20 + 10 * author + n) }),
      ),
    );
    const promotion = sign(0, { type: types.adminsAdded, clock: 50n, members: [keys[1] as string] });
    const removal = sign(1, { type: types.memberRemoved, clock: 60n, members: [keys[2] as string] });
    const { events, ignored, members } = merge([creation, addition, ...joins, promotion, removal], limits);
    // Joining itself is free; of the three that change nothing, two and one are kept.
    expect(events).toHaveLength(2 + 2 + 3 + 2);
    expect(new Set(ignored.map(({ error }) => error.code))).toEqual(new Set(['LIMIT_EXCEEDED']));
    expect(members.has(keys[2] as string)).toBe(false);
  });
});
