import { encodeUtf8 } from '@sotto/core';
import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';

export const laptop: Chapter = {
  name: 'laptop',
  title: 'A laptop joins the phone',
  async play(stage) {
    const phone = await stage.device("Alice's phone");
    const bob = await stage.device("Bob's phone");
    await befriend(phone, bob);

    stage.tell(
      'The laptop gets the key of Alice, and is a device of its own. The two see each other, and share nothing until she has said yes on both.',
    );
    const computer = await stage.device("Alice's laptop", phone.identity);
    await befriend(computer, bob);
    await phone.messenger.devices.announce();
    await computer.messenger.devices.announce();
    await stage.settled();
    const [seen] = await phone.messenger.devices.list();
    stage.check(
      'The phone sees a new device, and waits for her word',
      seen?.installationId === computer.messenger.installationId && !seen.enabled,
    );
    await phone.messenger.devices.enable(computer.messenger.installationId);
    await computer.messenger.devices.enable(phone.messenger.installationId);
    await phone.messenger.devices.describe(computer.messenger.installationId, { name: 'laptop' });
    const [paired] = await phone.messenger.devices.list();
    stage.check('Paired: the phone lists "laptop"', paired?.enabled === true && paired.name === 'laptop');

    stage.tell('What one of them sends, the other shows as well:');
    await stage.deliver(phone, bob, 'Written on the phone.');
    stage.count('The copy is marked as one', computer.inbox[0]?.ownCopy === true);
    await stage.expectRead(computer, ['Written on the phone.'], 'The laptop has it too, as written by Alice');
    await stage.deliver(computer, bob, 'And on the laptop.');
    await stage.expectRead(phone, ['And on the laptop.'], 'The phone has it too');

    const { devices } = await bob.messenger.send(phone.key, encodeUtf8('I see one Alice.'));
    await stage.settled();
    stage.check('Bob answers once; his phone seals it for each of the two', devices.length === 2);
    await stage.expectRead(phone, ['I see one Alice.']);
    await stage.expectRead(computer, ['I see one Alice.']);
  },
};
