import { encodeHex } from '@sotto/core';
import { settableClock } from '@sotto/testing/clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Timer } from '../src/conversation-message.js';
import { encodeConversationMessage } from '../src/conversation-message.js';
import { changedAfter, replaces } from '../src/disappearing.js';
import {
  conversationKey,
  DISAPPEARING_MAX_SECONDS,
  describeNotice,
  openTimeline,
  type Timeline,
} from '../src/index.js';
import { SteadyTime } from '../src/steady-time.js';
import { circle, last } from './circle.js';
import { direct, lineOf, newParty, type Party, quiet } from './party.js';

const MINUTE = 60_000;

async function two({ status = false } = {}) {
  const { parties, ...rest } = await circle(['alice', 'bob'], { status });
  const [alice, bob] = parties as [Party, Party];
  return { ...rest, alice, bob, to: direct(bob.identity), from: direct(alice.identity) };
}

async function pass(milliseconds: number, ...parties: readonly Party[]): Promise<void> {
  for (const { clock } of parties) await clock.advanceAndRest(milliseconds);
  for (const { conversations } of parties) await conversations.list();
}

const lines = async (party: Party, other: Party) =>
  (await party.conversations.entries(direct(other.identity))).map(lineOf);

/** Keys of a party's records that hold anything about messages that disappear. */
async function records(party: Party): Promise<readonly string[]> {
  const found: string[] = [];
  for (const prefix of ['app/conversations/expiry/', 'app/conversations/unread-timer/'])
    for await (const { key } of party.kept.store.list(prefix)) found.push(key);
  return found;
}

describe.each([{ status: false }, { status: true }])(
  'messages that disappear, with Status clients $status',
  ({ status }) => {
    it('do so after they were read or sent; both sides know who set it', async () => {
      const { alice, bob, to, from, settle } = await two({ status });
      await alice.conversations.send(to, 'stays');
      await alice.conversations.setDisappearing(to, 60);
      const sent = await alice.conversations.send(to, 'goes');
      await alice.conversations.sendFile(to, Uint8Array.of(1), { text: 'goes, too' });
      expect(sent).toMatchObject({ timer: 60, content: { kind: 'text', text: 'goes' } });
      await settle();
      const stays = status ? 'delivered' : 'sent';
      expect(await lines(alice, bob)).toEqual([
        `> stays ${stays} pq`,
        '! disappearing-changed',
        '> goes sent pq',
        '> file sent pq',
      ]);
      const notice = { what: 'disappearing-changed', by: alice.identity.publicKey, seconds: 60 };
      for (const [party, conversation] of [
        [alice, to],
        [bob, from],
      ] as const) {
        expect(party.conversations.get(conversation)?.disappearing).toBe(60);
        expect((await party.conversations.entries(conversation))[1]).toMatchObject({ notice });
      }
      await pass(MINUTE, alice, bob);
      expect(await lines(alice, bob)).toEqual([`> stays ${stays} pq`, '! disappearing-changed']);
      expect(alice.conversations.get(to)?.lastMessage?.content).toEqual({ kind: 'text', text: 'stays' });
      // Bob has not read them.
      expect(await lines(bob, alice)).toHaveLength(4);
      await bob.conversations.markRead(from);
      expect(await last(bob, from)).toMatchObject({ timer: 60, expiresAt: bob.clock.now() + MINUTE });
      await pass(MINUTE - 1, bob);
      expect(await lines(bob, alice)).toHaveLength(4);
      await pass(1, bob);
      expect(await lines(bob, alice)).toHaveLength(2);
      expect(bob.changes).toContainEqual({
        what: 'conversation',
        key: `d-${encodeHex(alice.identity.publicKey)}`,
        numbers: [2, 3],
      });
      for (const party of [alice, bob]) expect(await records(party)).toEqual([]);
    });

    it('stop to do so when either side says so', async () => {
      const { alice, bob, to, from, settle } = await two({ status });
      await alice.conversations.setDisappearing(to, 60);
      await settle();
      await bob.conversations.setDisappearing(from, undefined);
      await settle();
      await alice.conversations.send(to, 'stays');
      await settle();
      expect(alice.conversations.get(to)?.disappearing).toBeUndefined();
      await pass(2 * MINUTE, alice, bob);
      expect((await lines(alice, bob)).filter((line) => !line.startsWith('!'))).toHaveLength(1);
      expect(await last(bob, from)).toMatchObject({ timer: undefined, content: { text: 'stays' } });
      expect((await last(alice, to)).reference === undefined).toBe(!status);
    });

    it('are gone after a restart, before anything is shown', async () => {
      const { alice, bob, to, from, settle } = await two({ status });
      await alice.conversations.setDisappearing(to, 60);
      await alice.conversations.send(to, 'goes');
      await settle();
      await bob.conversations.markRead(from);
      for (const party of [alice, bob]) {
        await party.stop();
        party.clock.jump(MINUTE);
        await party.open({ start: false });
        expect((await party.conversations.entries(party === alice ? to : from)).map(lineOf)).toEqual([
          '! disappearing-changed',
        ]);
        const summary = party.conversations.get(party === alice ? to : from);
        expect(summary).toMatchObject({ lastMessage: undefined, disappearing: 60 });
      }
    });
  },
);

