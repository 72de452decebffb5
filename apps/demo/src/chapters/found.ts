import type { BundleDirectory, NameResolver, PublicKey } from '@sotto/core';
import { parseRecipient } from '@sotto/identity';
import type { PinnedName } from '@sotto/messenger';
import type { Chapter } from '../chapter.js';
import type { Device } from '../device.js';
import { DETAIL_COLUMN, type Stage } from '../stage.js';

/** Where names lead to keys, and bundles are found, for this chapter. */
export interface NamePlace {
  /** What it is, and what it isn't. */
  readonly about: string;
  readonly names: NameResolver;
  readonly directories: readonly BundleDirectory[];
  /** Leads a name to somebody who is online, as its holder; their bundle is found from then on. */
  lead(name: string, to: Device): Promise<void>;
}

const NAME = 'alice.eth';

/** The chapter, in a place for names that is opened for it. */
export function foundByName(
  about: Pick<Chapter, 'name' | 'title'>,
  open: (stage: Stage) => Promise<NamePlace>,
): Chapter {
  return {
    ...about,
    async play(stage) {
      const { crypto } = stage;
      const place = await open(stage);
      stage.tell(place.about);
      const identity = crypto.secp256k1.generateKeyPair();
      const alice = await stage.device("Alice's phone", identity, place);
      const bob = await stage.device("Bob's phone", crypto.secp256k1.generateKeyPair(), place);
      await place.lead(NAME, alice);
      await stage.settled();
      await alice.switchOff();

      stage.tell(`Alice's phone is off. Bob has never met her; he types ${NAME.toUpperCase()}.`);
      const found = await bob.messenger.contacts.lookUp(parseRecipient(crypto, ` ${NAME.toUpperCase()} `));
      const directories = place.directories.map(({ name }) => name);
      for (const { source, outcome } of found.answers) {
        if (source === 'name' || directories.includes(source)) stage.show(`${source} answers: ${outcome}`);
      }
      const isHer = found.identity !== undefined && alice.is(found.identity);
      stage.check('The name leads to her key', isHer);
      const answered = found.answers.some(
        ({ source, outcome }) => directories.includes(source) && outcome === 'found',
      );
      stage.check('A directory has her bundle; her own signature says so', found.found && answered);
      await writeUnseen(stage, bob, alice);
      stage.limit('A name verifies nobody: she is not verified', !(await isVerified(bob, alice.key)));

      stage.tell(`Mallory buys ${NAME}, and leads it to her own key. Bob looks it up again:`);
      const mallory = await stage.device('Mallory', crypto.secp256k1.generateKeyPair(), place);
      const asked: PinnedName[] = [];
      bob.messenger.on('nameChanged', (name) => void asked.push(name));
      await place.lead(NAME, mallory);
      const again = await bob.messenger.contacts.lookUp({ kind: 'name', name: NAME });
      stage.check('He is asked', asked[0]?.changedTo !== undefined && mallory.is(asked[0].changedTo));
      const stays = again.identity !== undefined && alice.is(again.identity);
      stage.check('Until he decides, the name stands for the key that he knows', stays);
      const silent = (await bob.messenger.devices.list(mallory.key)).length === 0;
      stage.check('Nothing of Mallory was taken in, and nothing goes to her', silent);
      await bob.messenger.contacts.pinName(NAME, alice.key);
      const [kept] = await bob.messenger.contacts.names();
      stage.check(
        'He keeps Alice; that change is not asked about again',
        kept !== undefined && alice.is(kept.identity) && kept.changedTo === undefined,
      );
    },
  };
}

/** The first message, to somebody who is off. */
async function writeUnseen(stage: Stage, from: Device, to: Device): Promise<void> {
  const text = 'We have not met.';
  const { devices } = await from.messenger.send(to.key, new TextEncoder().encode(text));
  await stage.settled();
  const [device] = devices;
  const how = device !== undefined && 'sent' in device ? device.sent : 'failed';
  stage.check('The first message has forward secrecy'.padEnd(DETAIL_COLUMN) + how, how === 'x3dh+dr');
  await to.switchOn();
  await stage.settled();
  await stage.expectRead(to, [text]);
}

async function isVerified(device: Device, identity: PublicKey): Promise<boolean> {
  const contact = await device.messenger.contacts.add(identity);
  return contact.verified;
}
