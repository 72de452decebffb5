import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { encodeHex } from '@sotto/core';
import { accountFromMnemonic, formatKeyText, parseMnemonic } from '@sotto/identity';
import { temporaryDirectory } from '@sotto/testing/files';
import { describe, expect, it } from 'vitest';
import { crypto, openDataDirectory } from '../src/data-directory.js';
import { add, Chat, PROGRAM, Someone } from './programs.js';

// No one is there: accounts are opened all the same.
const ROUTE = ['--relay', 'ws://127.0.0.1:9'];
const someone = () => new Someone(...ROUTE);

/** Starts it, where it has to fail. @returns the code, the message, the exit code, and all that it wrote */
async function refused(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const chat = new Chat([...flags, ...ROUTE], environment);
  const { error } = (await chat.event('failed')) as { error: { code: string; message: string } };
  const exitCode = await chat.ended;
  return { ...error, exitCode, all: JSON.stringify(chat.lines) + chat.stderr };
}

/** A file with a text in it. */
function fileOf(text: string): string {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, text);
  return file;
}

/** Everything that stands in the files of a folder. */
function bytesIn(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
}

/** Keys and values of all records that a data directory holds. */
async function recordsIn(directory: string): Promise<Buffer> {
  const { plain } = await openDataDirectory(directory);
  const parts: Uint8Array[] = [];
  for await (const { key, value } of plain.list('')) parts.push(Buffer.from(key), value);
  await plain.close();
  return Buffer.concat(parts);
}

const WORDS = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const KEY = keyOf(WORDS);

function keyOf(words: string): string {
  const { identity } = accountFromMnemonic(crypto, parseMnemonic(words));
  return formatKeyText(crypto, identity.publicKey, 'base58btc');
}

describe('a new account', () => {
  it('its words go into a file that only its owner can read, and nowhere else; they are the account', async () => {
    const alice = someone();
    const chat = await alice.come();
    const words = readFileSync(alice.words, 'utf8');
    expect(statSync(alice.words).mode & 0o777).toBe(0o600);
    expect(words).toMatch(/^([a-z]+ ){11}[a-z]+\n$/);
    expect((await chat.event('ready'))['key']).toBe(keyOf(words));
    await chat.ask('card');
    await chat.end();
    const written = JSON.stringify(chat.lines) + chat.stderr;
    for (const pair of words.match(/\S+ \S+/g) ?? []) expect(written).not.toContain(pair);
    const { privateKey } = accountFromMnemonic(crypto, parseMnemonic(words)).identity;
    expect(written).not.toContain(encodeHex(privateKey));
  });

  it('a file that is there already is not written over, and no account is made', async () => {
    const { data } = someone();
    const precious = fileOf('words of another account');
    expect(await refused(['--data', data, '--words-to', precious])).toMatchObject({
      code: 'FILE_EXISTS',
      exitCode: 1,
    });
    expect(readFileSync(precious, 'utf8')).toBe('words of another account');
    expect(await refused(['--data', data])).toMatchObject({ code: 'NO_ACCOUNT' });
  });

  it('a folder that cannot be written to is named, with the reason', async () => {
    const file = join(temporaryDirectory(), 'missing', 'words');
    const { code, message } = await refused(['--data', someone().data, '--words-to', file]);
    expect(code).toBe('FILE_UNREADABLE');
    expect(message).toContain('ENOENT');
  });

  it('where there is one, --words-to makes no other', async () => {
    const alice = someone();
    const first = await alice.come();
    await first.end();
    rmSync(alice.words);
    const second = await alice.come();
    expect((await second.event('ready'))['key']).toBe((await first.event('ready'))['key']);
    expect(existsSync(alice.words)).toBe(false);
  });

  it('with no account and no way to make one, it says which flags make one', async () => {
    const { message } = await refused(['--data', someone().data]);
    expect(message).toMatch(/--words-to FILE .* --words-from FILE/);
  });
});

