import { decodeQr, encodeContactCard, formatKeyText, parseContactCard } from '@sotto/identity';
import type { Chapter } from '../chapter.js';
import { photograph, showQr } from '../qr-screen.js';

export const card: Chapter = {
  name: 'card',
  title: 'Two phones meet',
  async play(stage) {
    const { crypto } = stage;
    const alice = await stage.device("Alice's phone");
    const bob = await stage.device("Bob's phone");
    await stage.settled();

    stage.tell("Bob's contact card is his public key as a text. His phone shows it as a QR code.");
    const text = encodeContactCard(crypto, { identity: bob.key });
    showQr(stage, text, "Bob's card");

    stage.tell("Alice's phone photographs it. Nobody needs a telephone number, or an account anywhere.");
    const scanned = parseContactCard(crypto, decodeQr(photograph(text), { retryMilliseconds: 1000 }));
    const key = formatKeyText(crypto, scanned.identity, 'base58btc');
    stage.check(`The picture reads as Bob's key, ${key.slice(0, 16)}…`, bob.is(scanned.identity));

    await alice.messenger.addContact(scanned.identity, 'Bob');
    const found = await alice.messenger.lookUp(scanned.identity);
    const devices = await alice.messenger.devices(scanned.identity);
    stage.check('By the key she finds what his phone has published: a key to begin with', found);
    stage.check('It is signed by Bob, and names one phone of his', devices.length === 1);
  },
};
