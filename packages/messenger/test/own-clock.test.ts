import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { describe, expect, it } from 'vitest';
import { jumpingClock } from './jumping-clock.js';
import { newParty, quiet } from './party.js';
import { manualClock } from './support.js';
import { DAY, HOUR, START } from './world.js';

describe('what ends by time', () => {
  it('in a messenger: nothing for a clock that is ahead for some hours, and all by one that stays right', async () => {
    const network = createMemoryNetwork({ clock: manualClock(START) });
    const clock = jumpingClock(START);
    const [alice, bob] = [
      await newParty(network, 'alice-1'),
      await newParty(network, 'bob-1', { clock: clock as never }),
    ];
    await alice.messenger.contacts.add(await bob.messenger.contacts.ownCode());
    await alice.say(bob, 'hello');
    await quiet(network, alice, bob);
    const sessions = async () => {
      let count = 0;
      for await (const _ of bob.store.list('session/')) count++;
      return count;
    };
    expect(await sessions()).toBe(1);
    clock.jump(200 * DAY);
    for (let hour = 0; hour < 20; hour++) {
      clock.advance(HOUR);
      await quiet(network, alice, bob);
    }
    expect(await sessions()).toBe(1);
    clock.jump(-200 * DAY);
    for (let day = 0; day < 95; day++) {
      clock.advance(DAY);
      await quiet(network, bob);
    }
    expect(await sessions()).toBe(0);
  });
});
