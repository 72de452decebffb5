import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CliError } from './cli-error.js';
import type { FindingOptions } from './finding.js';

/** Relay of the node that `npm run chat` and `npm run whisper-node` start. */
const LOCAL_RELAY = 'ws://127.0.0.1:8547';

/** The password of deployed mailservers. */
const DEFAULT_MAIL_PASSWORD = 'status-offline-inbox';

export const HELP = `A chat for the terminal, and with --json for programs.

chat-cli [options]

  --data DIR               directory of the account and its messages [~/.sotto-chat]
  --passphrase-file FILE   passphrase of the encrypted store; or set SOTTO_CHAT_PASSPHRASE, or be asked
  --words-to FILE          create an account and write its recovery words to this new file
  --words-from FILE        recover an account from the words in this file
  --backup-to FILE         write an encrypted backup to this new file, then exit
  --backup-from FILE       restore an account with its contacts and messages from a backup
                           Set SOTTO_CHAT_BACKUP_PASSPHRASE, or be asked for the passphrase
  --change-passphrase      choose a new passphrase for the encrypted store, then exit
  --json                   JSON lines in and out; needs no terminal
  --help

Transport, one of:
  --relay URL              WebSocket relay of a node [${LOCAL_RELAY}]; it sees sealed envelopes only
  --peer ENODE             Whisper peer over devp2p; can be repeated
  --mailserver ENODE       a peer that stores messages while you are offline. Its password is read from
                           SOTTO_CHAT_MAIL_PASSWORD [${DEFAULT_MAIL_PASSWORD}]
  --node URL               JSON-RPC of a node, http: or ws:. IT RECEIVES THE PRIVATE KEY of the account
  --memory                 no network: try the chat with a contact that echoes. Nothing is kept

Status clients. Everyone whom you write to needs this option, or a Status client:
  --profile GENERATION     2020 or 2024: what people are taken for until their messages show it. status: 2024
  --display-name NAME      goes with your messages: 5 to 24 letters, digits, spaces, _ or -

Names and keys. Whoever is named here learns your network address and whom you look up:
  --chain URL              JSON-RPC of an Ethereum node: /add alice.eth
  --registry ADDRESS       registry of names, on another chain than Ethereum
  --ipfs-gateway URL       finds people who are offline by their key; can be repeated
  --ipfs-node URL          the same by the RPC of your own IPFS node, which publishes your devices under
                           your key: everyone can see that, and when
`;

/** The transport chosen on the command line. */
export type TransportOption =
  | { readonly kind: 'relay'; readonly url: string }
  | {
      readonly kind: 'peers';
      readonly enodes: readonly string[];
      readonly mailserver: { readonly enode: string; readonly password: string } | undefined;
    }
  | { readonly kind: 'node'; readonly url: string }
  | { readonly kind: 'memory' };

/** The parsed command line. */
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
  readonly transport: TransportOption;
  readonly finding: FindingOptions;
  /** How Status clients are talked to; `undefined`: plain texts only. */
  readonly profile: ProfileOption | undefined;
}

/** The generation of Status clients that people are taken for, and our name among them. */
export interface ProfileOption {
  readonly generation: '2020' | '2024';
  readonly displayName: string | undefined;
}

/** @throws CliError BAD_OPTION */
export function parseOptions(args: readonly string[]): Options {
  const values = readFlags(args);
  const transports: TransportOption[] = [
    ...(values.relay === undefined ? [] : [{ kind: 'relay', url: values.relay } as const]),
    ...peersIn(values.peer, values.mailserver),
    ...(values.node === undefined ? [] : [{ kind: 'node', url: values.node } as const]),
    ...(values.memory === true ? [{ kind: 'memory' } as const] : []),
  ];
  if (transports.length > 1) {
    throw new CliError(
      'BAD_OPTION',
      'Choose one of --relay, --peer (with --mailserver), --node and --memory.',
    );
  }
  if (values['change-passphrase'] === true && (values.json ?? values.memory) === true) {
    throw new CliError(
      'BAD_OPTION',
      'Changing the passphrase needs a terminal, and does not work with --memory.',
    );
  }
  const sources = ['words-to', 'words-from', 'backup-from', 'backup-to'] as const;
  if (sources.filter((name) => values[name] !== undefined).length > 1) {
    throw new CliError(
      'BAD_OPTION',
      'Choose one of --words-to, --words-from, --backup-from and --backup-to.',
    );
  }
  if (values.memory === true && values.profile !== undefined)
    throw new CliError('BAD_OPTION', 'With --memory there is nobody who needs --profile.');
  if (values.memory === true && (values['backup-to'] ?? values['backup-from']) !== undefined) {
    throw new CliError(
      'BAD_OPTION',
      'With --memory nothing is kept, so there is nothing to back up or restore.',
    );
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
    transport: transports[0] ?? { kind: 'relay', url: LOCAL_RELAY },
    finding: findingIn(values),
    profile: profileIn(values.profile, values['display-name']),
  };
}

/** @throws CliError BAD_OPTION */
function profileIn(name: string | undefined, displayName: string | undefined): ProfileOption | undefined {
  if (name === undefined) {
    if (displayName === undefined) return undefined;
    throw new CliError('BAD_OPTION', '--display-name needs --profile.');
  }
  if (!['status', '2020', '2024'].includes(name))
    throw new CliError('BAD_OPTION', '--profile takes status, 2020 or 2024.');
  return { generation: name === '2020' ? '2020' : '2024', displayName };
}

/** @throws CliError BAD_OPTION */
function findingIn(values: ReturnType<typeof readFlags>): FindingOptions {
  const { chain, registry } = values;
  const gateways = values['ipfs-gateway'] ?? [];
  const ipfsNode = values['ipfs-node'];
  for (const url of [chain, ipfsNode, ...gateways]) {
    if (url !== undefined && !(URL.canParse(url) && /^https?:/.test(url))) {
      throw new CliError(
        'BAD_OPTION',
        '--chain, --ipfs-gateway and --ipfs-node take addresses with https: or http:.',
      );
    }
  }
  if (registry !== undefined && !(chain !== undefined && /^0x[0-9a-f]{40}$/i.test(registry))) {
    throw new CliError('BAD_OPTION', '--registry takes 0x and 40 digits, beside --chain.');
  }
  return { chain, registry, gateways, ipfsNode };
}

function peersIn(peers: readonly string[] = [], enode: string | undefined): TransportOption[] {
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
        profile: { type: 'string' },
        'display-name': { type: 'string' },
        chain: { type: 'string' },
        registry: { type: 'string' },
        'ipfs-gateway': { type: 'string', multiple: true },
        'ipfs-node': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new CliError('BAD_OPTION', `${(error as Error).message} See --help.`);
  }
}