describe('messages that disappear', () => {
  it('stay while they are not sent', async () => {
    const { alice, to, refusal, settle } = await two();
    await alice.conversations.setDisappearing(to, 60);
    await settle();
    refusal.refuses = true;
    const { id } = await alice.conversations.send(to, 'goes');
    await settle();
    await pass(2 * MINUTE, alice);
    expect(await last(alice, to)).toMatchObject({ id, state: 'failed', expiresAt: undefined });
    refusal.refuses = false;
    await alice.conversations.retry(id);
    await settle();
    expect(await last(alice, to)).toMatchObject({ id, expiresAt: alice.clock.now() + MINUTE });
    await pass(MINUTE, alice);
    expect(await alice.conversations.entries(to)).toHaveLength(1);
  });

  it('that were sent before the program ended go when it is there again', async () => {
    const { alice, bob, to, network, settle } = await two();
    await alice.conversations.setDisappearing(to, 60);
    await settle();
    alice.kept.failWith((keys) => {
      if (keys.some((key) => key.startsWith('app/conversations/expiry/'))) throw new Error('killed');
    });
    await alice.conversations.send(to, 'goes').catch(() => undefined);
    await settle();
    await alice.stop();
    alice.kept.failWith(undefined);
    await alice.open();
    expect(await last(alice, to)).toMatchObject({ state: 'sent', expiresAt: alice.clock.now() + MINUTE });
    await pass(MINUTE, alice);
    expect(await alice.conversations.entries(to)).toHaveLength(1);
    network.disconnect(bob.identity.publicKey);
  });

  it('are deleted once the store works again', async () => {
    const { alice, to, settle } = await two();
    await alice.conversations.setDisappearing(to, 60);
    await alice.conversations.send(to, 'goes');
    await settle();
    alice.kept.failWith((keys) => {
      if (keys.some((key) => key.startsWith('app/conversations/entry/'))) throw new Error('full');
    });
    await pass(MINUTE, alice);
    // Not shown even so.
    expect(await alice.conversations.entries(to)).toHaveLength(1);
    expect(await records(alice)).toHaveLength(1);
    alice.kept.failWith(undefined);
    await pass(MINUTE, alice);
    expect(await records(alice)).toEqual([]);
  });

  it('of a copy of ours begin when another device of ours has it', async () => {
    const { network, alice, bob, to, settle } = await two();
    const laptop = await newParty(network, 'alice-2', { identity: alice.identity });
    for (const device of [alice, laptop]) await device.messenger.devices.announce();
    await settle(alice, bob, laptop);
    await alice.messenger.devices.enable('alice-2');
    await laptop.messenger.devices.enable('alice-1');
    await settle(alice, bob, laptop);
    await alice.conversations.setDisappearing(to, 60);
    await alice.conversations.send(to, 'goes');
    await settle(alice, bob, laptop);
    expect(await last(laptop, to)).toMatchObject({ own: true, expiresAt: laptop.clock.now() + MINUTE });
    expect(laptop.conversations.get(to)?.disappearing).toBe(60);
    await pass(MINUTE, laptop);
    expect((await lines(laptop, bob)).at(-1)).toBe('! disappearing-changed');
  });

  it('many at once go, whatever stands between them; unread ones stay', async () => {
    const { alice, bob, to, from, settle } = await two();
    await alice.conversations.send(to, 'stays');
    await alice.conversations.setDisappearing(to, 60);
    for (let n = 0; n < 150; n++) await alice.conversations.send(to, `goes ${n}`);
    await settle();
    await bob.conversations.markRead(from);
    await alice.conversations.send(to, 'not read');
    await settle();
    await pass(MINUTE, alice, bob);
    expect(await lines(alice, bob)).toEqual(['> stays sent pq', '! disappearing-changed']);
    expect(await lines(bob, alice)).toEqual([
      '< stays received pq',
      '! disappearing-changed',
      '< not read received pq',
    ]);
    expect(bob.conversations.get(from)).toMatchObject({ unread: 1 });
    expect(await records(bob)).toHaveLength(1);
    await bob.conversations.deleteForMe(from, await last(bob, from));
    expect(await records(bob)).toEqual([]);
  });

  it('leave no empty window behind, and none is in the way of what is before and after them', async () => {
    const { alice, to, settle } = await two();
    for (let n = 0; n < 8; n++) await alice.conversations.send(to, `stays ${n}`);
    await alice.conversations.setDisappearing(to, 60);
    for (let n = 0; n < 70; n++) await alice.conversations.send(to, `goes ${n}`);
    await alice.conversations.setDisappearing(to, undefined);
    await alice.conversations.send(to, 'stays 8');
    await settle();
    const { clock } = alice;
    const options = { pageSize: 5, maxEntries: 10, clock, onChange: () => {} };
    const end = await openTimeline(alice.conversations, to, options);
    const middle = await openTimeline(alice.conversations, to, { ...options, at: 40 });
    const shown = ({ entries }: Timeline) =>
      entries.map(lineOf).map((line) => (line.startsWith('!') ? '!' : (line.split(' ')[2] as string)));
    expect(shown(middle)).toEqual(['29', '30', '31', '32', '33']);
    await pass(MINUTE + 1_000, alice);
    await middle.later();
    expect(shown(middle)).toEqual(['4', '5', '6', '7', '!', '!', '8']);
    expect(middle.hasLater).toBe(false);
    await end.toEnd();
    await end.earlier();
    expect(shown(end)).toEqual(['1', '2', '3', '4', '5', '6', '7', '!', '!', '8']);
    await end.earlier();
    expect([shown(end), end.hasEarlier, end.hasLater]).toEqual([
      ['0', '1', '2', '3', '4', '5', '6', '7', '!', '!'],
      false,
      true,
    ]);
    await end.later();
    expect(shown(end).at(-1)).toBe('8');
    for (const timeline of [end, middle]) timeline.close();
  });

  it('take nothing of a conversation that was removed and has begun again', async () => {
    const { alice, to, settle } = await two();
    await alice.conversations.setDisappearing(to, 60);
    await alice.conversations.send(to, 'goes');
    await settle();
    await alice.conversations.remove(to);
    expect(alice.conversations.get(to)).toBeUndefined();
    await pass(MINUTE / 2, alice);
    await alice.conversations.send(to, 'one');
    await alice.conversations.send(to, 'two');
    await settle();
    // When the time of the one that was removed comes.
    await pass(MINUTE / 2, alice);
    expect(await alice.conversations.entries(to)).toHaveLength(2);
    await pass(MINUTE / 2, alice);
    expect(await alice.conversations.entries(to)).toHaveLength(0);
  });

  it('go on to do so in a conversation that was removed and begins again, as they do for the others', async () => {
    const { alice, bob, to, from, settle } = await two();
    await alice.conversations.setDisappearing(to, 60);
    await settle();
    await alice.conversations.remove(to);
    await alice.stop();
    await alice.open();
    expect(await alice.conversations.send(to, 'goes')).toMatchObject({ timer: 60 });
    await settle();
    expect(alice.conversations.get(to)?.disappearing).toBe(60);
    expect(await last(bob, from)).toMatchObject({ timer: 60 });
    // A setting from before doesn't come back, nor does it begin the conversation.
    await alice.conversations.remove(to);
    const timer = { seconds: 5, changedAt: Math.floor(bob.clock.now() / 1_000) - 9 };
    await bob.messenger.send(from, encodeConversationMessage({ kind: 'timer-change', timer }));
    await settle();
    expect(alice.conversations.get(to)).toBeUndefined();
    await bob.conversations.setDisappearing(from, undefined);
    await settle();
    expect(alice.conversations.get(to)?.disappearing).toBeUndefined();
  });

  it('are in neither the list nor a page while a computer that has slept has not deleted them yet', async () => {
    const { alice, bob, to, from, settle } = await two();
    await bob.conversations.setDisappearing(from, 60);
    await bob.conversations.send(from, 'goes');
    await settle();
    await alice.conversations.markRead(to);
    expect(alice.conversations.get(to)?.lastMessage).toBeDefined();
    alice.clock.jump(24 * 60 * MINUTE);
    expect(alice.conversations.get(to)?.lastMessage).toBeUndefined();
    expect(alice.conversations.list()[0]).toMatchObject({ disappearing: 60, lastMessage: undefined });
    expect(await lines(alice, bob)).toEqual(['! disappearing-changed']);
    await settle();
    expect(await records(alice)).toEqual([]);
  });

  it('are not set by a stranger, who leaves no notices either, until the user accepts them', async () => {
    const { network, alice } = await two();
    const mallory = await newParty(network, 'mallory-1');
    const [them, to] = [direct(mallory.identity), direct(alice.identity)];
    await mallory.conversations.addContact(await alice.messenger.contacts.ownCode());
    await mallory.conversations.setDisappearing(to, 1);
    await quiet(network, alice, mallory);
    expect(alice.conversations.get(them)).toBeUndefined();
    await mallory.conversations.send(to, 'hello');
    for (let i = 0; i < 10; i++) {
      mallory.clock.jump(2_000);
      await mallory.conversations.setDisappearing(to, 2 + (i % 2));
    }
    await quiet(network, alice, mallory);
    expect(alice.conversations.get(them)).toMatchObject({ request: true, disappearing: undefined });
    expect((await lines(alice, mallory)).filter((line) => line.startsWith('!'))).toEqual([]);
    await alice.conversations.accept(mallory.identity.publicKey);
    await mallory.conversations.send(to, 'hello again');
    await quiet(network, alice, mallory);
    expect(alice.conversations.get(them)?.disappearing).toBe(3);
  });

  it('go all the same when another conversation is damaged, and so do those that were in it', async () => {
    const { parties, settle } = await circle(['alice', 'bob', 'carol'], { status: false });
    const [alice, bob, carol] = parties as [Party, Party, Party];
    for (const { identity } of [bob, carol]) {
      await alice.conversations.setDisappearing(direct(identity), 60);
      await alice.conversations.send(direct(identity), 'goes');
    }
    await settle();
    expect(await records(alice)).toHaveLength(2);
    await alice.stop();
    const key = `app/conversations/list/${conversationKey(direct(bob.identity))}`;
    await alice.kept.store.commit([{ type: 'put', key, value: Uint8Array.of(1) }]);
    await alice.clock.advanceAndRest(MINUTE);
    await alice.open();
    await settle();
    expect(await records(alice)).toEqual([]);
    let left = 0;
    for await (const { value } of alice.kept.store.list('app/conversations/entry/'))
      if (new TextDecoder().decode(value).includes('"timer"')) left++;
    expect(left).toBe(0);
    expect(await lines(alice, carol)).toEqual(['! disappearing-changed']);
  });

  it.each([
    ['is damaged', (key: string) => ({ type: 'put', key, value: Uint8Array.of(1) }) as const],
    ['is lost', (key: string) => ({ type: 'delete', key }) as const],
  ])('go all the same when the record that says so %s', async (_, damage) => {
    const { alice, bob, to, from, settle } = await two();
    await bob.conversations.setDisappearing(from, 60);
    await bob.conversations.send(from, 'one');
    await bob.conversations.send(from, 'two');
    await settle();
    const harm = async () => {
      const keys = await records(alice);
      expect(keys).toHaveLength(2);
      await alice.kept.store.commit([damage(keys[0] as string)]);
    };
    // That one was read: noticed when the conversation is looked at.
    await harm();
    await alice.conversations.markRead(to);
    await lines(alice, bob);
    await settle();
    for (const entry of await alice.conversations.entries(to))
      if (entry.kind === 'message') expect(entry.expiresAt).toBe(alice.clock.now() + MINUTE);
    // When it disappears.
    await harm();
    await pass(MINUTE, alice);
    expect(await lines(alice, bob)).toEqual(['! disappearing-changed']);
    await settle();
    let left = 0;
    for await (const { value } of alice.kept.store.list('app/conversations/entry/'))
      if (new TextDecoder().decode(value).includes('"timer"')) left++;
    expect(left).toBe(0);
    expect(await records(alice)).toEqual([]);
  });

  it('in a group: any member sets it', async () => {
    const { alice, bob, settle } = await two();
    const { group } = await alice.messenger.groups.create('friends', [bob.identity.publicKey]);
    const conversation = { kind: 'group', groupId: group.id } as const;
    await settle();
    await bob.conversations.setDisappearing(conversation, 3_600);
    await settle();
    expect(alice.conversations.get(conversation)?.disappearing).toBe(3_600);
    await alice.conversations.send(conversation, 'goes');
    await settle();
    expect(await last(bob, conversation)).toMatchObject({ timer: 3_600 });
  });

  it('teach the setting to whoever has missed it', async () => {
    const { alice, bob, to, from, settle } = await two();
    const timer = { seconds: 90, changedAt: Math.floor(alice.clock.now() / 1_000) };
    const payload = encodeConversationMessage({ kind: 'text', text: 'goes', replyTo: undefined, timer });
    await alice.messenger.send(to, payload);
    await settle();
    expect(await lines(bob, alice)).toEqual(['! disappearing-changed', '< goes received pq']);
    expect(bob.conversations.get(from)).toMatchObject({ disappearing: 90, unread: 1 });
  });

  it('a setting of long ago, or of the future, changes nothing and leaves no trace', async () => {
    const { alice, bob, to, from, settle } = await two();
    await bob.conversations.setDisappearing(from, 60);
    await settle();
    const now = Math.floor(alice.clock.now() / 1_000);
    for (const timer of [
      { seconds: 0, changedAt: now - 1 },
      { seconds: 61, changedAt: now },
      { seconds: 0, changedAt: now + 25 * 60 * 60 },
    ])
      await alice.messenger.send(to, encodeConversationMessage({ kind: 'timer-change', timer }));
    await settle();
    expect(await lines(bob, alice)).toEqual(['! disappearing-changed']);
    expect(bob.conversations.get(from)?.disappearing).toBe(60);
  });

  it('pictures that can not disappear are refused', async () => {
    const { alice, to } = await two({ status: true });
    await alice.conversations.setDisappearing(to, 60);
    const picture = { picture: Uint8Array.of(1), mediaType: 'image/png' } as const;
    await expect(alice.conversations.sendPicture(to, picture)).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
  });

  it('replies name what they reply to', async () => {
    const { alice, bob, to, from, settle } = await two({ status: true });
    const { reference } = await alice.conversations.send(to, 'stays');
    await settle();
    await bob.conversations.setDisappearing(from, 60);
    await bob.conversations.send(from, 'goes', { replyTo: reference });
    await settle();
    expect((await last(alice, to)).replyTo).toBe(reference);
  });

  it.each([0, -1, 1.5, Number.NaN, DISAPPEARING_MAX_SECONDS + 1])(
    '%d seconds are refused',
    async (seconds) => {
      const { alice, to } = await two();
      await expect(alice.conversations.setDisappearing(to, seconds)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      expect(alice.conversations.get(to)).toBeUndefined();
    },
  );

  it('a setting that is there already is not sent again', async () => {
    const { alice, bob, to, settle } = await two();
    await alice.conversations.setDisappearing(to, undefined);
    await alice.conversations.setDisappearing(to, 60);
    await alice.conversations.setDisappearing(to, 60);
    await settle();
    expect(await lines(bob, alice)).toEqual(['! disappearing-changed']);
  });
});

describe('a clock that is wrong', () => {
  it('and behind again at each start keeps no message for long', async () => {
    const { alice, bob, to, from, settle } = await two();
    await alice.conversations.setDisappearing(to, 6 * 60);
    await alice.conversations.send(to, 'gone in six minutes');
    await settle();
    await bob.conversations.markRead(from);
    const start = bob.clock.now();
    for (let day = 0; day < 4; day++) {
      for (let minute = 0; minute < 3; minute++) await pass(MINUTE, bob);
      await bob.stop();
      bob.clock.set(start);
      await bob.open();
      await settle();
    }
    expect(await lines(bob, alice)).not.toContainEqual(expect.stringContaining('gone'));
  });

  it('and set back keeps no message, while the program runs or after a restart', async () => {
    const { alice, to, settle } = await two();
    await alice.conversations.setDisappearing(to, 60);
    await alice.conversations.send(to, 'one');
    await settle();
    alice.clock.jump(-365 * 24 * 60 * MINUTE);
    await pass(MINUTE, alice);
    expect(await alice.conversations.entries(to)).toHaveLength(1);
    await alice.conversations.send(to, 'two');
    await settle();
    await alice.stop();
    alice.clock.jump(-365 * 24 * 60 * MINUTE);
    await alice.open();
    expect(await alice.conversations.entries(to)).toHaveLength(2);
    await pass(MINUTE, alice);
    expect(await alice.conversations.entries(to)).toHaveLength(1);
  });

  it('never makes time run backwards, nor slower than timers say', () => {
    const step = fc.oneof(
      fc.record({ jump: fc.integer({ min: -1e9, max: 1e9 }) }),
      fc.record({ pass: fc.nat(1e6) }),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const clock = settableClock();
        let time = new SteadyTime(clock);
        let latest = time.now();
        for (const one of steps) {
          if ('jump' in one) clock.jump(one.jump);
          else clock.advance(one.pass);
          const before = latest;
          latest = time.now();
          expect(latest).toBeGreaterThanOrEqual('pass' in one ? before + one.pass : before);
          // Another run begins with what was stored.
          time = new SteadyTime(clock);
          time.reached(latest);
        }
      }),
    );
  });
});

