import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { add, type Chat, clockOff, type Line, newNode, PROGRAM, Someone } from './programs.js';

const HOUR_MS = 3_600_000;

const node = newNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const someone = () => new Someone('--relay', node.relay);

describe('what people show of themselves', () => {
  it('comes with their first message; what somebody is called by the user stays', async () => {
    const [a, b] = await Promise.all([someone().comeOnline(), someone().comeOnline()]);
    const conversation = await add(a, b, 'Bob');
    expect(await a.ask('profile', { name: ' Alice   Liddell ' })).toEqual({ name: 'Alice Liddell' });
    expect(await a.refusal('profile', { name: 'Al\u202eice' })).toBe('INVALID_TEXT');
    expect(await a.refusal('picture', { file: PROGRAM })).toBe('NOT_A_PICTURE');
    await a.ask('send', { conversation, text: 'It is me.' });
    const { conversation: theirs } = await b.message('It is me.');
    const sender = async () =>
      JSON.stringify(((await b.ask('list'))['conversations'] as { person: unknown }[])[0]?.person);
    await expect.poll(sender, { timeout: 20_000 }).toContain('"ownName":"Alice Liddell"');
    expect(await sender()).toContain('"name":""');
    const who = (await a.ask('card'))['card'];
    expect(await b.ask('add', { who })).toMatchObject({ cardName: 'Alice Liddell' });
    expect(await sender()).toContain('"name":""');
    await b.ask('add', { who, name: 'My sister' });
    expect(await sender()).toContain('"name":"My sister"');
    // Somebody else of that name is noticed.
    const c = await someone().comeOnline();
    await c.ask('profile', { name: 'my SISTER' });
    await c.ask('send', { conversation: await add(c, b, 'Bob'), text: 'No, it is me.' });
    await b.message('No, it is me.');
    await expect.poll(sender, { timeout: 20_000 }).toContain('"resembles":');
    expect(await a.ask('profile', { name: 'off' })).toEqual({ name: '' });
    expect(theirs).toMatch(/^d-/);
  });
});

describe('two people', () => {
  it('the first message finds the other offline, with forward secrecy; the answer comes back', async () => {
    const [alice, bob] = [someone(), someone()];
    const bobAtHome = await bob.comeOnline();
    const { card } = await bobAtHome.ask('card');
    expect(await bobAtHome.end()).toBe(0);

    const a = await alice.comeOnline();
    await a.ask('add', { who: card, name: 'Bob' });
    const sent = await a.ask('send', { conversation: 'bob', text: 'Psst, Bob.' });
    await a.event('state', { id: sent['id'], state: 'sent' });

    const b = await bob.comeOnline();
    const message = await b.message('Psst, Bob.');
    expect(message).toMatchObject({ protection: 'pq', state: 'received', sender: { contact: false } });
    await b.ask('send', { conversation: message['conversation'], text: 'Yes, Alice?' });
    expect(await a.message('Yes, Alice?')).toMatchObject({ protection: 'pq', sender: { name: 'Bob' } });
    const { conversations } = (await a.ask('list')) as { conversations: Line[] };
    expect(conversations).toMatchObject([
      { kind: 'direct', title: 'Bob', unread: 1, protection: 'post-quantum' },
    ]);
    expect(await a.terminate()).toBe(0);
  });

  it('a killed program is told again what was not marked read, and nothing else', async () => {
    const [alice, bob] = [someone(), someone()];
    const a = await alice.comeOnline();
    const b = await bob.comeOnline();
    const conversation = await add(b, a, 'Alice');
    await add(a, b, 'Bob');
    for (const text of ['one', 'two']) await a.ask('send', { conversation: 'Bob', text });
    await b.message('one');
    await b.message('two');
    await b.ask('read', { conversation });
    await a.ask('send', { conversation: 'Bob', text: 'three' });
    await b.message('three');
    await b.kill();

    const again = await bob.comeOnline();
    await again.message('three');
    await again.ask('read', { conversation });
    expect(await again.end()).toBe(0);
    expect(again.lines.filter(({ event }) => event === 'message')).toHaveLength(1);

    const later = await bob.comeOnline();
    expect(await later.end()).toBe(0);
    expect(later.lines.filter(({ event }) => event === 'message')).toEqual([]);
  });

  it('a node that is away: what was said is kept, the exit code tells, and it is sent the next time', async () => {
    const [alice, bob] = [someone(), someone()];
    const b = await bob.comeOnline();
    const { card } = await b.ask('card');
    await node.stop();
    const a = await alice.come();
    await a.event('status', { status: 'offline' });
    await a.ask('add', { who: card, name: 'Bob' });
    await a.ask('send', { conversation: 'Bob', text: 'When you are back.' });
    expect(await a.end()).toBe(3);
    await node.start();
    const later = await alice.comeOnline();
    await b.message('When you are back.');
    expect(await later.end()).toBe(0);
  });
});

