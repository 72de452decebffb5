import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Program } from './chat-process.js';

let directory: string;
const programs: Program[] = [];
const tracked = (program: Program) => {
  programs.push(program);
  return program;
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sotto-chat-cli-'));
});
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

describe('chat-cli --json', () => {
  it('answers each request, also those that are none', async () => {
    const chat = tracked(Program.chat(['--memory']));
    const codes = [];
    for (const request of [{}, { do: 'nothing' }, { do: 'add' }, { do: 'add', who: 'nobody' }]) {
      codes.push(((await chat.ask(request))['error'] as { code: string }).code);
    }
    expect(codes.slice(0, 3)).toEqual(['BAD_REQUEST', 'UNKNOWN_COMMAND', 'BAD_REQUEST']);
    expect(codes[3]).toMatch(/^[A-Z_]+$/);
    expect(await chat.ask({ do: 'list' })).toMatchObject({ result: { conversations: [{ title: 'Echo' }] } });
    expect(await chat.end()).toBe(0);
  });

  it('two talk through a node; one is away, and has everything when it is back', async () => {
    const node = await Program.node(join(directory, 'node'));
    tracked(node.program);
    const flags = (name: string) => ['--relay', node.relay, '--data', join(directory, name)];
    const open = (name: string, more: readonly string[] = []) =>
      tracked(Program.chat([...flags(name), ...more], { SOTTO_CHAT_PASSPHRASE: 'correct horse' }));

    const alice = open('alice', ['--words-to', join(directory, 'alice.txt')]);
    const bob = open('bob', ['--words-to', join(directory, 'bob.txt')]);
    const { key: keyOfBob } = await bob.line(({ event }) => event === 'ready');
    const { key: keyOfAlice } = await alice.line(({ event }) => event === 'ready');
    await bob.line(({ event, status }) => event === 'status' && status === 'connected');
    expect((await readFile(join(directory, 'alice.txt'), 'utf8')).trim().split(/\s+/)).toHaveLength(12);
    expect(await bob.end()).toBe(0);

    await alice.line(({ event, status }) => event === 'status' && status === 'connected');
    const added = await alice.ask({ do: 'add', who: keyOfBob, name: 'Bob' });
    expect(added).toHaveProperty('result');
    const { result } = await alice.ask({ do: 'list' });
    const [{ conversation }] = (result as { conversations: [{ conversation: string }] }).conversations;
    expect(await alice.ask({ do: 'send', conversation, text: 'Are you there?' })).toHaveProperty('result');
    expect(await alice.ask({ do: 'flush' })).toHaveProperty('result');

    const again = open('bob');
    const message = await again.line(({ event }) => event === 'message');
    expect(JSON.stringify(message)).toContain('Are you there?');
    expect(JSON.stringify(message)).toContain(keyOfAlice);
    expect(await again.end()).toBe(0);
    expect(await alice.end()).toBe(0);
  });

  it('refuses a wrong passphrase and a second program, each with its own code and no secret', async () => {
    const data = ['--data', join(directory, 'account'), '--relay', 'ws://127.0.0.1:1'];
    const first = tracked(
      Program.chat([...data, '--words-to', join(directory, 'words')], { SOTTO_CHAT_PASSPHRASE: 'right' }),
    );
    await first.line(({ event }) => event === 'ready');
    const second = tracked(Program.chat(data, { SOTTO_CHAT_PASSPHRASE: 'right' }));
    const locked = await second.line(({ event }) => event === 'failed');
    expect(locked).toMatchObject({ error: { code: 'STORE_LOCKED' } });
    await first.kill();
    const wrong = tracked(Program.chat(data, { SOTTO_CHAT_PASSPHRASE: 'wrong' }));
    const refused = await wrong.line(({ event }) => event === 'failed');
    expect(refused).toMatchObject({ error: { code: 'STORE_WRONG_PASSPHRASE' } });
    expect(JSON.stringify(refused)).not.toContain('wrong"');
  });
});