describe('settings of several people', () => {
  const timer: fc.Arbitrary<Timer> = fc.record({ seconds: fc.nat(3), changedAt: fc.nat(3) });

  it('end in the same one, in whatever order they come', () => {
    const apply = (timers: readonly Timer[]) =>
      timers.reduce<Timer | undefined>(
        (before, next) => (replaces(next, before, 10_000) ? next : before),
        undefined,
      );
    fc.assert(
      fc.property(
        fc
          .array(timer)
          .chain((timers) =>
            fc.tuple(fc.constant(timers), fc.shuffledSubarray(timers, { minLength: timers.length })),
          ),
        ([timers, shuffled]) => {
          expect(apply(shuffled)?.seconds ?? 0).toBe(apply(timers)?.seconds ?? 0);
        },
      ),
    );
  });

  it('one made while a clock was years ahead keeps no other from counting', () => {
    const now = 1_000_000;
    const ahead = { seconds: 3_600, changedAt: 1_000_000_000 };
    const next = { seconds: 60, changedAt: changedAfter(ahead, now) };
    expect(next.changedAt).toBe(1_000);
    expect(replaces(next, ahead, now)).toBe(true);
    expect(replaces(next, undefined, now)).toBe(true);
  });

  it('are replaced by the one that is made after them, whatever the clock', () => {
    fc.assert(
      fc.property(fc.option(timer, { nil: undefined }), fc.nat(3), fc.nat(5_000), (before, seconds, now) => {
        expect(replaces({ seconds, changedAt: changedAfter(before, now) }, before, now + 10_000)).toBe(true);
      }),
    );
  });
});

describe('a notice says', () => {
  it.each([
    [60, 'Alice set new messages to disappear 1 minute after they are read.'],
    [7 * 86_400, 'Alice set new messages to disappear 1 week after they are read.'],
    [90, 'Alice set new messages to disappear 90 seconds after they are read.'],
    [undefined, 'Alice set new messages not to disappear any more.'],
  ])('%s seconds', (seconds, sentence) => {
    const by = new Uint8Array(33) as never;
    expect(describeNotice({ what: 'disappearing-changed', by, seconds }, () => 'Alice')).toBe(sentence);
  });
});
