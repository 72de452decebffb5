import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeQr, encodeContactCard, parseContactCard } from '@sotto/identity';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crypto } from '../src/data-directory.js';
import { add, clockOff, newNode, Someone } from './programs.js';
import { hasTerminal, Terminal } from './terminal.js';

const PASSPHRASE = 'correct horse battery';

const node = newNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const someone = () => new Someone('--relay', node.relay);

/** Makes an account as a person does, without a passphrase. @returns its words */
async function makeAccount(terminal: Terminal, passphrase = ''): Promise<readonly string[]> {
  await terminal.see('(n)ew, or (r)ecover');
  terminal.enter('n');
  await terminal.see('New passphrase:');
  terminal.enter(passphrase);
  if (passphrase !== '') {
    await terminal.see('Repeat it:');
    terminal.enter(passphrase);
  }
  const shown = await terminal.see('Enter when you have written them down.');
  const words = wordsOn(shown);
  terminal.press('Enter');
  for (let asked = 0, last = 0; asked < 2; asked++) {
    const screen = await terminal.see(
      new RegExp(`^Word (?!${last} )\\d+, from what you wrote down: *$`, 'm'),
    );
    last = Number(/Word (\d+), from what you wrote down: *$/m.exec(screen)?.[1]);
    terminal.enter(words[last - 1] as string);
  }
  return words;
}

function wordsOn(screen: string): readonly string[] {
  const numbered = [...screen.matchAll(/(\d+) ([a-z]{3,8})(?= |$)/gm)];
  return numbered.sort((one, other) => Number(one[1]) - Number(other[1])).map(([, , word]) => word as string);
}

/** A terminal whose account is made already, on its first page. */
async function opened(who: Someone, size?: ConstructorParameters<typeof Terminal>[1]): Promise<Terminal> {
  const flags = ['--data', who.data, '--relay', node.relay];
  const terminal = new Terminal(flags, size);
  await terminal.see('● connected');
  return terminal;
}

/** Someone who made an account before. */
async function settled(): Promise<Someone> {
  const who = someone();
  await (await who.comeOnline()).end();
  return who;
}

