import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CliError } from './cli-error.js';

/** The node that `npm run chat` and `npm run whisper-node` start on this machine. */
const LOCAL_RELAY = 'ws://127.0.0.1:8547';

/** What deployed mailservers ask for. */
const DEFAULT_MAIL_PASSWORD = 'status-offline-inbox';

export const HELP = `A chat for the terminal, and with --json for programs.

chat-cli [settings]

  --data DIR               where the account and the messages are [~/.sotto-chat]
  --passphrase-file FILE   opens the encrypted store; or in SOTTO_CHAT_PASSPHRASE. Else it is asked for
  --words-to FILE          no account yet: make one, and write its words to this new file
  --words-from FILE        no account yet: recover it from the words in this file
  --backup-to FILE         writes everything into this new file, encrypted, and ends
  --backup-from FILE       no account yet: restore it, with contacts and messages, from a backup
                           The passphrase of a backup is asked for, or in SOTTO_CHAT_BACKUP_PASSPHRASE
  --change-passphrase      asks for another passphrase for the encrypted store, and ends
  --json                   JSON lines in and out, no terminal needed
  --help

How messages travel, one of:
  --relay URL              a node's WebSocket relay [${LOCAL_RELAY}]. It sees sealed envelopes only
  --peer ENODE             Whisper peers by devp2p; may be given several times
  --mailserver ENODE       a peer that is asked for what came while you were away. Its password is in
                           SOTTO_CHAT_MAIL_PASSWORD, by default [${DEFAULT_MAIL_PASSWORD}]
  --node URL               a node's JSON-RPC, http: or ws:. IT GETS THE PRIVATE KEY of the account
  --memory                 nowhere: a trial with a partner that echoes. Nothing is kept
`;

/** How messages travel. */
export type Route =
  | { readonly kind: 'relay'; readonly url: string }
  | {
      readonly kind: 'peers';
      readonly enodes: readonly string[];
      readonly mailserver: { readonly enode: string; readonly password: string } | undefined;
    }
  | { readonly kind: 'node'; readonly url: string }
  | { readonly kind: 'memory' };

/** What was asked for on the command line. */
export interface Options {
  readonly data: string;
  readonly passphraseFile: string | undefined;
  readonly wordsTo: string | undefined;
  readonly wordsFrom: string | undefined;
  readonly backupTo: string | undefined;
  readonly backupFrom: string | undefined;
  readonly changePassphrase: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly route: Route;
}

/** @throws CliError BAD_OPTION */
export function parseOptions(args: readonly string[]): Options {
  const values = readFlags(args);
  const routes: Route[] = [
    ...(values.relay === undefined ? [] : [{ kind: 'relay', url: values.relay } as const]),
    ...peersIn(values.peer, values.mailserver),
    ...(values.node === undefined ? [] : [{ kind: 'node', url: values.node } as const]),
    ...(values.memory === true ? [{ kind: 'memory' } as const] : []),
  ];
  if (routes.length > 1) {
    throw new CliError(
      'BAD_OPTION',
      'Choose one of --relay, --peer (with --mailserver), --node and --memory.',
    );
  }
  if (values['change-passphrase'] === true && (values.json ?? values.memory) === true) {
    throw new CliError('BAD_OPTION', 'A passphrase is changed at a terminal, and not with --memory.');
  }
  const sources = ['words-to', 'words-from', 'backup-from', 'backup-to'] as const;
  if (sources.filter((name) => values[name] !== undefined).length > 1) {
    throw new CliError(
      'BAD_OPTION',
      'Choose one of --words-to, --words-from, --backup-from and --backup-to.',
    );
  }
  if (values.memory === true && (values['backup-to'] ?? values['backup-from']) !== undefined) {
    throw new CliError('BAD_OPTION', 'Nothing is kept with --memory: there is no backup of it.');
  }
  return {
    data: resolve(values.data ?? join(homedir(), '.sotto-chat')),
    passphraseFile: values['passphrase-file'],
    wordsTo: values['words-to'],
    wordsFrom: values['words-from'],
    backupTo: values['backup-to'],
    backupFrom: values['backup-from'],
    changePassphrase: values['change-passphrase'] ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
    route: routes[0] ?? { kind: 'relay', url: LOCAL_RELAY },
  };
}

function peersIn(peers: readonly string[] = [], enode: string | undefined): Route[] {
  if (peers.length === 0 && enode === undefined) return [];
  const password = process.env['SOTTO_CHAT_MAIL_PASSWORD'] || DEFAULT_MAIL_PASSWORD;
  const mailserver = enode === undefined ? undefined : { enode, password };
  // A mailserver is a peer as well.
  const enodes = [...new Set(enode === undefined ? peers : [...peers, enode])];
  return [{ kind: 'peers', enodes, mailserver }];
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        'passphrase-file': { type: 'string' },
        'words-to': { type: 'string' },
        'words-from': { type: 'string' },
        'backup-to': { type: 'string' },
        'backup-from': { type: 'string' },
        'change-passphrase': { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        relay: { type: 'string' },
        peer: { type: 'string', multiple: true },
        mailserver: { type: 'string' },
        node: { type: 'string' },
        memory: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new CliError('BAD_OPTION', `${(error as Error).message} See --help.`);
  }
}
