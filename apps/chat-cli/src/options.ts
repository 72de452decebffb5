import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CliError } from './cli-error.js';
import { blobsBesideRelay } from './files.js';
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
  --link                   get the account from another device of yours: shows a code, to be read there with
                           /link CODE. The same again goes on after an interruption
  --change-passphrase      choose a new passphrase for the encrypted store, then exit
  --json                   JSON lines in and out; needs no terminal
  --help

Transport, one of:
  --transport NAME         relay, peers, node, memory, waku or nats [as the options below say, else relay]
  --relay URL              WebSocket relay of a node [${LOCAL_RELAY}]; it sees sealed envelopes only
  --peer ENODE             Whisper peer over devp2p; can be repeated
  --mailserver ENODE       a peer that stores messages while you are offline. Its password is read from
                           SOTTO_CHAT_MAIL_PASSWORD [${DEFAULT_MAIL_PASSWORD}]
  --node URL               JSON-RPC of a node, http: or ws:. IT RECEIVES THE PRIVATE KEY of the account
  --memory                 no network: try the chat with a contact that echoes. Nothing is kept

Waku and NATS, with --transport waku or --transport nats:
  --server ADDRESS         whom to connect to; can be repeated
                           waku: /dns4/HOST/tcp/PORT/p2p/ID; nats: nats://HOST:4222
  --shard CLUSTER/SHARD    waku: where the others are [16/32, as Status]
  --waku-relay             waku: a relay node instead of a light one. No server sees which topics you
                           read, and none keeps messages while you are offline
  --packages DIR           waku: where its packages are installed, if not beside this program
  --stream NAME            nats: the stream that keeps messages while you are offline [none]. Where servers
                           ask, set SOTTO_CHAT_NATS_USER and SOTTO_CHAT_NATS_PASSWORD

Files are stored encrypted on a web server, which sees their padded sizes and your network address:
  --blobs URL              its folder of blobs [/blobs/ beside the relay]; repeatable: files are stored at
                           the first one, and fetched from all

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
  | WakuOption
  | NatsOption
  | { readonly kind: 'memory' };

/** A node of Waku in this program. */
export interface WakuOption {
  readonly kind: 'waku';
  readonly mode: 'light' | 'relay';
  /** Addresses with the ids of the nodes: `/dns4/HOST/tcp/PORT/p2p/ID`. */
  readonly servers: readonly string[];
  readonly cluster: number;
  readonly shard: number;
  /** Where the packages of Waku are installed. Default: beside this program. */
  readonly packages: string | undefined;
}

/** Servers of NATS. */
export interface NatsOption {
  readonly kind: 'nats';
  readonly servers: readonly string[];
  readonly stream: string | undefined;
  /** How to log in, if the servers ask. */
  readonly login: { readonly user: string; readonly pass: string } | undefined;
}

/** The parsed command line. */
export interface Options {
  readonly data: string;
  readonly passphraseFile: string | undefined;
  readonly wordsTo: string | undefined;
  readonly wordsFrom: string | undefined;
  readonly backupTo: string | undefined;
  readonly backupFrom: string | undefined;
  /** Receive the account from another device. */
  readonly link: boolean;
  readonly changePassphrase: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly transport: TransportOption;
  readonly finding: FindingOptions;
  /** Folders of blobs on web servers: files are stored at the first one, and fetched from all. */
  readonly blobs: readonly string[];
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
  const flags = readFlags(args);
  const values = flags.transport === 'memory' ? { ...flags, memory: true } : flags;
  const transports: TransportOption[] = [
    ...networkIn(values),
    ...(values.relay === undefined ? [] : [{ kind: 'relay', url: values.relay } as const]),
    ...peersIn(values.peer, values.mailserver),
    ...(values.node === undefined ? [] : [{ kind: 'node', url: values.node } as const]),
    ...(values.memory === true ? [{ kind: 'memory' } as const] : []),
  ];
  if (transports.length > 1) {
    throw new CliError(
      'BAD_OPTION',
      'Choose one of --relay, --peer (with --mailserver), --node, --memory, --transport waku and --transport nats.',
    );
  }
  const transport = transports[0] ?? ({ kind: 'relay', url: LOCAL_RELAY } as const);
  if (values.transport !== undefined && values.transport !== transport.kind) {
    throw new CliError(
      'BAD_OPTION',
      KINDS.includes(values.transport)
        ? `--transport ${values.transport} needs an address, and none of another transport.`
        : `--transport takes ${KINDS.join(', ')}.`,
    );
  }
  if (values['change-passphrase'] === true && (values.json ?? values.memory) === true) {
    throw new CliError(
      'BAD_OPTION',
      'Changing the passphrase needs a terminal, and does not work with --memory.',
    );
  }
  const sources = ['words-to', 'words-from', 'backup-from', 'backup-to', 'link'] as const;
  if (sources.filter((name) => values[name] !== undefined).length > 1) {
    throw new CliError(
      'BAD_OPTION',
      'Choose one of --words-to, --words-from, --backup-from, --backup-to and --link.',
    );
  }
  if (values.link === true && (values.json ?? values.memory) === true)
    throw new CliError('BAD_OPTION', 'Linking needs a terminal, and does not work with --memory.');
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
    link: values.link ?? false,
    changePassphrase: values['change-passphrase'] ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
    transport,
    finding: findingIn(values),
    blobs: blobsIn(values.blobs, transport),
    profile: profileIn(values.profile, values['display-name']),
  };
}

