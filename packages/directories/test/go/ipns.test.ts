import { directoryCases } from '@sotto/compliance/directory';
import type { KeyPair } from '@sotto/core';
import { type Kubo, startKuboNetwork } from '@sotto/testing/kubo';
import type {} from '@sotto/testing/kubo/setup';
import { bundleTimestamp } from '@sotto/x3dh';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDirectories } from '../../src/index.js';
import {
  createDelegatedRoutingEndpoint,
  createGatewayEndpoint,
  createIpnsDirectory,
  createKuboEndpoint,
  type IpnsEndpoint,
} from '../../src/ipns.js';
import { bundleMaker, bundleOf, crypto, HOUR, newIdentity } from '../support.js';

const program = inject('kubo');

describe.skipIf(program === undefined)('two IPFS nodes', () => {
  let nodes: readonly Kubo[] = [];
  const node = (at: 0 | 1) => nodes[at] as Kubo;
  const directory = (...endpoints: IpnsEndpoint[]) => createIpnsDirectory({ crypto, endpoints });

  beforeAll(async () => {
    nodes = await startKuboNetwork(program as string, 2);
  });
  afterAll(() => Promise.all(nodes.map((one) => one.close())));

  const makeBundle = bundleMaker();
  const firstSequence = bundleTimestamp(Date.now() - HOUR);

  describe('as a directory, published to by the RPC of one and read through the gateway of the other', () => {
    const writer = () => directory(createKuboEndpoint(node(0).api));
    const reader = () => directory(createGatewayEndpoint(node(1).gateway));
    const cases = directoryCases({ publishes: false, timeout: 60_000 });
    it.each(cases)('$name', ({ run }) =>
      run({
        directory: reader,
        identity: newIdentity,
        bundle: makeBundle,
        firstSequence,
        publish: async (publication) => writer().publish?.(publication),
      }),
    );
  });

  describe('as a directory, by the RPC of both', () => {
    const cases = directoryCases({ timeout: 60_000 });
    it.each(cases)('$name', ({ run }) =>
      run({
        directory: () => directory(createKuboEndpoint(node(0).api), createKuboEndpoint(node(1).api)),
        identity: newIdentity,
        bundle: makeBundle,
        firstSequence,
      }),
    );
  });

  /** Publishes by one node and gives what another finds of it. */
  async function published(identity: KeyPair, bundle: Uint8Array, endpoints: readonly IpnsEndpoint[]) {
    const writing = createDirectories({ crypto, directories: [directory(...endpoints)] });
    expect(await writing.publish({ identity, bundle })).toEqual([{ directory: 'ipns' }]);
  }
  const find = (identity: KeyPair, ...endpoints: IpnsEndpoint[]) =>
    createDirectories({ crypto, directories: [directory(...endpoints)] }).find(identity.publicKey);

  it('give anyone who has only a key the bundle of today, and after a rotation that of tomorrow', async () => {
    const alice = newIdentity();
    const writers = [createKuboEndpoint(node(0).api)];
    for (const version of [1, 2]) {
      await published(alice, bundleOf(alice, Date.now() - HOUR + version, version), writers);
      const { found, failures } = await find(alice, createGatewayEndpoint(node(1).gateway));
      expect(failures).toEqual([]);
      expect(found.map(({ devices }) => devices[0]?.version)).toEqual([version]);
    }
  });

  it('take a record by Delegated Routing, and give it so', async () => {
    const alice = newIdentity();
    const routing = createDelegatedRoutingEndpoint(node(0).gateway);
    const { putBlock, source } = createKuboEndpoint(node(0).api);
    await published(alice, bundleOf(alice, Date.now() - HOUR), [
      routing,
      { source, ...(putBlock && { putBlock }) },
    ]);
    const { found, failures } = await find(
      alice,
      createDelegatedRoutingEndpoint(node(1).gateway),
      createGatewayEndpoint(node(1).gateway),
    );
    expect(failures).toEqual([]);
    expect(found).toHaveLength(1);
  });

  it('take a bundle again after the clock of its owner was a year ahead', async () => {
    const alice = newIdentity();
    const year = 365 * 24 * HOUR;
    const ahead = {
      now: () => Date.now() + year,
      after: (ms: number, run: () => void) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    };
    const wrong = createIpnsDirectory({ crypto, clock: ahead, endpoints: [createKuboEndpoint(node(0).api)] });
    const sequence = bundleTimestamp(ahead.now());
    await wrong.publish?.({ identity: alice, bundle: bundleOf(alice, ahead.now()), sequence });
    await published(alice, bundleOf(alice, Date.now() - HOUR, 3), [createKuboEndpoint(node(0).api)]);
    const { found } = await find(alice, createKuboEndpoint(node(1).api));
    expect(found.map(({ devices }) => devices[0]?.version)).toEqual([3]);
  });

  it('give a bundle while the node that it was published to is down, and its owner may publish to the other', async () => {
    const alice = newIdentity();
    const both = [createKuboEndpoint(node(0).api), createKuboEndpoint(node(1).api)];
    await published(alice, bundleOf(alice, Date.now() - HOUR, 1), both);
    await node(0).kill();
    const { found } = await find(alice, createGatewayEndpoint(node(1).gateway));
    expect(found.map(({ devices }) => devices[0]?.version)).toEqual([1]);
    await published(alice, bundleOf(alice, Date.now() - HOUR + 1, 2), both);
    const again = await find(alice, ...both);
    expect(again.found.map(({ devices }) => devices[0]?.version)).toEqual([2]);
    await node(0).start();
    await node(1).connect(node(0));
  });
});