describe('an account from its words', () => {
  it.each([
    ['as they are', WORDS],
    ['odd spacing, tabs and line breaks', `\n  ${WORDS.replaceAll(' ', ' \t\r\n ')}  \n`],
    ['capitals', WORDS.toUpperCase()],
    ['a byte order mark, as editors write one', `\ufeff${WORDS}`],
    [
      'other Unicode forms of spaces and letters',
      WORDS.replaceAll(' ', '\u3000').replace('legal', 'ｌｅｇａｌ'),
    ],
  ])('%s: the same key', async (_, words) => {
    const chat = new Chat(['--data', someone().data, '--words-from', fileOf(words), ...ROUTE]);
    expect((await chat.event('ready'))['key']).toBe(KEY);
  });

  it.each([
    ['an unknown word', WORDS.replace('winner', 'winer'), /^Word 2 is not in the list/],
    ['two of them', WORDS.replace('legal winner', 'lgal winer'), /places 1, 2/],
    ['a word too few', WORDS.replace(' yellow', ''), /^These are 11 words/],
    ['two words swapped', WORDS.replace('wave sausage', 'sausage wave'), /two are swapped/],
    ['nothing', '\n', /12, 15, 18, 21 or 24/],
  ])('%s: says what is wrong, repeats nothing, makes no account', async (_, words, message) => {
    const { data } = someone();
    const failure = await refused(['--data', data, '--words-from', fileOf(words)]);
    expect(failure).toMatchObject({ code: 'INVALID_MNEMONIC', exitCode: 1 });
    expect(failure.message).toMatch(message);
    for (const word of words.split(' '))
      expect(failure.all).not.toMatch(new RegExp(`\\b${word}\\b`.trim() || /$^/));
    expect(await refused(['--data', data])).toMatchObject({ code: 'NO_ACCOUNT' });
  });

  it('words of another account are a mistake where there is one; those of the same are not', async () => {
    const alice = someone();
    await (await alice.come()).end();
    const flags = ['--data', alice.data, '--words-from'];
    expect(await refused([...flags, fileOf(WORDS)])).toMatchObject({ code: 'ACCOUNT_EXISTS' });
    const same = new Chat([...flags, alice.words, ...ROUTE]);
    await same.event('ready');
  });

  it('a file that is not there is named', async () => {
    const failure = await refused(['--data', someone().data, '--words-from', '/no/such/file']);
    expect(failure).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('/no/such/file'),
    });
  });
});

describe('a passphrase', () => {
  it('opens the store, and hides everything in it; without one it can be read on the disk', async () => {
    const open = someone();
    const locked = someone();
    const environment = { SOTTO_CHAT_PASSPHRASE: 'correct horse' };
    for (const [who, env] of [
      [open, {}],
      [locked, environment],
    ] as const) {
      const chat = await who.come(env);
      const { conversation } = await chat.ask('add', { who: KEY, name: 'Someone Unusual' });
      await chat.ask('send', { conversation, text: 'psst, between us both' });
      await chat.end();
    }
    const keyOn = ({ words }: Someone) =>
      Buffer.from(
        accountFromMnemonic(crypto, parseMnemonic(readFileSync(words, 'utf8'))).identity.privateKey,
      );
    const secretsOn = async (who: Someone) => {
      // The files as they are, and the records in them: LevelDB compresses blocks, which may take a text apart.
      const disk = Buffer.concat([bytesIn(who.data), await recordsIn(who.data)]);
      const secrets = {
        key: keyOn(who),
        name: 'Someone Unusual',
        text: Buffer.from('psst, between us both').toString('base64'),
      };
      return Object.entries(secrets).flatMap(([what, secret]) => (disk.includes(secret) ? [what] : []));
    };
    expect(await secretsOn(open)).toEqual(['key', 'name', 'text']);
    expect(await secretsOn(locked)).toEqual([]);
    const again = await locked.come(environment);
    expect((await again.ask('contacts'))['contacts']).toMatchObject([{ name: 'Someone Unusual' }]);
  });

  it('missing, wrong, or given where there is none: three answers, each says what to do; then the right one opens', async () => {
    const alice = someone();
    const environment = { SOTTO_CHAT_PASSPHRASE: 'Caf\u00e9 \u{1f511}' };
    await (await alice.come(environment)).end();
    const flags = ['--data', alice.data];
    const missing = await refused(flags);
    expect(missing).toMatchObject({ code: 'PASSPHRASE_NEEDED', exitCode: 1 });
    expect(missing.message).toMatch(/--passphrase-file FILE/);
    const wrong = await refused(flags, { SOTTO_CHAT_PASSPHRASE: 'cafe \u{1f511}' });
    expect(wrong).toMatchObject({ code: 'STORE_WRONG_PASSPHRASE' });
    expect(wrong.all).not.toContain('cafe');
    // The same letters, written in another Unicode form, from a file that an editor of Windows made.
    const file = fileOf('Cafe\u0301 \u{1f511}\r\n');
    await new Chat([...flags, '--passphrase-file', file, ...ROUTE]).event('ready');

    const open = someone();
    await (await open.come()).end();
    expect(await refused(['--data', open.data], environment)).toMatchObject({ code: 'NOT_ENCRYPTED' });
    expect(await refused(['--data', open.data, '--passphrase-file', '/no/such'])).toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });
});

