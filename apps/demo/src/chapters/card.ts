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

    stage.tell("Bob's contact card is his public key as text. His phone draws it as QR code:");
    const text = encodeContactCard(crypto, { identity: bob.key });
    const drawn = showQr(stage, text);

    stage.tell("Alice's phone takes a picture of it. No one asks for a telephone number.");
    const scanned = parseContactCard(crypto, decodeQr(photograph(drawn), { retryMilliseconds: 1000 }));
    const key = formatKeyText(crypto, scanned.identity, 'base58btc');
    stage.check(`The picture reads as Bob's key, ${key.slice(0, 16)}…`, bob.is(scanned.identity));

    await alice.messenger.contacts.add(scanned.identity);
    const { found } = await alice.messenger.contacts.lookUp(scanned.identity);
    stage.check("With it she finds what Bob's phone has put on the network, signed by him", found);
    const devices = await alice.messenger.devices.list(scanned.identity);
    stage.check('It names the devices of Bob, one, and how to begin with it', devices.length === 1);
  },
};
