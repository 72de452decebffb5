import { encodeHex, type PublicKey } from '@sotto/core';
import { parseRecipient } from '@sotto/identity';
import { encodeBundle } from '@sotto/protocol-codec';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { bundleTimestamp, signBundle } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import { exportBackup, restoreBackup } from '../../src/backup.js';
import { createMessenger, type LookUpAnswer } from '../../src/index.js';
import { newParty, type Party } from '../party.js';
import { manualClock, rest } from '../support.js';
import { bytesOf, crypto, DAY, HOUR, START } from '../world.js';
import { newNames, newPlace, type Place, settle, unavailable } from './places.js';

/** Alice has published in the places and is off; Bob knows nothing of her, and her topic has been quiet for long. */
async function scene(...places: Place[]) {
  const clock = manualClock(START);
  const network = createMemoryNetwork({ clock });
  const directories = places.map((place) => place.directory());
  const alice = await newParty(network, 'alice-1', { clock, directories });
  await settle(network, alice);
  await alice.messenger.close();
  clock.advance(3 * HOUR);
  const keys = new Map<string, PublicKey>([['alice.eth', alice.identity.publicKey]]);
  const names = newNames(keys);
  const limits = { lookUpMs: HOUR };
  const bob = await newParty(network, 'bob-1', { clock, directories, names, limits });
  const versions = async (party: Party = bob) =>
    (await party.messenger.devices.list(alice.identity.publicKey)).map(
      ({ installationId, preKeyVersion }) => `${installationId} v${preKeyVersion}`,
    );
  return { clock, network, alice, bob, names, keys, directories, limits, versions };
}

const short = ({ source, outcome, error }: LookUpAnswer) =>
  `${source} ${outcome}${error ? ` ${error.code}` : ''}`;

describe('looking somebody up who is off', () => {
  it('by the key: finds the bundle in a directory, and the first message has forward secrecy', async () => {
    const { network, alice, bob, versions } = await scene(newPlace('one'), newPlace('two'));
    const { found, identity, answers } = await bob.messenger.contacts.lookUp(alice.identity.publicKey);
    expect([found, identity]).toEqual([true, alice.identity.publicKey]);
    expect(answers.map(short).sort()).toEqual(['history none', 'one found', 'topic none', 'two found']);
    expect(answers.find(({ source }) => source === 'one')?.ageMs).toBe(3 * HOUR);
    expect(await versions()).toEqual(['alice-1 v1']);
    const { devices } = await bob.say(alice, 'hello');
    expect(devices).toEqual([{ installationId: 'alice-1', sent: 'pq' }]);
    await settle(network, bob);
    await alice.restart();
    await settle(network, alice, bob);
    expect(alice.texts).toEqual(['direct bob-1 pq: hello']);
  });

  it('after a rotation: finds the new prekey', async () => {
    const { clock, network, alice, bob, directories, limits, versions } = await scene(newPlace());
    await bob.messenger.contacts.lookUp(alice.identity.publicKey);
    await alice.restart();
    clock.advance(25 * HOUR);
    await settle(network, alice, bob);
    await alice.messenger.close();
    clock.advance(2 * HOUR);
    const carol = await newParty(network, 'carol-1', { clock, directories, limits });
    expect((await carol.messenger.contacts.lookUp(alice.identity.publicKey)).found).toBe(true);
    expect(await versions(carol)).toEqual(['alice-1 v2']);
  });

  it('tells which of them answered, and why others did not', async () => {
    const places = ['sound', 'empty', 'gone'].map((name) => newPlace(name));
    const [, empty, gone] = places as [Place, Place, Place];
    const { alice, bob } = await scene(...places);
    empty.published.clear();
    gone.failure = unavailable('gone');
    const seen: string[] = [];
    const { answers } = await bob.messenger.contacts.lookUp(alice.identity.publicKey, {
      onAnswer: (answer) => seen.push(short(answer)),
    });
    expect(answers.map(short)).toEqual(seen);
    expect(seen.toSorted()).toEqual([
      'empty none',
      'gone failed DIRECTORY_UNAVAILABLE',
      'history none',
      'sound found',
      'topic none',
    ]);
  });

  it('before the messenger has started: asks the directories alone, and subscribes then', async () => {
    const { clock, network, alice, directories } = await scene(newPlace());
    const carol = await newParty(network, 'carol-1', { clock, directories, start: false });
    const { found, answers } = await carol.messenger.contacts.lookUp(alice.identity.publicKey);
    expect([found, answers.map(short)]).toEqual([true, ['place found', 'topic none']]);
    await carol.messenger.close();
    await expect(carol.messenger.contacts.lookUp(alice.identity.publicKey)).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });

  it('while they come online: the topic answers, too', async () => {
    const place = newPlace('slow');
    const { network, alice, bob } = await scene(place);
    let release = () => {};
    place.held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const looking = bob.messenger.contacts.lookUp(alice.identity.publicKey);
    await settle(network, bob);
    await alice.restart();
    await settle(network, alice, bob);
    release();
    expect((await looking).answers.map(short).sort()).toEqual(['history none', 'slow found', 'topic found']);
  });
});