const KINDS: readonly string[] = ['relay', 'peers', 'node', 'memory', 'waku', 'nats'];

/**
 * Waku or NATS, if one was chosen.
 * @throws CliError BAD_OPTION
 */
function networkIn(values: ReturnType<typeof readFlags>): (WakuOption | NatsOption)[] {
  const { transport, server: servers = [], shard, packages, stream } = values;
  const [waku, nats] = [transport === 'waku', transport === 'nats'];
  if (!waku && (shard ?? packages ?? values['waku-relay']) !== undefined)
    throw new CliError('BAD_OPTION', '--shard, --waku-relay and --packages need --transport waku.');
  if (!nats && stream !== undefined) throw new CliError('BAD_OPTION', '--stream needs --transport nats.');
  if (!waku && !nats) {
    if (servers.length === 0) return [];
    throw new CliError('BAD_OPTION', '--server needs --transport waku or --transport nats.');
  }
  const isServer = waku ? /^\/.+\/p2p\/[0-9A-Za-z]+$/ : /^(nats|tls):\/\/[^/]+$/;
  if (servers.length === 0 || !servers.every((server) => isServer.test(server))) {
    throw new CliError(
      'BAD_OPTION',
      waku
        ? '--transport waku needs the addresses of nodes: --server /dns4/HOST/tcp/PORT/p2p/ID'
        : '--transport nats needs the addresses of servers: --server nats://HOST:4222',
    );
  }
  if (nats) {
    if (stream !== undefined && !/^[A-Za-z0-9_-]+$/.test(stream))
      throw new CliError('BAD_OPTION', '--stream takes letters, digits, _ and -.');
    const user = process.env['SOTTO_CHAT_NATS_USER'];
    const login = user ? { user, pass: process.env['SOTTO_CHAT_NATS_PASSWORD'] ?? '' } : undefined;
    return [{ kind: 'nats', servers, stream, login }];
  }
  const [, cluster, number] = /^(\d{1,5})\/(\d{1,5})$/.exec(shard ?? '16/32') ?? [];
  if (!(Number(cluster) <= 0xffff && Number(number) <= 0xffff))
    throw new CliError('BAD_OPTION', '--shard takes two numbers up to 65535, as in 16/32.');
  const mode = values['waku-relay'] === true ? 'relay' : 'light';
  const directory = packages === undefined ? undefined : resolve(packages);
  return [
    { kind: 'waku', mode, servers, cluster: Number(cluster), shard: Number(number), packages: directory },
  ];
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
function blobsIn(urls: readonly string[] = [], transport: TransportOption): readonly string[] {
  if (!urls.every((url) => URL.canParse(url) && /^https?:/.test(url)))
    throw new CliError('BAD_OPTION', '--blobs takes addresses with https: or http:.');
  const { kind } = transport;
  const besideRelay =
    kind === 'relay' && URL.canParse(transport.url) ? [blobsBesideRelay(transport.url)] : [];
  return [...new Set([...urls, ...besideRelay])];
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
        link: { type: 'boolean' },
        'change-passphrase': { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        transport: { type: 'string' },
        server: { type: 'string', multiple: true },
        shard: { type: 'string' },
        'waku-relay': { type: 'boolean' },
        packages: { type: 'string' },
        stream: { type: 'string' },
        relay: { type: 'string' },
        peer: { type: 'string', multiple: true },
        mailserver: { type: 'string' },
        node: { type: 'string' },
        memory: { type: 'boolean' },
        blobs: { type: 'string', multiple: true },
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
