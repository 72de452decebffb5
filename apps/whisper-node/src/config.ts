import { parseArgs } from 'node:util';
import { defaultProvider } from '@sotto/crypto';
import { parseEnode } from '@sotto/whisper-devp2p';
import { type Address, parseAddress } from './http/address.js';
import { isAddressOrSubnet } from './http/client-address.js';

interface Flag<T> {
  /** For `--help`. */
  readonly about: string;
  /** The kind of value, for `--help`; none for a switch. */
  readonly value?: string;
  readonly byDefault: string;
  /** Throws with the reason when it is invalid. */
  readonly parse: (text: string) => T;
}

const flag = <T>(value: string, byDefault: string, about: string, parse: (text: string) => T): Flag<T> => ({
  value,
  byDefault,
  about,
  parse,
});
const text = (value: string, byDefault: string, about: string) =>
  flag(value, byDefault, about, (given) => given);
const toggle = (about: string): Flag<boolean> => ({ about, byDefault: 'false', parse: parseToggle });
const number = (value: string, byDefault: number, about: string, least = 0) =>
  flag(value, String(byDefault), about, (given) => parseNumber(given, least));
const count = (value: string, byDefault: number, about: string, least = 1) =>
  flag(value, String(byDefault), about, (given) => parseCount(given, least));
const list = (byDefault: string, about: string, check: (part: string) => void) =>
  flag('LIST', byDefault, about, (given) => parseList(given, check));
const listen = (byDefault: string, about: string) => flag('HOST:PORT', byDefault, about, parseListen);