describe('a slow or hostile directory', () => {
  it('delays neither the others nor a message', async () => {
    const hanging = newPlace('hanging');
    const { clock, network, alice, bob } = await scene(hanging, newPlace('prompt'));
    hanging.held = new Promise(() => {});
    const seen: string[] = [];
    const looking = bob.messenger.contacts.lookUp(alice.identity.publicKey, {
      onAnswer: (answer) => seen.push(short(answer)),
    });
    await settle(network, bob);
    expect(seen.toSorted()).toEqual(['history none', 'prompt found']);
    const { devices } = await bob.say(alice, 'at once');
    expect(devices).toEqual([{ installationId: 'alice-1', sent: 'pq' }]);
    await bob.messenger.flushed();
    clock.advance(20_000);
    expect((await looking).answers.map(short)).toContain('hanging failed TIMEOUT');
    expect(hanging.signals.some(({ aborted }) => aborted)).toBe(true);
  });

  it('ends with the look-up that is given up, or with the messenger', async () => {
    const hanging = newPlace('hanging');
    const { network, alice, bob } = await scene(hanging);
    hanging.held = new Promise(() => {});
    const controller = new AbortController();
    const { signal } = controller;
    const given = bob.messenger.contacts.lookUp(alice.identity.publicKey, { signal });
    const other = bob.messenger.contacts.lookUp(alice.identity.publicKey);
    await settle(network, bob);
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
    const closing = bob.messenger.close();
    await expect(other).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    await expect(bob.messenger.contacts.lookUp(alice.identity.publicKey, { signal })).rejects.toMatchObject({
      code: 'CLOSED',
    });
  });

  it('that gives an older bundle takes nothing back', async () => {
    const place = newPlace();
    const { clock, network, alice, bob, versions } = await scene(place);
    const old = [...place.published.values()].map(({ bundle }) => bundle);
    await alice.restart();
    clock.advance(25 * HOUR);
    await settle(network, alice, bob);
    await bob.messenger.contacts.lookUp(alice.identity.publicKey);
    expect(await versions()).toEqual(['alice-1 v2']);
    place.answer = () => old.map((bundle) => ({ bundle, source: 'rollback' }));
    await bob.messenger.contacts.lookUp(alice.identity.publicKey);
    expect(await versions()).toEqual(['alice-1 v2']);
  });

  it("that gives somebody else's, a forged, a future or a huge bundle is refused, and changes nothing", async () => {
    const place = newPlace();
    const { alice, bob, versions } = await scene(place);
    const mallory = crypto.secp256k1.generateKeyPair();
    const signed = (identity = mallory, time = START) =>
      encodeBundle(
        signBundle(crypto, identity, {
          signedPreKeys: new Map([
            ['evil-1', { signedPreKey: mallory.publicKey, version: 9, protocolVersion: 1 }],
          ]),
          timestamp: bundleTimestamp(time),
        }),
      );
    const forged = signed(alice.identity);
    forged[forged.length - 10] = (forged[forged.length - 10] as number) ^ 1;
    const codes: unknown[] = [];
    for (const bundle of [signed(), forged, signed(alice.identity, START + DAY), new Uint8Array(1 << 20)]) {
      place.answer = () => [{ bundle, source: 'hostile' }];
      const { found, answers } = await bob.messenger.contacts.lookUp(alice.identity.publicKey);
      expect(found).toBe(false);
      codes.push(answers.find(({ source }) => source === 'place')?.error?.code);
    }
    expect(codes[0]).toBe('WRONG_IDENTITY');
    expect(codes.slice(2)).toEqual(['BUNDLE_IMPLAUSIBLE', 'LIMIT_EXCEEDED']);
    expect(codes[1]).toMatch(/^(BUNDLE_|INVALID_|MALFORMED_)/);
    expect([await versions(), bob.events.deviceAdded]).toEqual([[], []]);
  });
});

