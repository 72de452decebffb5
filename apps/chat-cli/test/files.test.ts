import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizeText } from '../src/files.js';
import { add, Chat, newNode, Someone } from './programs.js';

const node = newNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const someone = (...flags: string[]) => new Someone('--relay', node.relay, ...flags);
const folder = temporaryDirectory(afterAll);

function fileOf(name: string, size: number): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    Uint8Array.from({ length: size }, (_, i) => i % 251),
  );
  return path;
}

describe.each([{ flags: [] }, { flags: ['--profile', 'status'] }])('with $flags', ({ flags }) => {
  it('a file goes to another person by way of the node, and is saved once', async () => {
    const [a, b] = await Promise.all([someone(...flags).comeOnline(), someone(...flags).comeOnline()]);
    await add(a, b, 'Bob');
    await add(b, a, 'Alice');
    const photo = fileOf(`photo ${flags.length}.jpg`, 300_000);
    const file = { name: `photo ${flags.length}.jpg`, mediaType: '', size: 300_000 };
    const sent = await a.ask('attach', { conversation: 'Bob', file: photo, text: 'our tent' });
    expect(sent).toMatchObject({ own: true, file, text: 'our tent' });
    await a.event('state', { id: sent['id'], state: 'sent' });
    const received = await b.message('our tent');
    expect(received).toMatchObject({ file, protection: 'pq' });
    expect(JSON.stringify([...a.lines, ...b.lines])).not.toContain('AGE-SECRET-KEY');
    const { conversation, number } = received;
    const into = join(folder, `saved-${flags.length}`);
    mkdirSync(into);
    const message = String(number);
    const saved = await b.ask('save', { conversation, message, path: into });
    expect(saved).toEqual({ file: join(into, file.name), size: 300_000 });
    expect(readFileSync(saved['file'] as string).equals(readFileSync(photo))).toBe(true);
    expect(await b.refusal('save', { conversation, message, path: into })).toBe('FILE_EXISTS');
    expect(await b.refusal('save', { conversation, message: '999' })).toBe('BAD_REQUEST');
    expect(await a.end()).toBe(0);
  });
});

describe('a file', () => {
  it('that is not there, or would go to everyone, is refused', async () => {
    const a = await someone().comeOnline();
    await a.ask('to', { conversation: '#sailing' });
    const photo = fileOf('public.jpg', 10);
    expect(await a.refusal('attach', { conversation: '#sailing', file: photo })).toBe('WRONG_KIND');
    const b = await someone().comeOnline();
    await add(a, b, 'Bob');
    const missing = join(folder, 'missing');
    expect(await a.refusal('attach', { conversation: 'Bob', file: missing })).toBe('FILE_UNREADABLE');
    expect(await a.refusal('attach', { conversation: 'Bob', file: folder })).toBe('FILE_UNREADABLE');
  });

  it('that its store has no longer leaves nothing behind', async () => {
    const other = newNode();
    await other.start();
    const blobs = `http://${new URL(other.relay).host}/blobs/`;
    const [a, b] = await Promise.all([1, 2].map(() => someone('--blobs', blobs).comeOnline()));
    const [alice, bob] = [a as Chat, b as Chat];
    await add(alice, bob, 'Bob');
    await alice.ask('attach', { conversation: 'Bob', file: fileOf('gone.bin', 10), text: 'soon gone' });
    const { conversation, number } = await bob.message('soon gone');
    await other.close();
    const path = join(folder, 'not-saved');
    expect(await bob.refusal('save', { conversation, message: String(number), path })).toBe(
      'BLOB_UNAVAILABLE',
    );
    expect(existsSync(path)).toBe(false);
  });

  it('needs a server that stores it', async () => {
    const chat = new Chat(['--memory']);
    await chat.event('ready');
    const file = fileOf('memory.bin', 10);
    expect(await chat.refusal('attach', { conversation: 'Echo', file })).toBe('BAD_OPTION');
    const wrong = new Chat(['--blobs', 'ftp://example.org']);
    expect(await wrong.event('failed')).toMatchObject({ error: { code: 'BAD_OPTION' } });
  });

  it('has a size that people can read', () => {
    expect([0, 999, 1_000, 34_567, 999_499, 999_500, 5e9].map(sizeText)).toEqual([
      '0 bytes',
      '999 bytes',
      '1.0 kB',
      '35 kB',
      '999 kB',
      '1.0 MB',
      '5.0 GB',
    ]);
  });
});

describe('messages that disappear', () => {
  it('are gone on both sides when they were read', async () => {
    const [a, b] = await Promise.all([someone().comeOnline(), someone().comeOnline()]);
    await add(a, b, 'Bob');
    const conversation = await add(b, a, 'Alice');
    expect(await a.ask('disappear', { conversation: 'Bob', time: '1s' })).toMatchObject({ seconds: 1 });
    await b.event('notice', { what: 'disappearing-changed', seconds: 1 });
    await a.ask('send', { conversation: 'Bob', text: 'psst' });
    expect(await b.message('psst')).toMatchObject({ timer: 1 });
    await b.ask('read', { conversation });
    for (const who of [a, b]) expect(await who.event('gone')).toHaveProperty('number');
    for (const [who, whom] of [
      [a, 'Bob'],
      [b, conversation],
    ] as const)
      await expect
        .poll(async () => JSON.stringify(await who.ask('history', { conversation: whom })), {
          timeout: 20_000,
        })
        .not.toContain('psst');
    expect(await b.ask('disappear', { conversation, time: 'off' })).toEqual({ conversation });
    await a.event('notice', { what: 'disappearing-changed', own: undefined });
    expect(await b.refusal('disappear', { conversation, time: 'soon' })).toBe('BAD_REQUEST');
  });
});