/** All settings: flag `--its-name`, environment variable `WHISPER_NODE_ITS_NAME`. Flags take precedence. */
const FLAGS = {
  data: flag(
    'DIR',
    'whisper-node-data',
    'directory of the node key and the archive; created if missing',
    parseDirectory,
  ),

  relay: listen('127.0.0.1:8547', 'the WebSocket relay; `off` for none'),
  rpc: listen('127.0.0.1:8545', 'JSON-RPC over HTTP and WebSocket; `off` for none'),
  admin: listen('127.0.0.1:9545', '/health and /metrics; `off` for none'),
  p2p: listen('127.0.0.1:30303', 'peers by devp2p; `off`: only those that are called'),
  peers: list('', 'enode URLs of peers to dial, separated by commas', checkEnode),
  'trusted-peers': list('', 'the same, and their direct messages are accepted', checkEnode),
  'max-peers': count('N', 50, 'inbound peers', 0),
  'address-peers': count('N', 8, 'of them from one address (IPv4, or /64 of IPv6)', 0),
  'advertised-host': flag(
    'HOST',
    '',
    'name or address in our enode URL; the one listened on if none is given',
    parseHost,
  ),
  'mail-password-file': text(
    'FILE',
    '',
    'peers that know the password in it may request the archive (WHISPER_NODE_MAIL_PASSWORD: the password)',
  ),
  'mail-without-password': toggle(
    'also answer the newer requests without a password, although ours is a secret',
  ),

  'relay-origins': list(
    'localhost',
    'origins of web pages that may use the relay, separated by commas; `localhost` for those of this machine, `*` for all',
    checkOrigin,
  ),
  'rpc-origins': list('', 'origins of web pages that may use JSON-RPC', checkOrigin),
  hosts: list(
    '',
    'names by which this node is reached, besides localhost and addresses; `*` for all',
    parseHost,
  ),

  'rpc-keys': toggle(
    'offer the methods of shh_* that accept, create or use keys: anyone who reaches the port can use all of them',
  ),
  'rpc-admin': toggle('offer admin_* and the methods of shh_* that change the node'),

  'archive-days': number('DAYS', 30, 'how long envelopes are kept; 0 for no archive'),
  'archive-mb': number('MB', 10_000, 'how much is kept; the oldest is removed first', 1),

  'blob-mb': number('MB', 1_000, 'encrypted files kept for clients, at the relay under /blobs/; 0 for none'),
  'blob-days': number('DAYS', 30, 'how long they are kept', 1),
  'address-blob-mb': number('MB', 500, 'that one address may upload in an hour', 1),

  'min-pow': number('POW', 0.002, 'least proof of work of an envelope'),
  'max-ttl': count('SECONDS', 300, 'longest life of an envelope', 10),
  'pool-envelopes': count('N', 200_000, 'live envelopes'),
  'pool-mb': number('MB', 128, 'bytes of them', 1),

  'max-connections': count('N', 2_000, 'connections at once, to each port'),
  // A twentieth: room for an office or school behind one address, and for twenty of them.
  'address-connections': count('N', 100, 'of them from one address (IPv4, or /64 of IPv6)'),
  'trusted-proxies': list(
    '',
    'addresses and subnets of proxies whose X-Forwarded-For names the client; it is ignored from all others',
    checkProxy,
  ),
  'relay-topics': count('N', 2_000, 'topics of one subscription or history'),
  'relay-rate': count('N', 100, 'frames a second of one client; 32 KiB count as one more'),
  // Five busy clients, or a hundred usual ones.
  'relay-address-rate': count('N', 0, 'the same for all clients of one address; 0: five times as many', 0),
  // Ten clients with the most topics: about 4 MB of memory.
  'relay-address-topics': count(
    'N',
    0,
    'topics that all clients of one address are subscribed to; 0: ten times --relay-topics',
    0,
  ),
  'rpc-body-mb': number('MB', 5, 'largest request', 1),
  'rpc-batch': count('N', 100, 'calls of one batch'),
  // A client that polls for 10,000 conversations in batches of 100 takes 100; each call is counted.
  'rpc-address-rate': count('N', 1_000, 'calls a second of one address; further ones wait'),
  'rpc-filters': count('N', 5_000, 'filters and subscriptions at once'),
  'rpc-address-filters': count('N', 1_000, 'of them of one address'),
  // More than any subscription at the relay may have.
  'rpc-filter-topics': count('N', 2_000, 'topics of one filter'),
  'rpc-filter-messages': count('N', 5_000, 'messages that wait in one filter; the oldest are dropped first'),
  'rpc-filter-mb': number(
    'MB',
    64,
    'messages that wait in all filters of one address; the oldest of a filter are dropped first',
    1,
  ),
  'rpc-key-limit': count('N', 20_000, 'private keys, and symmetric keys, at once'),
  'rpc-address-keys': count('N', 5_000, 'of each kind of one address'),
  'rpc-pow-seconds': number('SECONDS', 30, 'proof of work for one shh_post', 1),
  // One leaves the process's other threads to the disk. About 30 ms each.
  'rpc-derivations': count('N', 1, 'keys derived from passwords at a time; others wait, addresses in turn'),
  // A whole batch of each of twenty clients.
  'rpc-waiting': count('N', 2_000, 'derivations, and proofs of work, that wait'),
  'rpc-address-waiting': count('N', 100, 'of each kind of one address; more are refused'),

  'log-level': flag('LEVEL', 'info', 'debug, info, warn or error', parseLevel),
} satisfies Record<string, Flag<unknown>>;

type FlagName = keyof typeof FLAGS;

export type Config = { readonly [Name in FlagName]: ReturnType<(typeof FLAGS)[Name]['parse']> };

/** The error for an invalid setting, or `help` when that was requested. */
export class ConfigError extends Error {
  readonly help: boolean;

  constructor(message: string, help = false) {
    super(message);
    this.help = help;
  }
}

/**
 * Parses the settings of a run.
 * @throws ConfigError with a text for people
 */
export function parseConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Config {
  const names = Object.keys(FLAGS) as FlagName[];
  const given = readFlags(args, names);
  if (given['help'] === true) throw new ConfigError(usage(), true);
  const entries = names.map((name) => {
    const fromFlag = given[name];
    const { byDefault, parse } = FLAGS[name] as Flag<unknown>;
    const value = fromFlag === undefined ? (environment[variableOf(name)] ?? byDefault) : String(fromFlag);
    try {
      return [name, parse(value)];
    } catch (error) {
      const where = fromFlag === undefined ? variableOf(name) : `--${name}`;
      throw new ConfigError(`${where}: ${error instanceof Error ? error.message : error}, not "${value}".`);
    }
  });
  return Object.fromEntries(entries) as Config;
}

