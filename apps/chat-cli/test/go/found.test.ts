import { type Chain, startChain } from '@sotto/testing/chain';
import type {} from '@sotto/testing/chain/setup';
import { type Kubo, startKuboNetwork } from '@sotto/testing/kubo';
import type {} from '@sotto/testing/kubo/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Chat, type Line, newNode, Someone } from '../programs.js';

const program = inject('kubo');
const folder = inject('chain');

describe.skipIf(program === undefined || folder === undefined)('beside IPFS nodes and a chain', () => {
  const node = newNode();
  let chain: Chain;
  let nodes: readonly Kubo[] = [];
  beforeAll(async () => {
    [chain, nodes] = await Promise.all([
      startChain(folder as string),
      startKuboNetwork(program as string, 2),
      node.start(),
    ]);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((one) => one.close()));
    await chain?.close();
    await node.close();
  });

  const names = () => ['--chain', chain.url, '--registry', chain.registry];
  const holder = () => chain.accounts[1] as `0x${string}`;
  /** Sends what the chat has prepared, as the wallet of the name's holder would. */
  const send = ({ to, data }: Line) =>
    chain.send(holder(), { to: to as `0x${string}`, data: data as `0x${string}` });

  /** Waits until the own bundle is in the directory. */
  async function published(chat: Chat): Promise<void> {
    await expect
      .poll(
        async () => {
          const { directories } = await chat.ask('found');
          return (directories as Line[])[0]?.['publishedAt'];
        },
        { timeout: 30_000 },
      )
      .toBeDefined();
  }

  it('somebody offline is added by name, and written to with forward secrecy; a name that changes hands is asked about', async () => {
    await chain.register('alice.eth', holder());
    const alice = new Someone('--relay', node.relay, ...names(), '--ipfs-node', (nodes[0] as Kubo).api);
    const a = await alice.comeOnline();
    await published(a);
    const prepared = await a.ask('claim', { name: 'alice.eth' });
    expect(prepared).toMatchObject({ sets: ['pubkey', 'chat.sotto.identity', 'contenthash'], replaces: [] });
    await send(prepared);
    const { key } = await a.ask('card');
    expect(await a.end()).toBe(0);

    const bob = new Someone('--relay', node.relay, ...names(), '--ipfs-gateway', (nodes[1] as Kubo).gateway);
    const b = await bob.comeOnline();
    const added = await b.ask('add', { who: 'Alice.eth' });
    expect(added).toMatchObject({
      found: true,
      name: { name: 'alice.eth', key },
      person: { name: 'alice.eth' },
    });
    const sent = await b.ask('send', { conversation: 'alice.eth', text: 'Psst.' });
    await b.event('state', { id: sent['id'], state: 'sent' });
    const again = await alice.comeOnline();
    expect(await again.message('Psst.')).toMatchObject({ protection: 'pq' });

    const mallory = new Someone('--relay', node.relay, ...names());
    const m = await mallory.comeOnline();
    const taken = await m.ask('claim', { name: 'alice.eth' });
    expect(taken['replaces']).toContain('pubkey');
    await send(taken);
    expect(await b.refusal('add', { who: 'alice.eth' })).toBe('NAME_CHANGED');
    await b.event('warning', { code: 'NAME_CHANGED' });
    const { names: pinned } = await b.ask('names');
    expect(pinned).toMatchObject([{ name: 'alice.eth', key, changedTo: (await m.ask('card'))['key'] }]);
    expect(await b.refusal('pin', { name: 'alice.eth', answer: 'maybe' })).toBe('BAD_REQUEST');
    await b.ask('pin', { name: 'alice.eth', answer: 'known' });
    expect(await b.ask('add', { who: 'alice.eth' })).toMatchObject({ person: { key } });
    expect(await b.refusal('pin', { name: 'alice.eth', answer: 'new' })).toBe('UNKNOWN_PERSON');
    expect(await b.refusal('add', { who: 'nobody.eth' })).toBe('UNKNOWN_PERSON');
    await b.ask('unpin', { name: 'alice.eth' });
    expect((await b.ask('names'))['names']).toEqual([]);
  });

  it('nobody is asked for names unless a chain is named', async () => {
    const carol = new Someone('--relay', node.relay);
    const c = await carol.comeOnline();
    expect(await c.refusal('add', { who: 'alice.eth' })).toBe('NAMES_OFF');
    expect(await c.refusal('claim', { name: 'alice.eth' })).toBe('NAMES_OFF');
    expect(await c.ask('found')).toEqual({ directories: [] });
  });
});
