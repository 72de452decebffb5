import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { bytesOf, START } from './world.js';

const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);
const times = (events: readonly { readonly id: string }[], id: string) =>
  idsOf(events).filter((other) => other === id).length;

describe('what became of a message is told', () => {
  it('of a group that takes several batches: sent, once, and not before the last one was taken', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const alice = await newParty(network, 'alice-1', { limits: { fanoutBatch: 2 } });
    const members = await Promise.all(
      ['b', 'c', 'd', 'e', 'f'].map((name) => newParty(network, `${name}-1`)),
    );
    const { group } = await alice.messenger.groups.create(
      'many',
      members.map(({ identity }) => identity.publicKey),
    );
    await quiet(network, alice, ...members);
    alice.events.sent.length = 0;
    const sentAt: number[] = [];
    let left = members.length;
    alice.messenger.on('sent', () => void sentAt.push(left));
    const { id } = await alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('hello'), {
      // Each batch has left before the next is made: nothing waits then, and yet it is not all.
      onProgress: (done, total) => {
        left = total - done;
      },
    });
    await quiet(network, alice, ...members);
    expect(idsOf(alice.events.sent)).toEqual([id]);
    expect(sentAt).toEqual([0]);
  });

  it('of a group, when it was closed in the middle: sent once the rest is taken after the next start', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const alice = await newParty(network, 'alice-1', { limits: { fanoutBatch: 1 } });
    const members = await Promise.all(['b', 'c', 'd'].map((name) => newParty(network, `${name}-1`)));
    const { group, result } = await alice.messenger.groups.create(
      'some',
      members.map(({ identity }) => identity.publicKey),
    );
    await quiet(network, alice, ...members);
    let closing: Promise<void> | undefined;
    const sending = alice.messenger.send({ kind: 'group', groupId: group.id }, bytesOf('hello'), {
      onProgress: () => {
        closing ??= alice.messenger.close();
      },
    });
    await expect(sending).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    expect(times(alice.events.sent, result.id)).toBe(1);
    const told = new Set(idsOf(alice.events.sent));
    await alice.restart();
    await quiet(network, alice, ...members);
    expect(members.map(({ texts }) => texts.filter((text) => text.endsWith(': hello')).length)).toEqual([
      1, 1, 1,
    ]);
    expect(idsOf(alice.events.sent).filter((id) => !told.has(id))).toHaveLength(1);
  });

  it('of one that is too large for the transport: failed, and not sent', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START), maxPayloadBytes: 4096 });
    const [alice, bob] = [await newParty(network, 'alice-1'), await newParty(network, 'bob-1')];
    const { id } = await alice.say(bob, 'x'.repeat(5000));
    const fine = await alice.say(bob, 'short');
    await quiet(network, alice, bob);
    expect(new Set(idsOf(alice.events.sendFailed))).toEqual(new Set([id]));
    expect([id, fine.id].map((each) => times(alice.events.sent, each))).toEqual([0, 1]);
    expect(await alice.messenger.outbox.pending()).toEqual(new Set());
  });
});