describe('a backup', () => {
  const environment = { SOTTO_CHAT_BACKUP_PASSPHRASE: 'for the backup' };

  /** Saves one. @returns what it wrote last, and its exit code */
  async function save(who: Someone, file: string, env: Readonly<Record<string, string>> = environment) {
    const chat = new Chat(['--data', who.data, '--backup-to', file], env);
    const exitCode = await chat.ended;
    return { ...chat.lines.at(-1), exitCode };
  }

  it('moves the account with contacts and messages; where it is restored is a new device', async () => {
    const alice = someone();
    const before = await alice.come();
    const { conversation } = await before.ask('add', { who: KEY, name: 'Someone Unusual' });
    await before.ask('send', { conversation, text: 'hello' });
    await before.end();
    const file = join(alice.folder, 'backup');
    expect(await save(alice, file)).toMatchObject({
      event: 'saved',
      exitCode: 0,
      records: expect.any(Number),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).includes('Someone Unusual')).toBe(false);

    const after = new Chat(['--data', someone().data, '--backup-from', file, ...ROUTE], environment);
    const [old, now] = [await before.event('ready'), await after.event('ready')];
    expect(now['key']).toBe(old['key']);
    expect(now['device']).not.toBe(old['device']);
    expect((await after.ask('contacts'))['contacts']).toMatchObject([{ name: 'Someone Unusual' }]);
    const { entries } = (await after.ask('history', { conversation })) as { entries: { text: string }[] };
    expect(entries.map(({ text }) => text)).toEqual(['hello']);
  });

  it('of nothing, onto a file that is there, without a passphrase: refused, and nothing is written over', async () => {
    const alice = someone();
    const file = join(alice.folder, 'backup');
    expect(await save(alice, file)).toMatchObject({ error: { code: 'NO_ACCOUNT' }, exitCode: 1 });
    await (await alice.come()).end();
    expect(await save(alice, file, {})).toMatchObject({ error: { code: 'PASSPHRASE_NEEDED' } });
    expect(await save(alice, join(alice.folder, 'missing', 'backup'))).toMatchObject({
      error: { code: 'FILE_UNREADABLE' },
    });
    expect(existsSync(file)).toBe(false);
    writeFileSync(file, 'another backup');
    expect(await save(alice, file)).toMatchObject({ error: { code: 'FILE_EXISTS' } });
    expect(readFileSync(file, 'utf8')).toBe('another backup');
  });

  it('a wrong passphrase, a damaged or missing file, a directory in use: told apart, and no account is made', async () => {
    const alice = someone();
    await (await alice.come()).end();
    const file = join(alice.folder, 'backup');
    await save(alice, file);
    const { data } = someone();
    const from = (path: string) => ['--data', data, '--backup-from', path];
    const wrong = { SOTTO_CHAT_BACKUP_PASSPHRASE: 'for another one' };
    expect(await refused(from(file), wrong)).toMatchObject({ code: 'STORE_WRONG_PASSPHRASE', exitCode: 1 });
    expect(await refused(from(file))).toMatchObject({ code: 'PASSPHRASE_NEEDED' });
    const bytes = readFileSync(file);
    for (const damaged of [
      bytes.subarray(0, -1),
      bytes.map((byte, i) => (i === bytes.length - 9 ? byte ^ 1 : byte)),
    ]) {
      const broken = join(temporaryDirectory(), 'damaged');
      writeFileSync(broken, damaged);
      expect(await refused(from(broken), environment)).toMatchObject({ code: 'MALFORMED_MESSAGE' });
    }
    expect(await refused(from('/no/such/file'), environment)).toMatchObject({ code: 'FILE_UNREADABLE' });
    expect(await refused(['--data', alice.data, '--backup-from', file], environment)).toMatchObject({
      code: 'ACCOUNT_EXISTS',
    });
    expect(await refused(['--data', data])).toMatchObject({ code: 'NO_ACCOUNT' });
  });
});

