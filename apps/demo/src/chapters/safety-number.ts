import { compareSafetyNumbers, createSafetyNumber, formatSafetyNumber } from '@sotto/identity';
import type { Chapter } from '../chapter.js';
import { befriend } from '../stage.js';

export const safetyNumber: Chapter = {
  name: 'safety-number',
  title: 'Is it really Bob?',
  async play(stage) {
    const { crypto } = stage;
    const alice = await stage.device('Alice');
    const bob = await stage.device('Bob');
    const mallory = crypto.secp256k1.generateKeyPair();
    await befriend(alice, bob);

    stage.tell('A card may have come through strange hands. So both phones make a number of both');
    stage.tell('keys. Alice and Bob read it to each other, once: nobody stands between them.');
    const onHers = createSafetyNumber(crypto, alice.key, bob.key);
    const onHis = createSafetyNumber(crypto, bob.key, alice.key);
    const groups = formatSafetyNumber(onHers);
    stage.show(groups.slice(0, groups.length / 2));
    stage.show(groups.slice(groups.length / 2 + 1));
    stage.check('Both phones show these 60 digits', compareSafetyNumbers(onHers, onHis));
    const between = createSafetyNumber(crypto, alice.key, mallory.publicKey);
    stage.check('With the key of somebody else they would be others', !compareSafetyNumbers(onHers, between));

    await alice.messenger.setVerified(bob.key, true);
    await bob.messenger.send(alice.key, new TextEncoder().encode('Now you know.'));
    await stage.settled();
    stage.check('From now on his messages come marked as verified', alice.inbox[0]?.verified === true);
    await stage.expectRead(alice, ['Now you know.']);
  },
};