describe('someone whom one does not know', () => {
  it('is a request until accepted; an answer lets in as well', async () => {
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => someone().comeOnline()));
    await add(b as Chat, a as Chat, 'Alice');
    await add(c as Chat, a as Chat, 'Alice');
    const alice = a as Chat;
    expect(await alice.ask('requests')).toEqual({ requests: [] });
    await b?.ask('send', { conversation: 'Alice', text: 'It is me, Bob.' });
    await c?.ask('send', { conversation: 'Alice', text: 'And me, Carol.' });
    const { conversation: fromBob } = await alice.message('It is me, Bob.');
    const { conversation: fromCarol } = await alice.message('And me, Carol.');
    const { requests } = (await alice.ask('requests')) as { requests: Line[] };
    expect(requests.map(({ conversation, request }) => [conversation, request]).sort()).toEqual(
      [fromBob, fromCarol].sort().map((key) => [key, true]),
    );
    await alice.ask('accept', { conversation: fromBob });
    await alice.ask('send', { conversation: fromCarol, text: 'Hello, Carol.' });
    await c?.message('Hello, Carol.');
    expect(await alice.ask('requests')).toEqual({ requests: [] });
    await b?.ask('send', { conversation: 'Alice', text: 'Thank you.' });
    await alice.message('Thank you.');
  });

  it('is blocked: nothing of it comes, also after a restart; unblocked, it is a request again', async () => {
    const who = someone();
    const a = await who.comeOnline();
    const b = await someone().comeOnline();
    const friend = await someone().comeOnline();
    await add(b, a, 'Alice');
    await add(friend, a, 'Alice');
    await b.ask('send', { conversation: 'Alice', text: 'Buy my coins!' });
    const { conversation } = await a.message('Buy my coins!');
    const { person } = (await a.ask('block', { conversation })) as { person: Line };
    expect(person).toMatchObject({ blocked: true });
    expect((await a.ask('list'))['conversations']).toEqual([]);
    expect(await a.end()).toBe(0);

    const later = await who.comeOnline();
    expect(await later.ask('blocked')).toEqual({ blocked: [person] });
    await b.ask('send', { conversation: 'Alice', text: 'Only today!' });
    await b.ask('flush');
    await friend.ask('send', { conversation: 'Alice', text: 'Lunch?' });
    await later.message('Lunch?');
    await later.ask('unblock', { conversation: person['key'] });
    expect(await later.ask('blocked')).toEqual({ blocked: [] });
    await b.ask('send', { conversation: 'Alice', text: 'Sorry.' });
    await later.message('Sorry.');
    expect(later.lines.filter(({ text }) => text === 'Only today!')).toEqual([]);
    const { requests } = (await later.ask('requests')) as { requests: Line[] };
    expect(requests.map((line) => line['conversation'])).toContain(conversation);
  });
});