describe('the data directory', () => {
  it('is open to one program at a time; a second one says so and leaves the first alone', async () => {
    const alice = someone();
    const first = await alice.come();
    const second = await refused(['--data', alice.data]);
    expect(second).toMatchObject({ code: 'STORE_LOCKED', exitCode: 1 });
    expect(second.message).toContain('choose another --data');
    await first.ask('list');
  });

  it('an old copy that is put back is noticed, and begins new sessions', async () => {
    const alice = someone();
    const store = join(alice.data, 'store');
    const copy = join(alice.folder, 'copy');
    await (await alice.come()).end();
    cpSync(store, copy, { recursive: true });
    const later = await alice.come();
    await later.ask('send', { conversation: KEY, text: 'This moves a ratchet.' });
    await later.end();
    rmSync(store, { recursive: true });
    renameSync(copy, store);
    const restored = await alice.come();
    const warning = await restored.event('warning', { code: 'STORE_REPLACED' });
    expect(warning['message']).toContain('An older copy');
  });

  it('that was damaged is not taken for a new one', async () => {
    const alice = someone();
    await (await alice.come()).end();
    const store = join(alice.data, 'store');
    for (const name of readdirSync(store).filter((file) => /^(MANIFEST|CURRENT)/.test(file))) {
      writeFileSync(join(store, name), 'something else');
    }
    const { code } = await refused(['--data', alice.data, '--words-to', join(alice.folder, 'other')]);
    expect(code).toMatch(/^STORE_(CORRUPT|UNAVAILABLE)$/);
    expect(existsSync(join(alice.folder, 'other'))).toBe(false);
  });

  it('a path that is a file is told', async () => {
    const { code } = await refused(['--data', fileOf(''), '--words-to', join(temporaryDirectory(), 'words')]);
    expect(code).toBe('STORE_UNAVAILABLE');
  });
});

describe('the command line', () => {
  it.each([
    [['--relay', 'ws://a', '--memory'], 'Choose one of --relay'],
    [['--words-to', 'a', '--words-from', 'b'], 'Choose one of --words-to'],
    [['--backup-to', 'a', '--backup-from', 'b'], 'Choose one of --words-to'],
    [['--memory', '--backup-to', 'a'], 'With --memory nothing is kept'],
    [['--change-passphrase'], 'needs a terminal'],
    [['--passphrase', 'secret'], "Unknown option '--passphrase'"],
    [['--chain', 'rpc.example'], '--chain, --ipfs-gateway and --ipfs-node take'],
    [['--ipfs-node', 'ws://a'], '--chain, --ipfs-gateway and --ipfs-node take'],
    [['--registry', `0x${'0a'.repeat(20)}`], 'beside --chain'],
    [['--data'], '--data'],
    [['hello'], 'hello'],
  ])('%j is refused, and says why', (flags, why) => {
    const { status, stdout } = spawnSync(process.execPath, [PROGRAM, '--json', ...flags], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      event: 'failed',
      error: { code: 'BAD_OPTION', message: expect.stringContaining(why) },
    });
  });

  it.each([
    [['--relay', 'http://127.0.0.1']],
    [['--relay', 'not an address']],
    [['--peer', 'enode://1234']],
    [['--mailserver', 'enode://1234']],
    [['--node', 'ftp://127.0.0.1']],
  ])('%j: an invalid address is refused before an account is made', async (via) => {
    const { folder, data } = someone();
    const words = join(folder, 'words');
    const chat = new Chat(['--data', data, '--words-to', words, ...via]);
    const { error } = (await chat.event('failed')) as { error: { code: string } };
    expect(error.code).toMatch(/^INVALID_/);
    expect(await chat.ended).toBe(1);
    expect(existsSync(words)).toBe(false);
  });

  it('--help names every flag; without a terminal it asks for --json', () => {
    const help = execFileSync(process.execPath, [PROGRAM, '--help'], { encoding: 'utf8' });
    for (const flag of [
      '--data',
      '--passphrase-file',
      '--words-to',
      '--words-from',
      '--backup-to',
      '--backup-from',
      '--change-passphrase',
      '--json',
      '--relay',
      '--peer',
      '--mailserver',
      '--node',
      '--memory',
      '--transport',
      '--server',
      '--shard',
      '--waku-relay',
      '--packages',
      '--stream',
      '--chain',
      '--registry',
      '--ipfs-gateway',
      '--ipfs-node',
    ]) {
      expect(help).toContain(flag);
    }
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, '--memory'], {
      encoding: 'utf8',
      input: '',
    });
    expect(status).toBe(1);
    expect(stderr).toBe('The chat needs a terminal. Programs use --json.\n');
  });
});

describe('two accounts', () => {
  it('do not meet in one program: each directory has its own', async () => {
    const [alice, bob] = [someone(), someone()];
    const a = await alice.come();
    const b = await bob.come();
    await add(a, b, 'Bob');
    expect((await b.ask('contacts'))['contacts']).toEqual([]);
  });
});
