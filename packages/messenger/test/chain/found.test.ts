import { createEnsDirectory, createEnsNames, type EnsNames } from '@sotto/directories/ens';
import { decodeContactCode, encodeBundle } from '@sotto/protocol-codec';
import { type Chain, startChain } from '@sotto/testing/chain';
import type {} from '@sotto/testing/chain/setup';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { namehash } from 'viem';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Person } from '../discovery/people.js';
import { crypto } from '../world.js';

const folder = inject('chain');

describe.skipIf(folder === undefined)('somebody offline with a name on a chain', () => {
  let chain: Chain;
  let names: EnsNames;
  let holder: `0x${string}`;
  beforeAll(async () => {
    chain = await startChain(folder as string);
    names = createEnsNames({ crypto, client: chain.client, registry: chain.registry });
    [, holder] = chain.accounts as [`0x${string}`, `0x${string}`];
  });
  afterAll(() => chain?.close());

  /** The holder of a name signs what sets its records. */
  async function setRecords(name: string, ...args: [Parameters<EnsNames['prepare']>[1]]): Promise<void> {
    await chain.send(holder, await names.prepare(name, ...args));
  }

  it('is written to by someone who has only the name, with the bundle in its record; after a rotation with the new prekey', async () => {
    const network = createMemoryNetwork();
    const alice = new Person(network, { installationId: 'alice-1' });
    const reading = { directories: [createEnsDirectory(names)], names };
    const [bob, carol] = [1, 2].map(() => new Person(network, reading)) as [Person, Person];
    const name = { kind: 'name', name: 'alice.eth' } as const;
    const identity = alice.identity.publicKey;
    const bundle = async () => encodeBundle(decodeContactCode(await alice.messenger.contacts.ownCode()));
    await chain.register('alice.eth', holder);
    await alice.start();
    await setRecords('alice.eth', { identity, bundle: await bundle() });
    await alice.goOff();

    await bob.start();
    const { sent, result } = await bob.writeTo(name, 'from Bob');
    expect(sent).toEqual(['pq']);
    expect(result).toMatchObject({ identity, found: true, name: { name: 'alice.eth', identity } });
    expect(result.answers.map(({ source, outcome }) => `${source} ${outcome}`)).toEqual(
      expect.arrayContaining(['name found', 'ens found', 'history none', 'topic none']),
    );

    await alice.start({ preKeyLifetimeMs: 1 });
    await alice.hasRead('from Bob');
    await setRecords('alice.eth', { identity, bundle: await bundle() });
    await alice.goOff();
    await carol.start();
    expect((await carol.writeTo(name, 'from Carol')).sent).toEqual(['pq']);
    expect((await carol.preKeysOf(alice))['alice-1']).toBeGreaterThan(1);
    await alice.start();
    await alice.hasRead('from Carol');
    await Promise.all([alice, bob, carol].map((person) => person.goOff()));
  });

  it('whose name changes hands stays the same person, until the user says otherwise', async () => {
    const network = createMemoryNetwork();
    const [alice, mallory] = [new Person(network), new Person(network)];
    const bob = new Person(network, { names });
    await chain.register('sold.eth', holder);
    await setRecords('sold.eth', { identity: alice.identity.publicKey });
    await bob.start();
    const { contacts } = bob.messenger;
    const changes: unknown[] = [];
    bob.messenger.on('nameChanged', (change) => void changes.push(change));
    const name = { kind: 'name', name: 'sold.eth' } as const;
    expect((await contacts.lookUp(name)).identity).toEqual(alice.identity.publicKey);
    await setRecords('sold.eth', { identity: mallory.identity.publicKey });
    const asked = await contacts.lookUp(name);
    expect(asked).toMatchObject({
      identity: alice.identity.publicKey,
      name: { changedTo: mallory.identity.publicKey },
    });
    expect(changes).toEqual([asked.name]);
    await contacts.pinName('sold.eth', mallory.identity.publicKey);
    expect((await contacts.lookUp(name)).identity).toEqual(mallory.identity.publicKey);
    await bob.goOff();
  });

  it('is led to from the address of a wallet, by its primary name', async () => {
    const network = createMemoryNetwork();
    const alice = new Person(network);
    const bob = new Person(network, { names });
    await bob.start();
    const address = chain.accounts[2] as `0x${string}`;
    const who = { kind: 'address', address } as const;
    expect((await bob.messenger.contacts.lookUp(who)).identity).toBeUndefined();
    await chain.register('wallet.eth', address);
    await chain.send(address, await names.prepare('wallet.eth', { identity: alice.identity.publicKey }));
    await chain.setRecord(address, 'setAddr', namehash('wallet.eth'), 60n, address);
    await chain.setPrimaryName(address, 'wallet.eth');
    const { name, identity } = await bob.messenger.contacts.lookUp(who);
    expect([name?.name, identity]).toEqual(['wallet.eth', alice.identity.publicKey]);
    await bob.goOff();
  });
});
