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

    stage.tell('Alice types her twelve words on her laptop: the same key, and a device of its own. The');
    stage.tell('two see each other, and share nothing until Alice has said yes on both.');
    const computer = await stage.device("Alice's laptop", phone.identity);
    await phone.messenger.announceDevice();
    await computer.messenger.announceDevice();
    await stage.settled();
    const [seen] = await phone.messenger.devices();
    stage.check(
      'The phone sees a new device, and does not trust it by itself',
      seen?.installationId === computer.messenger.installationId && !seen.enabled,
    );
    await phone.messenger.enableDevice(computer.messenger.installationId);
    await computer.messenger.enableDevice(phone.messenger.installationId);
    await phone.messenger.describeDevice(computer.messenger.installationId, { name: 'laptop' });
    const [paired] = await phone.messenger.devices();
    stage.check('Paired: the phone lists "laptop"', paired?.enabled === true && paired.name === 'laptop');

    stage.tell("What one of them sends, the other shows as well. Bob's next answer goes to both.");
    await stage.deliver(phone, bob, 'Written on the phone.');
    const [copy] = computer.inbox;
    stage.check('The laptop has it as sent by Alice', copy?.ownCopy === true);
    await stage.expectRead(computer, ['Written on the phone.']);
    await stage.deliver(computer, bob, 'And on the laptop.');
    await stage.expectRead(phone, ['And on the laptop.']);

    const { devices } = await bob.messenger.send(phone.key, encodeUtf8('I see one Alice.'));
    await stage.settled();
    stage.check('Bob answers once; it is sealed twice, for each with a key of its own', devices.length === 2);
    await stage.expectRead(phone, ['I see one Alice.']);
    await stage.expectRead(computer, ['I see one Alice.']);
  },
};