describe.runIf(hasTerminal())('the account, at a terminal', { timeout: 180_000 }, () => {
  it('is made: the words are shown once, asked for, and leave nothing behind; the passphrase is never seen', async () => {
    const { data } = someone();
    const flags = ['--data', data, '--relay', node.relay];
    const first = new Terminal(flags);
    const words = await makeAccount(first, PASSPHRASE);
    expect(words).toHaveLength(12);
    await first.see('● connected');
    expect(first.history()).not.toContain(PASSPHRASE);
    first.press('C-c');
    await first.see('exit code 0');
    // Two of them were typed again; the other ten are nowhere.
    expect(words.filter((word) => new RegExp(`\\b${word}\\b`).test(first.history())).length).toBeLessThan(5);

    const again = new Terminal(flags);
    await again.see('Passphrase:');
    again.enter('not the passphrase');
    await again.see('Wrong passphrase. Try again:');
    again.enter(PASSPHRASE);
    await again.see('● connected');
    expect(again.history()).not.toContain(PASSPHRASE);
    again.press('C-c');
    await again.see('exit code 0');

    const changing = new Terminal([...flags, '--change-passphrase']);
    await changing.see('Passphrase:');
    changing.enter(PASSPHRASE);
    await changing.see('New passphrase:');
    changing.enter('another one');
    await changing.see('Repeat it:');
    changing.enter('another one');
    await changing.see('The passphrase was changed.');
    await changing.see('exit code 0');
    const later = new Terminal(flags);
    await later.see('Passphrase:');
    later.enter(PASSPHRASE);
    await later.see('Wrong passphrase. Try again:');
    later.enter('another one');
    await later.see('● connected');
  });

  it('words that were written down wrongly are shown once more; different passphrases are asked for again', async () => {
    const terminal = new Terminal(['--data', someone().data, '--relay', node.relay]);
    await terminal.see('(n)ew, or (r)ecover');
    terminal.enter('what?');
    terminal.enter('new');
    await terminal.see('New passphrase:');
    terminal.enter('one');
    await terminal.see('Repeat it:');
    terminal.enter('another');
    await terminal.see('The two do not match.');
    terminal.enter('');
    const shown = await terminal.see('Enter when you have written them down.');
    terminal.press('Enter');
    await terminal.see('from what you wrote down');
    terminal.enter('wrong');
    const again = await terminal.see('Enter when you have written them down.');
    expect(wordsOn(again)).toEqual(wordsOn(shown));
    terminal.press('C-c');
    await terminal.see('exit code 130');
  });

  it('who leaves before it is made has made nothing', async () => {
    const { data } = someone();
    const flags = ['--data', data, '--relay', node.relay];
    const left = new Terminal(flags);
    await left.see('(n)ew, or (r)ecover');
    left.enter('new');
    await left.see('New passphrase:');
    left.press('C-d');
    await left.see('exit code 130');
    const later = new Terminal(flags);
    await later.see('(n)ew, or (r)ecover');
  });

  it('is recovered from its words, in any spacing; a wrong one is named by its place', async () => {
    const before = await settled();
    const words = readFileSync(before.words, 'utf8').trim();
    const terminal = new Terminal(['--data', someone().data, '--relay', node.relay]);
    await terminal.see('(n)ew, or (r)ecover');
    terminal.enter('r');
    await terminal.see('New passphrase:');
    terminal.enter('');
    await terminal.see('The words (not shown as you type):');
    terminal.enter(words.replace(/^\S+/, 'misspelt'));
    await terminal.see('Word 1 is not in the list');
    terminal.enter(`  ${words.toUpperCase().replaceAll(' ', '   ')} `);
    await terminal.see('● connected');
    // A single word may be one of the screen's own.
    expect(terminal.history()).not.toMatch(new RegExp(words.split(' ').slice(4, 7).join('\\s+'), 'i'));
    terminal.enter('/card');
    await terminal.see('Enter goes back');
    const chat = await before.comeOnline();
    const { key } = await chat.ask('card');
    // Broken into lines beside the code.
    await terminal.see(String(key).slice(0, 20));
  });
});

describe.runIf(hasTerminal())('a backup, at a terminal', { timeout: 180_000 }, () => {
  it('asks for a passphrase of its own and shows progress; restoring asks for it again', async () => {
    const alice = await settled();
    const file = join(alice.folder, 'backup');
    const saving = new Terminal(['--data', alice.data, '--backup-to', file]);
    await saving.see('Passphrase for the backup:');
    saving.enter('one');
    await saving.see('Repeat it:');
    saving.enter('another');
    await saving.see('The two do not match.');
    saving.enter(PASSPHRASE);
    await saving.see(/The two do not match\.[\s\S]*Repeat it:/);
    saving.enter(PASSPHRASE);
    await saving.see(/(\d+) of \1 records/);
    await saving.see('exit code 0');
    expect(saving.history()).not.toContain(PASSPHRASE);

    const flags = ['--data', someone().data, '--backup-from', file, '--relay', node.relay];
    const restoring = new Terminal(flags);
    await restoring.see('New passphrase:');
    restoring.enter('');
    await restoring.see('Passphrase of the backup:');
    restoring.enter('not this');
    await restoring.see('Wrong passphrase. Passphrase of the backup:');
    restoring.enter(PASSPHRASE);
    await restoring.see('● connected');
  });
});

