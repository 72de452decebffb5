import { manualClock } from '@sotto/testing/clock';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it, vi } from 'vitest';
import { openTimeline, type Timeline, type TimelineOptions } from '../src/index.js';
import { direct, newParty, type Party, quiet } from './party.js';

const PAGE = 4;
const MOST = 10;

/** Alice with notes to herself, `0` to one before `count`. */
async function withNotes(count: number) {
  const network = createMemoryNetwork({ clock: manualClock() });
  const alice = await newParty(network, 'alice-1');
  const notes = direct(alice.identity);
  const write = async (from: number, to: number) => {
    for (let i = from; i < to; i++) await alice.conversations.send(notes, String(i));
    await quiet(network, alice);
  };
  await write(0, count);
  return { network, alice, notes, write };
}

const textsOf = ({ entries }: Timeline) =>
  entries.map((entry) =>
    entry.kind === 'message' && entry.content.kind === 'text' ? entry.content.text : '!',
  );

async function open(party: Party, options: Partial<TimelineOptions> = {}) {
  const changed = vi.fn();
  const timeline = await openTimeline(party.conversations, direct(party.identity), {
    onChange: changed,
    pageSize: PAGE,
    maxEntries: MOST,
    clock: party.clock,
    ...options,
  });
  return { timeline, changed };
}

describe('a timeline', () => {
  it('begins with the latest page, or around an entry', async () => {
    const { alice } = await withNotes(20);
    const { timeline } = await open(alice);
    expect(textsOf(timeline)).toEqual(['16', '17', '18', '19']);
    expect([timeline.hasEarlier, timeline.hasLater]).toEqual([true, false]);
    const { timeline: other } = await open(alice, { at: 7 });
    expect(textsOf(other)).toEqual(['5', '6', '7', '8']);
    expect([other.hasEarlier, other.hasLater]).toEqual([true, true]);
    await other.toEnd();
    expect(textsOf(other)).toEqual(['16', '17', '18', '19']);
    await other.around(0);
    expect(textsOf(other)).toEqual(['0', '1', '2', '3']);
  });

  it('of a conversation without entries is empty, and takes in the first one', async () => {
    const { alice, write } = await withNotes(0);
    const { timeline } = await open(alice);
    expect(textsOf(timeline)).toEqual([]);
    expect([timeline.hasEarlier, timeline.hasLater]).toEqual([false, false]);
    await write(0, 1);
    alice.clock.advance(50);
    await vi.waitFor(() => expect(textsOf(timeline)).toEqual(['0']));
  });

  it('moves page by page, holds a bounded number, and comes to both ends', async () => {
    const { alice } = await withNotes(20);
    const { timeline } = await open(alice);
    for (let i = 0; i < 5; i++) {
      await timeline.earlier();
      expect(timeline.entries.length).toBeLessThanOrEqual(MOST);
    }
    expect(textsOf(timeline)[0]).toBe('0');
    expect([timeline.hasEarlier, timeline.hasLater]).toEqual([false, true]);
    for (let i = 0; i < 5; i++) await timeline.later();
    expect(textsOf(timeline)).toEqual(['10', '11', '12', '13', '14', '15', '16', '17', '18', '19']);
    expect([timeline.hasEarlier, timeline.hasLater]).toEqual([true, false]);
  });

  it('takes in what is new without reading the rest again', async () => {
    const { alice, write } = await withNotes(20);
    const { timeline } = await open(alice);
    await timeline.earlier();
    const before = timeline.entries;
    const read = vi.spyOn(alice.conversations, 'entries');
    await write(20, 21);
    alice.clock.advance(50);
    await vi.waitFor(() => expect(textsOf(timeline).at(-1)).toBe('20'));
    for (const [, options] of read.mock.calls) expect(options?.limit).toBe(1);
    expect(read.mock.calls.length).toBeLessThanOrEqual(2);
    expect(timeline.entries.slice(0, before.length)).toEqual(before);
    for (const [i, entry] of before.entries()) expect(timeline.entries[i]).toBe(entry);
  });

  it('many changes are read together', async () => {
    const { alice, write } = await withNotes(3);
    const { timeline, changed } = await open(alice);
    changed.mockClear();
    await write(3, 9);
    expect(changed).not.toHaveBeenCalled();
    alice.clock.advance(50);
    await vi.waitFor(() => expect(textsOf(timeline)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']));
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('at the end, the oldest make room; elsewhere, a full window stays and says that there is more', async () => {
    const { alice, write } = await withNotes(10);
    const { timeline: end } = await open(alice);
    const { timeline: back } = await open(alice);
    for (const timeline of [end, back]) for (let i = 0; i < 3; i++) await timeline.earlier();
    back.following = false;
    expect(textsOf(back)).toHaveLength(MOST);
    await write(10, 12);
    alice.clock.advance(50);
    await vi.waitFor(() =>
      expect(textsOf(end)).toEqual(['2', '3', '4', '5', '6', '7', '8', '9', '10', '11']),
    );
    await vi.waitFor(() => expect(back.hasLater).toBe(true));
    expect(textsOf(back)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    await write(12, 13);
    alice.clock.advance(50);
    await back.later();
    expect(textsOf(back).at(-1)).toBe('12');
    expect(back.hasLater).toBe(false);
  });

  it('shows a changed state, and no longer what was deleted', async () => {
    const network = createMemoryNetwork({ clock: manualClock() });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    await alice.conversations.addContact(await bob.messenger.contacts.ownCode(), 'Bob');
    await quiet(network, alice, bob);
    network.disconnect(alice.identity.publicKey);
    const conversation = direct(bob.identity);
    const first = await alice.conversations.send(conversation, 'one');
    await alice.conversations.send(conversation, 'two');
    const timeline = await openTimeline(alice.conversations, conversation, {
      onChange: () => {},
      clock: alice.clock,
    });
    const states = () => timeline.entries.map((entry) => entry.kind === 'message' && entry.state);
    expect(states()).toEqual(['pending', 'pending']);
    await alice.conversations.giveUp(first.id);
    alice.clock.advance(50);
    await vi.waitFor(() => expect(textsOf(timeline)).toEqual(['two']));
    network.reconnect(alice.identity.publicKey);
    await quiet(network, alice, bob);
    alice.clock.advance(50);
    await vi.waitFor(() => expect(states()).toEqual(['sent']));
  });

  it('of a removed conversation is empty; after it is closed, nothing is told', async () => {
    const { alice, notes, write } = await withNotes(3);
    const { timeline } = await open(alice);
    await alice.conversations.remove(notes);
    alice.clock.advance(50);
    await vi.waitFor(() => expect(textsOf(timeline)).toEqual([]));
    const { timeline: closed, changed } = await open(alice);
    changed.mockClear();
    closed.close();
    await write(0, 1);
    alice.clock.advance(50);
    expect(changed).not.toHaveBeenCalled();
  });
});
