import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '@sotto/testing/files';
import { RealNodes, ServiceNode } from '@sotto/testing/waku';
import type {} from '@sotto/testing/waku/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { add, Someone } from '../programs.js';

const folder = inject('waku') as string;

describe.skipIf(folder === undefined)('over Waku, as Status clients talk', () => {
  const nodes = new RealNodes(folder);
  let service: ServiceNode;
  beforeAll(async () => {
    service = await ServiceNode.start(nodes);
  });
  afterAll(() => nodes.stop());

  const someone = (packages: string, ...flags: string[]) =>
    new Someone(
      ...['--transport', 'waku', '--server', service.address, '--packages', packages],
      ...['--profile', 'status', ...flags],
    );

  it('a light node carries texts, and the store those for someone offline', async () => {
    const bob = someone(folder);
    const [a, b] = await Promise.all([
      someone(folder, '--display-name', 'alice_in_port').comeOnline(),
      bob.comeOnline(),
    ]);
    const toBob = await add(a, b, 'Bob');
    const toAlice = await add(b, a, 'Alice');
    const { reference } = await a.ask('send', { conversation: toBob, text: 'ahoy' });
    await b.message('ahoy');
    await a.event('delivered', { reference });
    await b.ask('send', { conversation: toAlice, text: 'ahoy back' });
    expect(await a.message('ahoy back')).toMatchObject({ protection: 'pq' });
    expect(await b.end()).toBe(0);
    await a.ask('send', { conversation: toBob, text: 'while you were away' });
    const later = await bob.comeOnline();
    await later.message('while you were away');
    expect([await a.end(), await later.end()]).toEqual([0, 0]);
    expect(new Set(service.stored.map(({ version }) => version))).toEqual(new Set([1]));
  });

  it('a relay node carries texts', async () => {
    const packages = relayPackages();
    const [a, b] = await Promise.all([
      someone(packages, '--waku-relay').comeOnline(),
      someone(packages, '--waku-relay').comeOnline(),
    ]);
    const toBob = await add(a, b, 'Bob');
    await add(b, a, 'Alice');
    await a.ask('send', { conversation: toBob, text: 'to everyone on the shard' });
    await b.message('to everyone on the shard');
    expect([await a.end(), await b.end()]).toEqual([0, 0]);
  });

  /** A directory in which `@waku/sdk` is the version with relay nodes. */
  function relayPackages(): string {
    const directory = temporaryDirectory();
    const link = (name: string, target = name) => {
      const path = join(directory, 'node_modules', name);
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(realpathSync(join(folder, 'node_modules', target)), path);
    };
    link('@waku/sdk', 'relay-sdk');
    link('@libp2p/tcp');
    link('@chainsafe/libp2p-yamux');
    return directory;
  }
});
