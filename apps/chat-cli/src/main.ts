#!/usr/bin/env node
/** The program: settings, account, then a screen for people or JSON lines for programs. */
import { changePassphrase, openAccount } from './account.js';
import { saveBackup } from './backup.js';
import { CliError } from './cli-error.js';
import { explain } from './explain.js';
import { serveJson } from './json-mode.js';
import { HELP, type Options, parseOptions } from './options.js';
import type { Prompter } from './prompter.js';
import { KEY_LEAVES, transportFor } from './route.js';
import { openSession, type Session } from './session.js';
import { openTrial } from './trial.js';

const FAILED = 1;

async function run(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!options.json && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new CliError('NO_TERMINAL', 'The chat needs a terminal. Programs give --json.');
  }
  if (options.changePassphrase) {
    await changePassphrase(options, (await asksOf(options)) as Prompter);
    process.stdout.write('The passphrase was changed.\n');
    return 0;
  }
  if (options.backupTo !== undefined) return backUp(options, options.backupTo);
  if (options.route.kind === 'node') process.stderr.write(`${KEY_LEAVES}\n`);
  const { session, close } = await open(options);
  try {
    if (options.json) return await serve(session);
    const { showChat } = await import('./screen/show-chat.js');
    await showChat(session, options.route);
    return 0;
  } finally {
    await close();
  }
}

async function open(options: Options): Promise<{ readonly session: Session; close(): Promise<void> }> {
  if (options.route.kind === 'memory') return openTrial();
  const transport = await transportFor(options.route);
  const session = await openSession({ ...(await openAccount(options, await asksOf(options))), transport });
  return { session, close: () => session.close() };
}

/** No one can be asked where a program talks. */
async function asksOf({ json }: Options): Promise<Prompter | undefined> {
  return json ? undefined : (await import('./screen/ask.js')).terminalAsks();
}

async function backUp(options: Options, file: string): Promise<number> {
  const asks = await asksOf(options);
  const account = await openAccount(options, asks);
  try {
    const records = await saveBackup(file, account, asks, (done, total) => asks?.progress(done, total));
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ event: 'saved', file, records })}\n`
        : `Saved ${records} records to ${file}. Ratchets stay here: where it is restored is a new device.\n`,
    );
    return 0;
  } finally {
    await account.store.close();
  }
}

async function serve(session: Session): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  // No one listens any more.
  process.stdout.on('error', () => stop.abort());
  return serveJson(session, process.stdin, process.stdout, stop.signal);
}

let json = process.argv.includes('--json');
try {
  const options = parseOptions(process.argv.slice(2));
  json = options.json;
  process.exitCode = await run(options);
  // The other end may hold the input open.
  process.stdin.destroy();
} catch (error) {
  process.exitCode = FAILED;
  const { code, message } = explain(error);
  if (json) process.stdout.write(`${JSON.stringify({ event: 'failed', error: { code, message } })}\n`);
  else process.stderr.write(`${message}\n`);
  if (code === 'UNEXPECTED') process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
}