describe('looking up what a person has typed', () => {
  const look = (party: Party, text: string) => party.messenger.contacts.lookUp(parseRecipient(crypto, text));

  it('takes a key, a contact code, a name and an address', async () => {
    const { alice, bob } = await scene(newPlace());
    await alice.restart();
    const code = await alice.messenger.contacts.ownCode();
    await alice.messenger.close();
    const key = `0x${encodeHex(crypto.secp256k1.uncompressPublicKey(alice.identity.publicKey))}`;
    for (const text of [key, code, 'alice.eth', ' Alice.eth ', `0x${'a'.repeat(40)}`]) {
      const { identity, found } = await look(bob, text);
      expect([text, found, identity && encodeHex(identity)]).toEqual([
        text,
        true,
        encodeHex(alice.identity.publicKey),
      ]);
    }
    expect((await look(bob, code)).answers.map(short)).toContain('given found');
  });

  it('finds nobody for an address without a name, and a name that nobody has', async () => {
    const { bob } = await scene(newPlace());
    for (const text of ['nobody.eth', `0x${'b'.repeat(40)}`]) {
      expect(await look(bob, text)).toEqual({
        identity: undefined,
        found: false,
        name: undefined,
        answers: [{ source: 'name', outcome: 'none' }],
      });
    }
    expect(await bob.messenger.contacts.names()).toEqual([]);
  });

  it('refuses a name without a resolver, and a bundle of somebody else', async () => {
    const { network, clock, alice } = await scene(newPlace());
    const carol = await newParty(network, 'carol-1', { clock });
    await expect(look(carol, 'alice.eth')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const { bundle } = parseRecipient(crypto, await carol.messenger.contacts.ownCode()) as {
      readonly bundle: Parameters<typeof encodeBundle>[0];
    };
    await expect(
      carol.messenger.contacts.lookUp({ identity: alice.identity.publicKey, bundle }),
    ).rejects.toMatchObject({ code: 'WRONG_IDENTITY' });
  });
});

describe('a name', () => {
  const eve = crypto.secp256k1.generateKeyPair().publicKey;
  const byName = (party: Party) => party.messenger.contacts.lookUp({ kind: 'name', name: 'alice.eth' });

  it('is pinned to the key of its first use', async () => {
    const { alice, bob } = await scene(newPlace());
    const pinned = {
      name: 'alice.eth',
      identity: alice.identity.publicKey,
      pinnedAt: START + 3 * HOUR,
      changedTo: undefined,
    };
    expect((await byName(bob)).name).toEqual(pinned);
    bob.clock.advance(HOUR);
    await bob.restart();
    expect((await byName(bob)).name).toEqual(pinned);
    expect(await bob.messenger.contacts.names()).toEqual([pinned]);
    expect(bob.events.nameChanged).toEqual([]);
  });

  it('that changes hands is asked about, once, and never silently a new person', async () => {
    const { alice, bob, keys } = await scene(newPlace());
    await byName(bob);
    keys.set('alice.eth', eve);
    for (let time = 0; time < 2; time++) {
      const { identity, name } = await byName(bob);
      expect(identity).toEqual(alice.identity.publicKey);
      expect(name).toMatchObject({ identity: alice.identity.publicKey, changedTo: eve });
    }
    expect(bob.events.nameChanged).toMatchObject([{ name: 'alice.eth', changedTo: eve }]);
    await bob.restart();
    expect((await bob.messenger.contacts.names())[0]).toMatchObject({ changedTo: eve });
    expect(await bob.messenger.devices.list(eve)).toEqual([]);
  });

  it('stays with whom it is pinned to when the user wants so, and is not asked about again', async () => {
    const { alice, bob, keys } = await scene(newPlace());
    await byName(bob);
    keys.set('alice.eth', eve);
    await byName(bob);
    const { identity, changedTo } = await bob.messenger.contacts.pinName(
      'alice.eth',
      alice.identity.publicKey,
    );
    expect([identity, changedTo]).toEqual([alice.identity.publicKey, undefined]);
    expect((await byName(bob)).name).toMatchObject({ identity, changedTo: undefined });
    expect(bob.events.nameChanged).toHaveLength(1);
    // A third key is another question; and the user may come back to the second.
    const third = crypto.secp256k1.generateKeyPair().publicKey;
    keys.set('alice.eth', third);
    expect((await byName(bob)).name).toMatchObject({ identity, changedTo: third });
    expect(bob.events.nameChanged).toHaveLength(2);
    expect((await bob.messenger.contacts.pinName('alice.eth', eve)).identity).toEqual(eve);
  });

  it('is pinned to the other key when the user wants so', async () => {
    const { bob, keys } = await scene(newPlace());
    await byName(bob);
    keys.set('alice.eth', eve);
    await byName(bob);
    await bob.messenger.contacts.pinName('alice.eth', crypto.secp256k1.uncompressPublicKey(eve));
    const { identity, name } = await byName(bob);
    expect(identity).toEqual(eve);
    expect(name).toMatchObject({ identity: eve, changedTo: undefined });
  });

  it('that points back to whom it is pinned to asks nothing any more', async () => {
    const { alice, bob, keys } = await scene(newPlace());
    await byName(bob);
    keys.set('alice.eth', eve);
    await byName(bob);
    keys.set('alice.eth', alice.identity.publicKey);
    expect((await byName(bob)).name).toMatchObject({ changedTo: undefined });
    keys.set('alice.eth', eve);
    expect((await byName(bob)).name).toMatchObject({ changedTo: eve });
    expect(bob.events.nameChanged).toHaveLength(2);
  });

  it('is pinned to no key that it was not seen to point to', async () => {
    const { bob } = await scene(newPlace());
    await byName(bob);
    for (const name of ['alice.eth', 'nobody.eth']) {
      await expect(bob.messenger.contacts.pinName(name, eve)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('stands for whom it is pinned to while the resolver is down, or the name is gone', async () => {
    const { alice, bob, names, keys } = await scene(newPlace());
    await byName(bob);
    names.failure = unavailable('ens');
    const down = await byName(bob);
    expect(down).toMatchObject({ identity: alice.identity.publicKey, found: true });
    expect(down.answers[0]).toMatchObject({ source: 'name', outcome: 'failed' });
    await expect(bob.messenger.contacts.lookUp({ kind: 'name', name: 'carol.eth' })).rejects.toMatchObject({
      code: 'DIRECTORY_UNAVAILABLE',
    });
    names.failure = undefined;
    keys.clear();
    const gone = await byName(bob);
    expect(gone).toMatchObject({ identity: alice.identity.publicKey, found: true });
    expect(gone.answers[0]).toMatchObject({ source: 'name', outcome: 'none' });
  });

  it('is forgotten when the user wants so, and pinned anew', async () => {
    const { bob, keys } = await scene(newPlace());
    await byName(bob);
    await bob.messenger.contacts.forgetName('alice.eth');
    expect(await bob.messenger.contacts.names()).toEqual([]);
    keys.set('alice.eth', eve);
    expect((await byName(bob)).name).toMatchObject({ identity: eve, changedTo: undefined });
  });

  it('moves with a backup, with the question that is open', async () => {
    const { bob, keys } = await scene(newPlace());
    await byName(bob);
    keys.set('alice.eth', eve);
    const { name } = await byName(bob);
    await bob.messenger.close();
    const passphrase = 'correct horse';
    const cost = { memoryKiB: 8, passes: 1 };
    const { store: from, identity } = bob;
    const store = createMemoryStore();
    await restoreBackup(exportBackup({ store: from, identity, passphrase, crypto, cost }), {
      store,
      passphrase,
      crypto,
    });
    const transport = createMemoryNetwork().transport();
    const anew = await createMessenger({ identity, store, transport, crypto, clock: manualClock(START) });
    expect(await anew.contacts.names()).toEqual([name]);
    expect(await anew.contacts.directories()).toEqual([]);
  });

  it('verifies nobody', async () => {
    const { alice, bob } = await scene(newPlace());
    await byName(bob);
    const contact = await bob.messenger.contacts.add(alice.identity.publicKey);
    expect(contact.verified).toBe(false);
    await bob.messenger.send(alice.identity.publicKey, bytesOf('hello'));
    await rest();
  });

  it('of a resolver that never answers is given up after its time', async () => {
    const { clock, network, bob, names } = await scene(newPlace());
    names.resolve = () => new Promise(() => {});
    const looking = byName(bob);
    const failed = expect(looking).rejects.toMatchObject({ code: 'TIMEOUT' });
    await settle(network, bob);
    clock.advance(20_000);
    await failed;
  });
});
