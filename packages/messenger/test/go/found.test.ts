import type { BundleDirectory } from '@sotto/core';
import { createEnsNames, type EnsNames } from '@sotto/directories/ens';
import {
  createGatewayEndpoint,
  createIpnsDirectory,
  createKuboEndpoint,
  type IpnsEndpoint,
} from '@sotto/directories/ipns';
import { type Chain, startChain } from '@sotto/testing/chain';
import type {} from '@sotto/testing/chain/setup';
import { type Kubo, startKuboNetwork } from '@sotto/testing/kubo';
import type {} from '@sotto/testing/kubo/setup';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { clockOff, Person, timed } from '../discovery/people.js';
import { crypto, DAY } from '../world.js';

const program = inject('kubo');
const folder = inject('chain');

describe.skipIf(program === undefined)('somebody offline whose bundle is on two IPFS nodes', () => {
  let nodes: readonly Kubo[] = [];
  const node = (at: 0 | 1) => nodes[at] as Kubo;
  const ipns = (...endpoints: IpnsEndpoint[]): BundleDirectory => createIpnsDirectory({ crypto, endpoints });
  /** Publishes by one's own node. */
  const own = () => [ipns(createKuboEndpoint(node(0).api))];
  /** Reads by the gateway of another one. */
  const gateway = () => [ipns(createGatewayEndpoint(node(1).gateway))];

  beforeAll(async () => {
    nodes = await startKuboNetwork(program as string, 2);
  });
  afterAll(() => Promise.all(nodes.map((one) => one.close())));

  it('is written to by someone who has only the key, with forward secrecy; after a rotation with the new prekey', async () => {
    const network = createMemoryNetwork();
    const alice = new Person(network, { installationId: 'alice-1', directories: own() });
    const [bob, carol] = [1, 2].map(() => new Person(network, { directories: gateway() })) as [
      Person,
      Person,
    ];
    await alice.start();
    await alice.hasPublished(1);
    await alice.goOff();

    await bob.start();
    const { sent, result } = await bob.writeTo(alice.identity.publicKey, 'from Bob');
    expect(sent).toEqual(['pq']);
    expect(result.answers).toContainEqual({
      source: 'ipns',
      outcome: 'found',
      ageMs: expect.any(Number),
    });
    expect(result.answers).toContainEqual({ source: 'history', outcome: 'none' });
    expect(await bob.preKeysOf(alice)).toEqual({ 'alice-1': 1 });

    await alice.start({ preKeyLifetimeMs: 1 });
    await alice.hasRead('from Bob');
    await alice.hasPublished(2);
    await alice.goOff();
    await carol.start();
    expect((await carol.writeTo(alice.identity.publicKey, 'from Carol')).sent).toEqual(['pq']);
    expect((await carol.preKeysOf(alice))['alice-1']).toBeGreaterThan(1);
    await alice.start();
    await alice.hasRead('from Carol');
    expect(alice.texts).toEqual(['from Bob pq', 'from Carol pq']);
    await Promise.all([alice, bob, carol].map((person) => person.goOff()));
  });

  it('is found after the clock was a year ahead, and set right', async () => {
    const network = createMemoryNetwork();
    const ahead = clockOff(365 * DAY);
    const alice = new Person(network, { installationId: 'alice-1' });
    const endpoint = createKuboEndpoint(node(0).api);
    await alice.start({
      clock: ahead,
      directories: [createIpnsDirectory({ crypto, clock: ahead, endpoints: [endpoint] })],
    });
    await alice.hasPublished(1);
    await alice.goOff();
    const bob = new Person(network, { directories: gateway() });
    await bob.start();
    const wrong = await bob.messenger.contacts.lookUp(alice.identity.publicKey);
    expect(wrong.answers).toContainEqual(expect.objectContaining({ source: 'ipns', outcome: 'failed' }));

    await alice.start({ directories: own() });
    await alice.hasPublished(2);
    await alice.goOff();
    expect((await bob.writeTo(alice.identity.publicKey, 'from Bob')).sent).toEqual(['pq']);
    await alice.start();
    await alice.hasRead('from Bob');
    await Promise.all([alice, bob].map((person) => person.goOff()));
  });

  it('is found after the store was lost', async () => {
    const network = createMemoryNetwork();
    const alice = new Person(network, { directories: own() });
    await alice.start({ installationId: 'alice-1' });
    await alice.hasPublished(1);
    await alice.goOff();
    alice.loseStore();
    await alice.start({ installationId: 'alice-2' });
    await alice.hasPublished(2);
    await alice.goOff();
    const bob = new Person(network, { directories: gateway() });
    await bob.start();
    expect((await bob.writeTo(alice.identity.publicKey, 'from Bob')).sent).toEqual(['pq', 'pq']);
    expect(Object.keys(await bob.preKeysOf(alice)).sort()).toEqual(['alice-1', 'alice-2']);
    await alice.start();
    await alice.hasRead('from Bob');
    await Promise.all([alice, bob].map((person) => person.goOff()));
  });

  it('is found after the node that it was published by was lost, and publishes by another one', async () => {
    const network = createMemoryNetwork();
    const both = [ipns(...nodes.map(({ api }) => createKuboEndpoint(api)))];
    const alice = new Person(network, { installationId: 'alice-1', directories: both });
    await alice.start();
    await alice.hasPublished(1);
    await alice.goOff();
    await node(0).kill();
    const [bob, carol] = [1, 2].map(() => new Person(network, { directories: gateway() })) as [
      Person,
      Person,
    ];
    await bob.start();
    expect((await bob.writeTo(alice.identity.publicKey, 'from Bob')).sent).toEqual(['pq']);

    await alice.start({ preKeyLifetimeMs: 1 });
    await alice.hasRead('from Bob');
    await alice.hasPublished(2);
    await alice.goOff();
    await carol.start();
    expect((await carol.writeTo(alice.identity.publicKey, 'from Carol')).sent).toEqual(['pq']);
    expect((await carol.preKeysOf(alice))['alice-1']).toBeGreaterThan(1);
    await node(0).start();
    await node(1).connect(node(0));
    await Promise.all([alice, bob, carol].map((person) => person.goOff()));
  });

  describe.skipIf(folder === undefined)('with a name on a chain that leads there', () => {
    let chain: Chain;
    let names: EnsNames;
    beforeAll(async () => {
      chain = await startChain(folder as string);
      names = createEnsNames({ crypto, client: chain.client, registry: chain.registry });
    });
    afterAll(() => chain?.close());

    it('is written to by someone who has only the name, before and after a rotation that cost no transaction', async () => {
      const [, holder] = chain.accounts as [`0x${string}`, `0x${string}`];
      const network = createMemoryNetwork();
      const alice = new Person(network, { installationId: 'alice-1', directories: own() });
      await chain.register('alice.eth', holder);
      await chain.send(
        holder,
        await names.prepare('alice.eth', { identity: alice.identity.publicKey, ipns: true }),
      );
      await alice.start();
      await alice.hasPublished(1);
      await alice.goOff();

      const [bob, carol] = [1, 2].map(() => new Person(network, { directories: gateway(), names })) as [
        Person,
        Person,
      ];
      await bob.start();
      const name = { kind: 'name', name: 'Alice.eth' } as const;
      const { sent, result } = await bob.writeTo(name, 'from Bob');
      expect(sent).toEqual(['pq']);
      expect(result.name).toMatchObject({ name: 'alice.eth', identity: alice.identity.publicKey });
      await alice.start({ preKeyLifetimeMs: 1 });
      await alice.hasPublished(2);
      await alice.hasRead('from Bob');
      await alice.goOff();
      await carol.start();
      expect((await carol.writeTo(name, 'from Carol')).sent).toEqual(['pq']);
      expect((await carol.preKeysOf(alice))['alice-1']).toBeGreaterThan(1);
      await alice.start();
      await alice.hasRead('from Carol');
      await Promise.all([alice, bob, carol].map((person) => person.goOff()));
    });

    it('takes about as long as this to be looked up', async () => {
      const [, holder] = chain.accounts as [`0x${string}`, `0x${string}`];
      const network = createMemoryNetwork();
      const rounds = 5;
      const rows: Record<string, { cold: number[]; warm: number[] }> = {};
      for (let round = 0; round < rounds; round++) {
        const alice = new Person(network, { directories: own() });
        const name = `alice-${round}.eth`;
        await chain.register(name, holder);
        await chain.send(
          holder,
          await names.prepare(name, { identity: alice.identity.publicKey, ipns: true }),
        );
        await alice.start();
        await alice.hasPublished(1);
        const key = alice.identity.publicKey;
        const ways = {
          'key, IPNS through a gateway': [key, { directories: gateway() }],
          'name on a chain, then IPNS': [
            { kind: 'name', name },
            { directories: gateway(), names },
          ],
          'topic, history of a network in memory': [key, { lookUpMs: DAY }],
        } as const;
        for (const [way, [who, options]] of Object.entries(ways)) {
          const bob = new Person(network, options);
          await bob.start();
          const row = rows[way] ?? { cold: [], warm: [] };
          rows[way] = row;
          for (const times of [row.cold, row.warm]) {
            const [took, { found }] = await timed(() => bob.messenger.contacts.lookUp(who));
            expect(found).toBe(true);
            times.push(took);
          }
          await bob.goOff();
        }
        await alice.goOff();
      }
      const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[rounds >> 1] as number;
      for (const [way, { cold, warm }] of Object.entries(rows)) {
        process.stdout.write(
          `look-up by ${way}: ${median(cold).toFixed(0)} ms cold, ${median(warm).toFixed(0)} ms warm\n`,
        );
      }
      expect(Object.keys(rows)).toHaveLength(3);
    });
  });
});