describe('a clock that is off', () => {
  it('by hours: it is said, and messages go through', async () => {
    const [alice, bob] = [someone(), someone()];
    const b = await bob.comeOnline();
    const a = await alice.comeOnline(clockOff(5 * HOUR_MS));
    const warning = await a.event('warning', { code: 'CLOCK_SKEW' });
    expect(warning['message']).toMatch(/5 hours ahead\. Messages still go through/);
    await add(a, b, 'Bob');
    await a.ask('send', { conversation: 'Bob', text: 'What time is it?' });
    await b.message('What time is it?');
    expect(a.lines.filter(({ code }) => code === 'CLOCK_SKEW')).toHaveLength(1);
  });

  it('by days: a message fails with a reason; tried again by a right clock it arrives, given up it is gone', async () => {
    const [alice, bob] = [someone(), someone()];
    const b = await bob.comeOnline();
    const first = await alice.comeOnline();
    const conversation = await add(first, b, 'Bob');
    expect(await first.refusal('retry', { conversation })).toBe('NOTHING_FAILED');
    expect(await first.end()).toBe(0);

    const a = await alice.comeOnline(clockOff(72 * HOUR_MS));
    const warning = await a.event('warning', { code: 'CLOCK_SKEW' });
    expect(warning['message']).toMatch(/3 days ahead\. Messages can't be sent/);
    const failed = [];
    for (const text of ['keep this', 'not this']) {
      const { id } = await a.ask('send', { conversation, text });
      const state = await a.event('state', { id, state: 'failed' });
      expect(state).toMatchObject({ failure: 'TRANSPORT_REFUSED' });
      failed.push(id);
    }
    const [kept, dropped] = failed;
    expect(await a.ask('giveup', { conversation })).toEqual({ id: dropped });
    expect(await a.refusal('giveup', { conversation, message: dropped })).toBe('NOT_FOUND');
    await a.end();

    const later = await alice.comeOnline();
    const { entries } = (await later.ask('history', { conversation })) as { entries: Line[] };
    expect(entries.map(({ id, state }) => [id, state])).toEqual([[kept, 'failed']]);
    expect(await later.ask('retry', { conversation, message: kept })).toEqual({ id: kept });
    await later.event('state', { id: kept, state: 'sent' });
    await b.message('keep this');
    expect(b.lines.filter(({ text }) => text === 'not this')).toEqual([]);
  });
});

describe('more than two', () => {
  it('a public chat', async () => {
    const a = await someone().comeOnline();
    const b = await someone().comeOnline();
    await a.ask('to', { conversation: '#a-chat' });
    await b.ask('to', { conversation: '#a-chat' });
    await a.ask('send', { conversation: '#a-chat', text: 'Anyone?' });
    expect(await b.message('Anyone?')).toMatchObject({ conversation: 'p-a-chat', protection: 'public' });
    await b.ask('remove', { conversation: '#a-chat' });
    expect((await b.ask('list'))['conversations']).toEqual([]);
  });

  it('a group: made, written to, changed, left', async () => {
    const a = await someone().comeOnline();
    const b = await someone().comeOnline();
    const c = await someone().comeOnline();
    await add(a, b, 'Bob');
    await add(a, c, 'Carol');
    const { conversation } = await a.ask('group', { name: 'Our hike', members: ['Bob'] });
    await a.ask('send', { conversation: 'our hike', text: 'Hello, Bob.' });
    expect(await b.message('Hello, Bob.')).toMatchObject({ conversation, protection: 'pq' });
    expect(await b.refusal('invite', { conversation, members: ['zQ3shnobody'] })).toBe('UNKNOWN_PERSON');
    expect(await b.refusal('kick', { conversation, members: [(await a.ask('card'))['key']] })).toBe(
      'NOT_PERMITTED',
    );

    await a.ask('invite', { conversation, members: ['Carol'] });
    await a.ask('promote', { conversation, members: ['Bob'] });
    await a.ask('name', { conversation, name: 'The hike' });
    await a.ask('send', { conversation, text: 'Hello, both.' });
    await b.message('Hello, both.');
    await c.message('Hello, both.');
    const { group } = (await c.ask('members', { conversation })) as {
      group: { name: string; members: Line[] };
    };
    expect(group.name).toBe('The hike');
    expect(group.members.filter(({ admin }) => admin)).toHaveLength(2);

    await a.ask('demote', { conversation, members: ['Bob'] });
    await a.ask('kick', { conversation, members: ['Carol'] });
    await c.line(({ event, left }) => event === 'notice' && Array.isArray(left) && left.length === 1);
    expect(await c.refusal('send', { conversation, text: 'Still here?' })).toBe('NOT_PERMITTED');
    await b.ask('leave', { conversation });
    await a.line(({ event, left }) => event === 'notice' && JSON.stringify(left ?? '').includes('"Bob"'));
    expect(((await a.ask('members', { conversation }))['group'] as { members: Line[] }).members).toHaveLength(
      1,
    );
  });

  it('a second device: recovered from the words, paired, and in step', async () => {
    const [alice, bob] = [someone(), someone()];
    const phone = await alice.comeOnline();
    const b = await bob.comeOnline();
    await add(phone, b, 'Bob');
    const laptop = await someone().recover(alice.words);
    expect((await laptop.event('ready'))['key']).toBe((await phone.event('ready'))['key']);
    await phone.event('warning', { code: 'OWN_DEVICE_SEEN' });
    const { device } = await laptop.event('ready');
    await phone.ask('pair', { device: String(device).slice(0, 8), name: 'Laptop' });
    await laptop.event('warning', { code: 'OWN_DEVICE_SEEN' });
    await laptop.ask('pair', { device: (await phone.event('ready'))['device'] });
    expect((await phone.ask('devices'))['others']).toMatchObject([{ device, paired: true, name: 'Laptop' }]);

    await phone.ask('send', { conversation: 'Bob', text: 'From the phone.' });
    await b.message('From the phone.');
    expect(await laptop.event('message', { text: 'From the phone.' })).toMatchObject({ own: true });
    await phone.ask('unpair', { device });
    expect((await phone.ask('devices'))['others']).toMatchObject([{ paired: false }]);
  });
});

describe('other ways to travel', () => {
  it.each([
    ['JSON-RPC by WebSocket', () => ['--node', node.rpc('ws')]],
    ['JSON-RPC by HTTP', () => ['--node', node.rpc('http')]],
    ['a peer by devp2p', () => ['--peer', node.enode]],
  ])('%s', async (_, via) => {
    const a = await new Someone(...via()).comeOnline();
    const b = await new Someone(...via()).comeOnline();
    await add(a, b, 'Bob');
    await a.ask('send', { conversation: 'Bob', text: 'Another way.' });
    expect(await b.message('Another way.')).toMatchObject({ protection: 'dr' });
    const warned = /receives the private key/.test(a.stderr);
    expect(warned).toBe(via()[0] === '--node');
  });
});

describe('a mailserver', () => {
  it('keeps what is sent by peers to someone who is away', async () => {
    const a = await new Someone('--peer', node.enode).comeOnline();
    const bob = new Someone('--mailserver', node.enode);
    const b = await bob.comeOnline();
    await add(a, b, 'Bob');
    await b.end();
    const sent = await a.ask('send', { conversation: 'Bob', text: 'Where are you?' });
    await a.event('state', { id: sent['id'], state: 'sent' });
    await (await bob.come()).message('Where are you?');
  });
});

describe('the echo bot of the README', () => {
  const file = join(import.meta.dirname, '../examples/echo-bot.mjs');

  it('stands in the README as it runs, in less than 40 lines', () => {
    const program = readFileSync(file, 'utf8');
    expect(readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')).toContain(
      `\`\`\`js\n${program}\`\`\``,
    );
    expect(program.split('\n').length).toBeLessThan(40);
  });

  it('says everything again', async () => {
    const bot = spawn(process.execPath, [file, join(temporaryDirectory(), 'bot'), '--relay', node.relay], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(bot, 'exit');
    onTestFinished(async () => {
      bot.kill();
      await ended;
    });
    const [card] = await once(createInterface({ input: bot.stdout }), 'line');
    const a = await someone().comeOnline();
    await a.ask('add', { who: card, name: 'Bot' });
    await a.ask('send', { conversation: 'Bot', text: 'Is there an echo?' });
    expect(await a.message('Is there an echo?')).toMatchObject({ sender: { name: 'Bot' }, protection: 'pq' });
  });
});
