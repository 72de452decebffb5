import { describe, expect, it } from 'vitest';
import { statusGroupId } from '../../src/client/index.js';
import {
  CONTENT_TYPE,
  decodeSegment,
  MEMBERSHIP_EVENT_TYPE,
  type Segment,
  SegmentAssembler,
} from '../../src/index.js';
import { event, newGroup, people, tell } from './group-support.js';
import { quiet } from './party.js';
import { crypto } from './status-peer.js';

describe('a stranger', () => {
  it('is not accepted because a friend joins the group to which the stranger added both', async () => {
    const { network, clock, alice, friend, mallory } = await people();
    const group = newGroup(mallory, 1, [alice, friend], clock.now());
    const groupId = statusGroupId(crypto, group.chatId);
    await mallory.text(alice.identity, 'be my contact', { contentType: CONTENT_TYPE.contactRequest });
    await tell(mallory, alice, group);
    await quiet(network, alice, mallory, friend);
    const joined = event(friend, group.chatId, MEMBERSHIP_EVENT_TYPE.memberJoined, clock.now() + 1_000);
    await tell(friend, alice, { ...group, events: [...group.events, joined] });
    await quiet(network, alice, friend, mallory);
    expect(await alice.messenger.requests.isAccepted(mallory.identity.publicKey)).toBe(false);
    expect((await alice.status.groups.get(groupId))?.state).toBe('invited');
    expect(mallory.heard).toEqual([]);
  });

  it("who fills the places of invitations doesn't keep friends out once the user has left those groups", async () => {
    const { network, clock, alice, friend, mallory } = await people();
    for (let n = 0; n < 64; n++) {
      await tell(mallory, alice, newGroup(mallory, n, [alice], clock.now()));
      if (n % 8 === 7) await quiet(network, alice, mallory);
    }
    const groups = await alice.status.groups.list();
    expect(groups).toHaveLength(64);
    for (const { id } of groups) await alice.status.groups.leave(id);
    await quiet(network, alice, mallory);
    const invitation = newGroup(friend, 1_001, [alice], clock.now());
    await tell(friend, alice, invitation);
    await quiet(network, alice, friend);
    expect((await alice.status.groups.get(statusGroupId(crypto, invitation.chatId)))?.state).toBe('joined');
  });

  it('whose request is declined is not accepted by that, and learns nothing', async () => {
    const { network, alice, mallory } = await people();
    await mallory.text(alice.identity, 'be my contact', { contentType: CONTENT_TYPE.contactRequest });
    await quiet(network, alice, mallory);
    await alice.status.contacts.retract(mallory.identity.publicKey);
    await quiet(network, alice, mallory);
    expect(await alice.messenger.requests.isAccepted(mallory.identity.publicKey)).toBe(false);
    expect(mallory.heard).toEqual([]);
  });

  it('cannot make us hash megabytes for a few small segments', () => {
    let hashed = 0;
    const counting = {
      ...crypto,
      keccak256: (...parts: readonly Uint8Array[]) => {
        hashed += parts.reduce((sum, { length }) => sum + length, 0);
        return crypto.keccak256(...parts);
      },
    };
    const assembler = new SegmentAssembler({ crypto: counting });
    const segment = (rest: Partial<Segment>): Segment => ({
      entireMessageHash: new Uint8Array(32),
      index: 0,
      segmentsCount: 0,
      payload: new Uint8Array(4_096),
      paritySegmentIndex: 0,
      paritySegmentsCount: 0,
      ...rest,
    });
    assembler.add(segment({ segmentsCount: 2 }), 'mallory', 0);
    for (let i = 0; i < 3; i++)
      assembler.add(segment({ paritySegmentIndex: i, paritySegmentsCount: 8 }), 'mallory', 0);
    expect(hashed).toBeLessThan(1024 * 1024);
    expect(decodeSegment(new Uint8Array())).toBeUndefined();
  });

  it('cannot make us keep more messages by writing under many keys', () => {
    const assembler = new SegmentAssembler({ crypto });
    const one = (n: number): Segment => ({
      entireMessageHash: new Uint8Array(32).fill(n % 251),
      index: 0,
      segmentsCount: 2,
      payload: new Uint8Array(1),
      paritySegmentIndex: 0,
      paritySegmentsCount: 0,
    });
    for (let n = 0; n < 5_000; n++) assembler.add(one(n), `sender ${n}`, 0);
    expect(assembler.bytes).toBe(1_024);
  });
});
