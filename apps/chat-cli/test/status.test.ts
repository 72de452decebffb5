import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add, Chat, type Line, newNode, Someone } from './programs.js';

const node = newNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const someone = (...flags: string[]) => new Someone('--relay', node.relay, ...flags);

describe('with --profile', () => {
  it('texts, replies, edits, reactions and groups go between two who talk as Status clients do', async () => {
    const [a, b] = await Promise.all([
      someone('--profile', 'status', '--display-name', 'alice_in_port').comeOnline(),
      someone('--profile', '2024').comeOnline(),
    ]);
    const toBob = await add(a, b, 'Bob');
    const toAlice = await add(b, a, 'Alice');
    const sent = await a.ask('send', { conversation: toBob, text: 'ahoy' });
    const heard = await b.message('ahoy');
    expect(heard['reference']).toBe(sent['reference']);
    await a.event('delivered', { reference: sent['reference'] });
    await b.ask('reply', { conversation: toAlice, text: 'ahoy back', message: heard['number'] });
    expect(await a.message('ahoy back')).toMatchObject({ replyTo: sent['reference'], protection: 'pq' });
    await b.ask('react', { conversation: toAlice, reaction: 'love' });
    await a.ask('edit', { conversation: toBob, text: 'ahoy there' });

    const { conversation } = await a.ask('status-group', { name: 'crew', members: ['Bob'] });
    await b.event('notice', { what: 'group-changed', conversation });
    const toAll = await a.ask('send', { conversation, text: 'all hands' });
    const inGroup = await b.message('all hands');
    await a.event('state', { id: toAll['id'], state: 'delivered' });
    for (const one of [a, b]) expect(await one.ask('receipts', { answer: 'on' })).toEqual({ receipts: true });
    await b.ask('read', { conversation: inGroup['conversation'] });
    await a.event('state', { id: toAll['id'], state: 'read' });
    expect(await a.refusal('receipts', { answer: 'perhaps' })).toBe('BAD_REQUEST');
    expect(await a.ask('members', { conversation })).toMatchObject({ group: { members: { length: 2 } } });
    const { entries } = (await a.ask('history', { conversation: toBob })) as { entries: Line[] };
    expect(entries[0]).toMatchObject({ text: 'ahoy there', edited: true, reactions: [{ reaction: 1 }] });
    expect(await a.refusal('react', { conversation: toBob, reaction: 'joy' })).toBe('BAD_REQUEST');
    expect(await a.end()).toBe(0);
    expect(await b.end()).toBe(0);
  });

  it('is refused when it is not known, and so are its commands without it', async () => {
    const wrong = new Chat(['--profile', '1999']);
    expect(await wrong.event('failed')).toMatchObject({ error: { code: 'BAD_OPTION' } });
    const name = new Chat(['--display-name', 'alice_in_port']);
    expect(await name.event('failed')).toMatchObject({ error: { code: 'BAD_OPTION' } });
    const plain = await someone().comeOnline();
    expect(await plain.refusal('join', { conversation: `g-${'0'.repeat(64)}` })).toBe('BAD_OPTION');
  });
});
