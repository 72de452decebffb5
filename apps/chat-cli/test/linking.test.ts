import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { add, Chat, newNode, Someone } from './programs.js';
import { hasTerminal, Terminal } from './terminal.js';

const PASSPHRASE = 'correct horse battery';
const node = newNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const someone = () => new Someone('--relay', node.relay);

/** Starts the new device: it asks for a passphrase, and shows a code. */
async function newDevice(data: string) {
  const terminal = new Terminal(['--data', data, '--relay', node.relay, '--link'], {
    columns: 100,
    rows: 60,
  });
  await terminal.see(/passphrase:/i);
  terminal.enter(PASSPHRASE);
  return terminal;
}

async function codeOn(terminal: Terminal): Promise<string> {
  await terminal.see('Repeat it:');
  terminal.enter(PASSPHRASE);
  const screen = await terminal.see('Show it to nobody else.');
  return /sotto-link:\S{72}/.exec(screen)?.[0] as string;
}

/** Someone with an account in which there is something. */
async function settled() {
  const [alice, bob] = [someone(), someone()];
  const [chat, other] = await Promise.all([alice.comeOnline(), bob.comeOnline()]);
  await add(chat, other, 'Bob');
  await add(other, chat, 'Alice');
  await other.ask('send', { conversation: 'Alice', text: 'Are you there?' });
  await chat.message('Are you there?');
  return { alice, chat, other };
}

describe.runIf(hasTerminal())('a new device', { timeout: 180_000 }, () => {
  it('shows a code, and has the account with its messages once it was read; both are paired, and part by unlink', async () => {
    const { chat } = await settled();
    const { key } = await chat.ask('card');
    const { data } = someone();
    const terminal = await newDevice(data);
    const code = await codeOn(terminal);
    // Nobody reads it twice, and nothing goes on unasked.
    expect(await chat.ask('link', { code })).toMatchObject({ name: expect.stringMatching(/^Terminal on /) });
    expect(await chat.refusal('link', { code })).toBe('BAD_REQUEST');
    expect(existsSync(join(data, 'link'))).toBe(true);
    await chat.ask('link', { code: 'yes' });
    await terminal.see('Is it yours?');
    expect(terminal.history()).toContain(key as string);
    terminal.enter('y');
    await terminal.see('● connected');
    const linked = await chat.event('linking', { news: 'linked' });
    terminal.enter('/to Bob');
    await terminal.see('Bob: Are you there?');
    expect(terminal.history()).not.toContain(PASSPHRASE);

    const device = linked['device'] as string;
    const devices = async () => JSON.stringify((await chat.ask('devices'))['others']);
    await expect.poll(devices, { timeout: 30_000 }).toContain('"paired":true');
    terminal.enter('/devices');
    await terminal.see(/paired {2}Terminal on/);
    await chat.ask('send', { conversation: 'Bob', text: 'From the old one.' });
    terminal.enter('/to Bob');
    await terminal.see('You: From the old one.');
    await expect.poll(() => existsSync(join(data, 'link')), { timeout: 30_000 }).toBe(false);

    await chat.ask('unlink', { device });
    expect(await devices()).toContain('"paired":false');
    await chat.ask('send', { conversation: 'Bob', text: 'Not for the other one.' });
    await chat.ask('flush');
    expect(terminal.screen()).not.toContain('Not for the other one.');
    terminal.press('C-c');
    await terminal.see('exit code 0');
  });

  it('goes on after either program was killed', async () => {
    const { alice, chat } = await settled();
    const { data } = someone();
    const first = await newDevice(data);
    const code = await codeOn(first);
    await chat.ask('link', { code });
    await chat.ask('link', { code: 'yes' });
    await first.see('Is it yours?');
    await chat.kill();
    first.press('C-c');
    await first.see('exit code 130');
    const old = await alice.comeOnline();
    const second = await newDevice(data);
    await second.see('Is it yours?');
    second.enter('y');
    await second.see('● connected');
    await old.event('linking', { news: 'linked' });
    second.enter('/to Bob');
    await second.see('Bob: Are you there?');
    // The code is of no use any more, and nothing is left of it.
    await expect.poll(() => existsSync(join(alice.data, 'link')), { timeout: 30_000 }).toBe(false);
    expect(await old.refusal('link', { code: 'yes' })).toBe('BAD_REQUEST');
    expect(await old.refusal('link', { code: 'stop' })).toBe('BAD_REQUEST');
  });

  it('has nothing when the old one declines, and says so; a text that is not a code is refused', async () => {
    const { chat } = await settled();
    expect(await chat.refusal('link', { code: 'sotto-link:abc' })).toBe('INVALID_TEXT');
    const terminal = await newDevice(someone().data);
    const code = await codeOn(terminal);
    await chat.ask('link', { code });
    await chat.ask('link', { code: 'no' });
    await terminal.see('Linking was ended on the other device.');
    await terminal.see('exit code 1');
    await chat.event('linking', { news: 'failed' });
    expect(await chat.refusal('link', { code: 'no' })).toBe('BAD_REQUEST');
  });
});

describe('linking', () => {
  it('needs a terminal and a network that lasts', async () => {
    for (const flags of [
      ['--link', '--data', someone().data],
      ['--link', '--memory'],
      ['--link', '--words-to', 'x'],
    ])
      expect(await new Chat(flags).event('failed')).toMatchObject({ error: { code: 'BAD_OPTION' } });
    const trial = new Chat(['--memory']);
    await trial.event('ready');
    expect(await trial.refusal('link', { code: 'sotto-link:abc' })).toBe('BAD_OPTION');
  });
});
