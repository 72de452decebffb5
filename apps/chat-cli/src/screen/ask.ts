import { randomInt } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { type Mnemonic, parseMnemonic } from '@sotto/identity';
import { explain } from '../explain.js';
import type { Prompter } from '../prompter.js';
import { enterScreen, leaveScreen } from './alternate-screen.js';

/** How many words have to be typed again: they were written down then. */
const WORDS_TO_CONFIRM = 2;

/** Prompter in the terminal, line by line. */
export function terminalAsks(): Prompter {
  return {
    passphrase: (again) => askHidden(again ? 'This is not it. Passphrase: ' : 'Passphrase: '),
    newPassphrase,
    newOrRecover,
    showWords,
    words,
    backupPassphrase: (again) =>
      askHidden(again ? 'This is not it. Passphrase of the backup: ' : 'Passphrase of the backup: '),
    newBackupPassphrase,
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
  say('A passphrase encrypts what is kept on this machine. No one can restore it for you. Empty for none.');
  for (;;) {
    const passphrase = await askHidden('New passphrase: ');
    if (passphrase === '') return undefined;
    if ((await askHidden('Once more: ')) === passphrase) return passphrase;
    say('These were different.');
  }
}

async function newBackupPassphrase(): Promise<string> {
  say('The backup is encrypted with a passphrase of its own. No one can restore it for you.');
  for (;;) {
    const passphrase = await askHidden('Passphrase for the backup: ');
    if (passphrase !== '' && (await askHidden('Once more: ')) === passphrase) return passphrase;
    say(passphrase === '' ? 'It has to have one.' : 'These were different.');
  }
}

function progress(done: number, total: number | undefined): void {
  process.stdout.write(`\r${done}${total === undefined ? '' : ` of ${total}`} records`);
  if (done === total) process.stdout.write('\n');
}

/** On a screen that leaves nothing in the terminal's history. */
async function showWords(mnemonic: Mnemonic): Promise<void> {
  const { words } = mnemonic;
  const numbered = words.map((word, i) => `${String(i + 1).padStart(2)} ${word.padEnd(10)}`);
  enterScreen();
  try {
    say(
      'These words are your account. Write them down on paper: they are shown only once,\nand without them it is lost with this machine.\n',
    );
    for (let i = 0; i < numbered.length; i += 4) say(`  ${numbered.slice(i, i + 4).join('  ')}`);
    await ask('\nEnter when you have written them down. ');
  } finally {
    leaveScreen();
  }
  for (const place of somePlaces(words.length)) {
    const typed = await ask(`Word ${place + 1} of what you wrote down: `);
    if (typed.trim().toLowerCase() === words[place]) continue;
    say('It is another one. Here they are again.');
    return showWords(mnemonic);
  }
}

/** Some places among so many, all different, in order. */
function somePlaces(count: number): readonly number[] {
  const places = new Set<number>();
  while (places.size < WORDS_TO_CONFIRM) places.add(randomInt(count));
  return [...places].sort((one, other) => one - other);
}

async function words(): Promise<Mnemonic> {
  for (;;) {
    try {
      return parseMnemonic(await askHidden('The words, not shown as you type: '));
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
  const given = new AbortController();
  lines.once('SIGINT', () => given.abort());
  lines.once('close', () => given.abort());
  try {
    return await lines.question(question, { signal: given.signal });
  } catch (error) {
    if (!given.signal.aborted) throw error;
    // Ctrl-C or Ctrl-D: whoever doesn't want to answer leaves. Nothing was stored.
    process.stdout.write('\n');
    process.exit(130);
  } finally {
    lines.close();
  }
}
