#!/usr/bin/env node
/** Entry point: parses options, opens the account, then shows the screen or serves JSON lines. */
import { changePassphrase, openAccount } from './account.js';
import { saveBackup } from './backup.js';
import { CliError } from './cli-error.js';
import { explain } from './explain.js';
import { openBlobs } from './files.js';
import { openFinding } from './finding.js';
import { serveJson } from './json-mode.js';
import { openMemorySession } from './memory-session.js';
import { HELP, type Options, parseOptions } from './options.js';
import type { Prompter } from './prompter.js';
import { openSession, type Session } from './session.js';
import { KEY_LEAVES_WARNING, transportFor } from './transport.js';

const FAILED = 1;

async function run(options: Options): Promise<number> {
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (!options.json && !(process.stdin.isTTY && process.stdout.isTTY)) {
    throw new CliError('NO_TERMINAL', 'The chat needs a terminal. Programs use --json.');
  }
  if (options.changePassphrase) {
    await changePassphrase(options, (await prompterFor(options)) as Prompter);
    process.stdout.write('The passphrase was changed.\n');
    return 0;
  }
  if (options.backupTo !== undefined) return backUp(options, options.backupTo);
  if (options.transport.kind === 'node') process.stderr.write(`${KEY_LEAVES_WARNING}\n`);
  const { session, close } = await open(options);
  try {
    if (options.json) return await serve(session);
    const { showChat } = await import('./screen/show-chat.js');
    await showChat(session, options.transport);
    return 0;
  } finally {
    await close();
  }
}

async function open(options: Options): Promise<{ readonly session: Session; close(): Promise<void> }> {
  const { transport: option } = options;
  if (option.kind === 'memory') return openMemorySession();
  const transport = await transportFor(option);
  const linkPlace = { data: options.data, transport: () => transportFor(option) };
  const finding = await openFinding(options.finding);
  const session = await openSession({
    ...(await openAccount(options, await prompterFor(options), linkPlace)),
    linkPlace,
    transport,
    finding,
    blobs: openBlobs(options.blobs),
    profile: options.profile,
  });
  return { session, close: () => session.close() };
}

/** With `--json` there is no one to ask. */
async function prompterFor({ json }: Options): Promise<Prompter | undefined> {
  return json ? undefined : (await import('./screen/terminal-prompter.js')).terminalPrompter();
}

async function backUp(options: Options, file: string): Promise<number> {
  const prompter = await prompterFor(options);
  const account = await openAccount(options, prompter);
  try {
    const records = await saveBackup(file, account, prompter, (done, total) =>
      prompter?.progress(done, total),
    );
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ event: 'saved', file, records })}\n`
        : `Saved ${records} records to ${file}. Sessions are not part of it: restoring creates a new device.\n`,
    );
    return 0;
  } finally {
    await account.store.close();
  }
}

async function serve(session: Session): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  // The reader is gone.
  process.stdout.on('error', () => stop.abort());
  return serveJson(session, process.stdin, process.stdout, stop.signal);
}

let json = process.argv.includes('--json');
try {
  const options = parseOptions(process.argv.slice(2));
  json = options.json;
  process.exitCode = await run(options);
  // The parent process may keep the input open.
  process.stdin.destroy();
} catch (error) {
  process.exitCode = FAILED;
  const { code, message } = explain(error);
  if (json) process.stdout.write(`${JSON.stringify({ event: 'failed', error: { code, message } })}\n`);
  else process.stderr.write(`${message}\n`);
  if (code === 'UNEXPECTED') process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
}
