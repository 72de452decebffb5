import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { PublicKey } from '@sotto/core';
import type { LinkProgress } from '@sotto/device-linking';
import { type Mnemonic, parseMnemonic, qrModules, qrTerminal } from '@sotto/identity';
import { explain } from '../explain.js';
import { sizeText } from '../files.js';
import { keyText, plain } from '../names.js';
import type { Prompter } from '../prompter.js';
import { enterScreen, leaveScreen } from './alternate-screen.js';

/** How many words must be typed again, as evidence that they were written down. */
const WORDS_TO_CONFIRM = 2;

/** Prompts in the terminal, line by line. */
export function terminalPrompter(): Prompter {
  return {
    passphrase: (again) => askHidden(again ? 'Wrong passphrase. Try again: ' : 'Passphrase: '),
    newPassphrase,
    newOrRecover,
    showWords,
    words,
    backupPassphrase: (again) =>
      askHidden(again ? 'Wrong passphrase. Passphrase of the backup: ' : 'Passphrase of the backup: '),
    newBackupPassphrase,
    linkCode,
    linkRead: (name) => say(`\n${plain(name)} has read the code.`),
    isOwnAccount,
    linkProgress,
    progress,
  };
}

async function newOrRecover(): Promise<'new' | 'recover'> {
  for (;;) {
    const answer = (await ask('No account here yet. (n)ew, or (r)ecover one from its words? '))
      .trim()
      .toLowerCase();
    if ('new'.startsWith(answer) && answer !== '') return 'new';
    if ('recover'.startsWith(answer) && answer !== '') return 'recover';
  }
}

async function newPassphrase(): Promise<string | undefined> {
  say(
    'A passphrase encrypts everything stored on this machine. It cannot be reset. Leave it empty for none.',
  );
  for (;;) {
    const passphrase = await askHidden('New passphrase: ');
    if (passphrase === '') return undefined;
    if ((await askHidden('Repeat it: ')) === passphrase) return passphrase;
    say('The two do not match.');
  }
}

async function newBackupPassphrase(): Promise<string> {
  say('The backup is encrypted with a passphrase of its own. It cannot be reset.');
  for (;;) {
    const passphrase = await askHidden('Passphrase for the backup: ');
    if (passphrase !== '' && (await askHidden('Repeat it: ')) === passphrase) return passphrase;
    say(passphrase === '' ? 'A backup needs a passphrase.' : 'The two do not match.');
  }
}

function progress(done: number, total: number | undefined): void {
  process.stdout.write(`\r${done}${total === undefined ? '' : ` of ${total}`} records`);
  if (done === total) process.stdout.write('\n');
}

function linkCode(code: string, expiresAt: number): void {
  const options = { errorCorrection: 'low' } as const;
  const { columns = 80 } = process.stdout;
  if (qrModules(code, options).length <= columns) say(`\n${qrTerminal(code, options)}`);
  const minutes = Math.max(1, Math.round((expiresAt - Date.now()) / 60_000));
  say(
    [
      '',
      'On your other device, scan this code, or type /link and this text:',
      '',
      code,
      '',
      `Show it to nobody else. It can be used once, within ${minutes} minutes. Ctrl-C stops; --link again goes on.`,
    ].join('\n'),
  );
}

async function isOwnAccount(identity: PublicKey, oldDevice: string): Promise<boolean> {
  say(`${plain(oldDevice)} offers the account ${keyText(identity)}`);
  say(
    'Compare this with the key that your other device shows at the top. Whoever saw the code could offer another.',
  );
  for (;;) {
    const answer = (await ask('Is it yours? (y)es or (n)o: ')).trim().toLowerCase();
    if (answer !== '' && 'yes'.startsWith(answer)) return true;
    if (answer !== '' && 'no'.startsWith(answer)) return false;
  }
}

function linkProgress({ done, total }: LinkProgress): void {
  process.stdout.write(`\r${sizeText(done)} of ${sizeText(total)}   `);
  if (done >= total) process.stdout.write('\n');
}

/** On the alternate screen, which leaves nothing in the terminal's history. */
async function showWords(mnemonic: Mnemonic): Promise<void> {
  const { words } = mnemonic;
  const numbered = words.map((word, i) => `${String(i + 1).padStart(2)} ${word.padEnd(10)}`);
  enterScreen();
  try {
    say(
      'These words are your account. Write them down on paper: they are shown only once.\nWithout them, the account is lost with this machine.\n',
    );
    for (let i = 0; i < numbered.length; i += 4) say(`  ${numbered.slice(i, i + 4).join('  ')}`);
    await ask('\nPress Enter when you have written them down. ');
  } finally {
    leaveScreen();
  }
  for (const place of randomPlaces(words.length)) {
    const typed = await ask(`Word ${place + 1}, from what you wrote down: `);
    if (typed.trim().toLowerCase() === words[place]) continue;
    say('That is not the word. Here they are again.');
    return showWords(mnemonic);
  }
}

/** Random, distinct indices below `count`, in ascending order. */
function randomPlaces(count: number): readonly number[] {
  const places = new Set<number>();
  while (places.size < WORDS_TO_CONFIRM) places.add(randomInt(count));
  return [...places].sort((one, other) => one - other);
}

async function words(): Promise<Mnemonic> {
  for (;;) {
    try {
      return parseMnemonic(await askHidden('The words (not shown as you type): '));
    } catch (error) {
      say(explain(error).message);
    }
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function ask(question: string): Promise<string> {
  return askOn(process.stdout, question);
}

async function askHidden(question: string): Promise<string> {
  process.stdout.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await askOn(nowhere, '');
  } finally {
    process.stdout.write('\n');
  }
}

async function askOn(output: NodeJS.WritableStream, question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: true, historySize: 0 });
  const cancelled = new AbortController();
  lines.once('SIGINT', () => cancelled.abort());
  lines.once('close', () => cancelled.abort());
  try {
    return await lines.question(question, { signal: cancelled.signal });
  } catch (error) {
    if (!cancelled.signal.aborted) throw error;
    // Ctrl-C or Ctrl-D leaves the program. Nothing was stored.
    process.stdout.write('\n');
    process.exit(130);
  } finally {
    lines.close();
  }
}