/** The table of all settings, for `--help`. */
function usage(): string {
  const rows = Object.entries(FLAGS as Record<string, Flag<unknown>>).map(
    ([name, { value, byDefault, about }]) => {
      const standard = value === undefined || byDefault === '' ? '' : ` [${byDefault}]`;
      return `  --${`${name} ${value ?? ''}`.padEnd(28)} ${about}${standard}`;
    },
  );
  return [
    'A Whisper node: JSON-RPC as of go-ethereum 1.9, a WebSocket relay, a mailserver.',
    '',
    'whisper-node [settings]',
    '',
    ...rows,
    '',
    'Each can also be set in the environment: --data as WHISPER_NODE_DATA. Flags take precedence.',
    '',
  ].join('\n');
}

function readFlags(
  args: readonly string[],
  names: readonly FlagName[],
): Record<string, string | boolean | undefined> {
  const options = Object.fromEntries(
    names.map((name) => [
      name,
      { type: (FLAGS[name] as Flag<unknown>).value === undefined ? 'boolean' : 'string' } as const,
    ]),
  );
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    });
    return values as Record<string, string | boolean | undefined>;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function variableOf(name: string): string {
  return `WHISPER_NODE_${name.toUpperCase().replaceAll('-', '_')}`;
}

function parseToggle(given: string): boolean {
  if (given === 'true' || given === '1') return true;
  if (given === 'false' || given === '0' || given === '') return false;
  throw new Error('has to be true or false');
}

function parseNumber(given: string, least: number): number {
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value) || value < least) {
    throw new Error(`has to be a number, ${least} at least`);
  }
  return value;
}

function parseCount(given: string, least: number): number {
  const value = Number(given);
  if (given.trim() === '' || !Number.isSafeInteger(value) || value < least) {
    throw new Error(`has to be a whole number, ${least} at least`);
  }
  return value;
}

/** @param check throws with the reason when a part is invalid */
function parseList(given: string, check: (part: string) => void): readonly string[] {
  const parts = given
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  parts.forEach(check);
  return parts;
}

function parseDirectory(given: string): string {
  if (given === '') throw new Error('has to name a directory');
  return given;
}

function parseLevel(given: string): string {
  if (!['debug', 'info', 'warn', 'error'].includes(given)) {
    throw new Error('has to be debug, info, warn or error');
  }
  return given;
}

/** A host name or address; or nothing, or `*` where a list may have that. */
function parseHost(given: string): string {
  if (/[/@\s]|:\d+$/.test(given.replace(/^[0-9a-f:]+$/i, ''))) {
    throw new Error('has to be a name or address, without https:// and a port');
  }
  return given;
}

function checkProxy(given: string): void {
  if (!isAddressOrSubnet(given)) throw new Error('has to be an address, or a subnet such as 10.0.0.0/8');
}

/** Origins are compared with those of browsers letter by letter. */
function checkOrigin(given: string): void {
  if (given === '*' || given === 'localhost') return;
  // The address of a browser extension, for example, has no origin by the standard; it is sent as it is.
  const { origin } = URL.canParse(given) && !given.includes('*') ? new URL(given) : { origin: undefined };
  if (origin === given || (origin === 'null' && /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]+$/.test(given))) return;
  throw new Error('has to be an origin such as https://chat.example, with nothing after it, localhost or *');
}

function checkEnode(given: string): void {
  try {
    parseEnode(defaultProvider(), given);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`has to list enode URLs (${reason})`);
  }
}

function parseListen(given: string): Address | undefined {
  if (given === 'off') return undefined;
  const address = parseAddress(given);
  if (address === undefined) throw new Error('has to be host:port, [address]:port or off');
  return address;
}