describe.runIf(hasTerminal())('the screen', { timeout: 180_000 }, () => {
  it('a trial needs nothing: Echo answers, and the protection is shown', async () => {
    const terminal = new Terminal(['--memory']);
    await terminal.see('Nothing is kept in this session.');
    terminal.enter('/to Echo');
    await terminal.see('Echo: ');
    terminal.enter('Is anyone there? 你好 👍');
    const screen = await terminal.see('Echo: Is anyone there? 你好 👍');
    expect(screen).toContain('You: Is anyone there? 你好 👍');
    expect(screen).toContain('Echo: post-quantum, not verified');
    terminal.press('C-c');
    await terminal.see('exit code 0');
  });

  it('two people: a card, a message, an answer, the same safety number on both sides', async () => {
    const [alice, bob] = [await settled(), await settled()];
    const b = await bob.comeOnline();
    const { card, key } = (await b.ask('card')) as Record<string, string>;
    const a = await opened(alice);
    a.enter(`/add ${card} Bob`);
    await a.see('Bob was added.');
    a.press('Enter');
    a.enter('Psst, Bob.');
    const message = await b.message('Psst, Bob.');
    expect(message).toMatchObject({ protection: 'pq' });
    await b.ask('send', { conversation: message['conversation'], text: 'Yes, Alice?' });
    await a.see('Bob: Yes, Alice?');
    await a.see('You: Psst, Bob.');
    await b.ask('send', { conversation: message['conversation'], text: 'with\ta tab' });
    await a.see(/Bob: with {4}a tab/);

    a.enter('/verify');
    const page = await a.see('Your safety number with Bob:');
    const { safetyNumber } = await b.ask('verify', { conversation: message['conversation'] });
    const groups = String(safetyNumber).split(' ');
    for (const start of [0, 4, 8]) expect(page).toContain(groups.slice(start, start + 4).join('  '));
    a.enter(`/verify ${'12345 '.repeat(12)}`);
    await a.see('Not the same');
    a.enter(`/verify ${key}`);
    await a.see('Verified: this is the right person');
    a.press('Enter');
    await a.see('Bob: post-quantum, ✓ verified');
  });

  it('a page that is open does not hide that something new came, and Ctrl-N goes there', async () => {
    const [alice, bob] = [await settled(), await settled()];
    const b = await bob.comeOnline();
    const a = await opened(alice);
    const { card } = await b.ask('card');
    a.enter(`/add ${card} Bob`);
    await a.see('Bob was added.');
    a.enter('/to #somewhere-else');
    await a.see('#somewhere-else: ');
    a.enter('/help');
    await a.see('Commands:');
    const conversation = await add(b, await knocking(alice, a, b), 'Alice');
    await b.ask('send', { conversation, text: 'Look here.' });
    await a.see('New: Bob (1). Ctrl-N opens it.');
    a.press('C-n');
    await a.see('Bob: Look here.');
  });

  it('the QR code on it can be read, and is the card', async () => {
    const a = await opened(await settled(), { columns: 100, rows: 50 });
    a.enter('/card');
    await a.see('▀▀▀');
    const { identity, bundle } = parseContactCard(crypto, readQr(a.screen()));
    expect(bundle).toBeDefined();
    const text = encodeContactCard(crypto, { identity, ...(bundle && { bundle }) });
    a.press('PageDown');
    expect(a.history().replace(/\s/g, '')).toContain(text.slice(0, 60));
    // The short card, without a bundle, has room where the full one has not.
    a.resize(80, 24);
    await expect.poll(() => safely(() => parseContactCard(crypto, readQr(a.screen())).bundle)).toBe('none');
    a.resize(30, 10);
    // The text is some pages long by now.
    for (let page = 0; page < 4; page++) a.press('PageUp');
    await a.see('The window is too small');
  });

  it('a card is there at once in a window of 30 rows, its text beside the code', async () => {
    const a = await opened(await settled(), { columns: 80, rows: 30 });
    a.enter('/card');
    const screen = await a.see('Your key:');
    expect(screen).not.toContain('PageDown for more');
    expect(parseContactCard(crypto, readQr(screen)).bundle).toBeUndefined();
  });

  it('in a window of 20 columns and 6 rows no line is drawn over another', async () => {
    const a = new Terminal(['--memory'], { columns: 20, rows: 6 });
    await a.see(/^>/m);
    a.enter('/help');
    const help = await a.see(/^PageDown/m);
    expect(help.trimEnd().split('\n').at(-1)).toMatch(/^>/);
    a.press('Enter');
    a.enter('/to Echo');
    await a.see(/^\/help/m);
    a.enter('one');
    await a.see(/Echo: one/);
    const lines = a.screen().trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(/^>/);
    expect(lines.length).toBeLessThanOrEqual(5);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(20);
  });

  it('in a window of 40 columns there is no list, and long lines are broken; in a wider one it is back', async () => {
    const a = new Terminal(['--memory'], { columns: 40, rows: 20 });
    await a.see('● connected');
    a.enter('/to Echo');
    await a.see('Echo: ');
    const text = `A message that does not fit, ${'word '.repeat(5)}end.`;
    a.enter(text);
    const answer = new RegExp(`Echo: ${text.replaceAll(' ', '\\s+')}`);
    expect(await a.see(answer)).not.toMatch(/^= Echo/m);
    a.resize(120, 30);
    await a.see(/^= Echo/m);
    await a.see(`Echo: ${text}`);
  });

  it('what is typed can be edited, recalled and completed; what is pasted with an Enter is sent', async () => {
    const a = new Terminal(['--memory']);
    await a.see('● connected');
    a.type('/he');
    a.press('Tab', 'Enter');
    await a.see('Commands:');
    a.enter('/to Echo');
    await a.see('Echo: ');
    a.type('helo');
    a.press('Left');
    a.type('l');
    a.press('Home');
    a.type('Oh, ');
    a.press('End');
    a.type(' 👍🏽');
    a.press('BSpace', 'BSpace', 'Enter');
    await a.see('Echo: Oh, hello');
    expect(a.screen()).not.toContain('👍');
    a.press('Up');
    await a.see('> Oh, hello');
    a.press('C-u');
    a.type('typed at once\r/help\r');
    await a.see('Commands:');
    a.press('Enter');
    await a.see('Echo: typed at once');
    expect(a.screen()).not.toContain('Echo: /help');
    a.paste('pasted\nin two lines');
    await a.see('> pasted⏎in two lines');
    a.press('Enter');
    await a.see('Echo: pasted');
  });

  it('an unknown command, one with too little and one with too much say what there is', async () => {
    const a = new Terminal(['--memory']);
    await a.see('● connected');
    a.enter('/sing');
    await a.see('Unknown command. Known: card, add,');
    a.enter('/add');
    await a.see('An argument is missing. Usage: /add WHO [NAME]');
    a.enter('/devices now');
    await a.see('Too many arguments.');
    a.enter('/leave');
    await a.see('Open a conversation first: /to NAME');
    a.enter('hello?');
    await a.see('Open a conversation first: /to NAME');
  });

  it('offline is shown, what is written waits, and goes out when the node is back', async () => {
    const [alice, bob] = [await settled(), await settled()];
    const b = await bob.comeOnline();
    const { card } = await b.ask('card');
    const a = await opened(alice);
    a.enter(`/add ${card} Bob`);
    await a.see('Bob was added.');
    a.press('Enter');
    await node.stop();
    await a.see('● offline');
    a.enter('When it is back.');
    await a.see('You: When it is back.  … waiting');
    await node.start();
    await a.see('● connected');
    await b.message('When it is back.');
    await a.seeNoMore('… waiting');
  });

  it('a request: marked in the list and above, accepted or blocked; the blocked are listed', async () => {
    const [alice, bob] = [await settled(), await settled()];
    const b = await bob.comeOnline();
    const before = await alice.comeOnline();
    const { key } = await before.ask('card');
    await before.end();
    const a = await opened(alice);
    a.enter('/requests');
    await a.see('No message requests.');
    a.press('Enter');
    await b.ask('add', { who: key, name: 'Alice' });
    await b.ask('send', { conversation: 'Alice', text: 'Hello, I am Bob.' });
    await a.see(/^\? zQ3sh/m);
    a.press('C-n');
    await a.see('Hello, I am Bob.');
    await a.see('message request: /accept or /block');
    a.enter('/requests');
    await a.see('/to it, then /accept or /block');
    a.press('Enter');
    a.enter('/accept');
    await a.see('Accepted.');
    a.press('Enter');
    await a.seeNoMore('message request');
    a.enter('/block');
    await a.see('Blocked. Undo it with /unblock and the key.');
    a.press('Enter');
    await a.see('blocked, /unblock to undo it');
    a.enter('/blocked');
    await a.see(((await b.ask('card')) as { key: string }).key);
    a.press('Enter');
    a.enter('/unblock');
    await a.see('Unblocked.');
    a.press('Enter');
    await a.seeNoMore('blocked, /unblock');
    expect(await a.see('Hello, I am Bob.')).toContain(', not verified');
  });

  it('a message that failed says why, and is tried again or given up', async () => {
    const [alice, bob] = [await settled(), await settled()];
    const b = await bob.comeOnline();
    const before = await alice.comeOnline();
    await add(before, b, 'Bob');
    await before.end();
    const a = await opened(alice, { columns: 160, env: clockOff(3 * 86_400_000) });
    a.press('Enter');
    await a.see('The clock of this device is 3 days ahead.');
    a.enter('/to Bob');
    await a.see('Bob: ');
    a.enter('In vain.');
    await a.see('In vain.  ✗ not sent');
    await a.see('The node did not accept this message.');
    await a.see('/retry or /giveup');
    a.enter('/giveup');
    await a.seeNoMore('In vain.');
    a.enter('Again.');
    await a.see('Again.  ✗ not sent');
    a.press('C-c');
    await a.see('exit code');
    const later = await opened(alice, { columns: 160 });
    later.enter('/to Bob');
    await later.see('Bob: ');
    await later.see('Again.  ✗ not sent');
    later.enter('/retry');
    await later.seeNoMore('✗ not sent');
    await b.message('Again.');
    expect(b.lines.filter(({ text }) => text === 'In vain.')).toEqual([]);
  });

  it('a second one with the same data says that it is in use', async () => {
    const alice = await settled();
    await opened(alice);
    const second = new Terminal(['--data', alice.data, '--relay', node.relay]);
    await second.see('another chat-cli has it open');
    await second.see('exit code 1');
  });

  it('is drawn where CI is set, as in a shell of someone who tests something else', async () => {
    const terminal = await opened(await settled(), { env: { CI: 'true', CONTINUOUS_INTEGRATION: '1' } });
    terminal.press('C-c');
    await terminal.see('exit code 0');
  });

  it('says before anything else that a JSON-RPC node gets the key', async () => {
    const terminal = new Terminal(['--data', `${temporaryDirectory()}/data`, '--node', node.rpc('http')]);
    await terminal.see('The node receives the private key of this account');
    await makeAccount(terminal);
    await terminal.see(/The node receives the private key of this account[\s\S]*Enter goes back/);
  });
});

