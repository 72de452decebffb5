import { encodeUtf8 } from '@sotto/core';
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
    const stranger = crypto.secp256k1.generateKeyPair().publicKey;
    await befriend(alice, bob);

    stage.tell(
      'A card may have gone through strange hands. So each phone makes a number of both keys, and they compare: if it is the same, no one is in between.',
    );
    const onHers = createSafetyNumber(crypto, alice.key, bob.key);
    const onHis = createSafetyNumber(crypto, bob.key, alice.key);
    const digits = formatSafetyNumber(onHers);
    stage.show(digits.slice(0, digits.length / 2));
    stage.show(digits.slice(digits.length / 2 + 1));
    stage.check('Both phones show these 60 digits', compareSafetyNumbers(onHers, onHis));
    const withStranger = createSafetyNumber(crypto, alice.key, stranger);
    stage.check("With another key than Bob's they differ", !compareSafetyNumbers(onHers, withStranger));

    await alice.messenger.contacts.setVerified(bob.key, true);
    await bob.messenger.send(alice.key, encodeUtf8('Now you know.'));
    await stage.settled();
    stage.check('From now on what he writes is marked as verified', alice.inbox[0]?.verified === true);
    await stage.expectRead(alice, ['Now you know.']);
  },
};