/** Lets a write to b, so that b knows a's key. @returns what stands for a's chat in `add` */
async function knocking(_who: Someone, a: Terminal, b: Awaited<ReturnType<Someone['come']>>) {
  a.enter('/to Bob');
  await a.see('Bob: ');
  a.enter('knock');
  const { sender } = (await b.message('knock')) as { sender: { key: string } };
  a.enter('/help');
  await a.see('Commands:');
  return { ask: async () => ({ card: sender.key }) } as unknown as typeof b;
}

/** Reads the QR code on a screen, from its half blocks. */
function readQr(screen: string): string {
  const lines = screen.split('\n').filter((line) => /^[█▀▄]/.test(line));
  // The margin above is light; what is beyond it is text.
  const width = /^█*/.exec(lines[0] ?? '')?.[0].length ?? 0;
  const rows = lines.map((line) => line.slice(0, width));
  const scale = 4;
  const [w, h] = [width * scale, rows.length * 2 * scale];
  const data = new Uint8Array(w * h * 4).fill(255);
  for (let y = 0; y < h; y++) {
    const row = Math.floor(y / scale);
    for (let x = 0; x < w; x++) {
      const block = rows[row >> 1]?.[Math.floor(x / scale)] ?? ' ';
      const light = block === '█' || block === (row % 2 === 0 ? '▀' : '▄');
      if (!light) data.fill(0, (y * w + x) * 4, (y * w + x) * 4 + 3);
    }
  }
  return decodeQr({ width: w, height: h, data });
}

function safely(read: () => unknown): unknown {
  try {
    return read() ?? 'none';
  } catch {
    return undefined;
  }
}
