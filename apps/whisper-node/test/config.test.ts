import { execFile } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { bundlePath } from '@sotto/testing/bundle';
import { temporaryDirectory } from '@sotto/testing/files';
import { afterAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config.js';
import { type Address, isLoopback, parseAddress } from '../src/http/address.js';
import { startNode } from './node-process.js';

const program = bundlePath(join(import.meta.dirname, '..'), 'dist/main.js');
const PEER = `enode://${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8'}@127.0.0.1:30303`;

const folder = temporaryDirectory(afterAll);

/** Runs the program until it exits. */
function run(args: readonly string[], environment: Record<string, string> = {}) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const options = { env: { ...process.env, ...environment }, cwd: folder };
    const child = execFile(process.execPath, [program, ...args], options, (_, out, err) => {
      resolve({ code: child.exitCode as number, out, err });
    });
  });
}

const complaint = (args: readonly string[], environment: Record<string, string> = {}) => {
  try {
    parseConfig(args, environment);
  } catch (error) {
    return (error as Error).message;
  }
  return 'no complaint';
};

describe('settings', () => {
  it('a flag goes before the environment, which goes before the default', () => {
    const environment = { WHISPER_NODE_MAX_PEERS: '7', WHISPER_NODE_RPC_KEYS: 'true' };
    expect(parseConfig([], {})['max-peers']).toBe(50);
    expect(parseConfig([], environment)['max-peers']).toBe(7);
    expect(parseConfig(['--max-peers', '3'], environment)['max-peers']).toBe(3);
    expect(parseConfig([], environment)['rpc-keys']).toBe(true);
    expect(parseConfig([], {})['rpc-keys']).toBe(false);
  });

  it('accepts all kinds of valid values', () => {
    const config = parseConfig(
      [
        ...['--relay', '[::1]:0', '--rpc', 'off', '--archive-days', '0.5', '--hosts', 'node.example, ::1'],
        ...['--relay-origins', 'https://chat.example,http://localhost:5173,chrome-extension://abcdef'],
        ...[
          '--rpc-origins',
          '*',
          '--peers',
          `${PEER},${PEER}?discport=0`,
          '--advertised-host',
          'node.example',
        ],
      ],
      {},
    );
    expect(config.relay).toEqual({ host: '::1', port: 0 });
    expect(config.rpc).toBeUndefined();
    expect(config['archive-days']).toBe(0.5);
    expect(config.hosts).toEqual(['node.example', '::1']);
    expect(config['relay-origins'].length).toBe(3);
    expect(config.peers.length).toBe(2);
  });

  it.each([
    ['--relay', '8547', 'host:port, [address]:port or off'],
    ['--relay', '127.0.0.1:70000', 'host:port, [address]:port or off'],
    ['--rpc', '::1:8545', 'host:port, [address]:port or off'],
    ['--max-peers', 'many', 'a whole number, 0 at least'],
    ['--max-peers', '1.5', 'a whole number, 0 at least'],
    ['--max-peers', '-1', 'a whole number, 0 at least'],
    ['--max-connections', '0', 'a whole number, 1 at least'],
    ['--archive-mb', '', 'a number, 1 at least'],
    ['--archive-days', 'Infinity', 'a number, 0 at least'],
    ['--min-pow', 'NaN', 'a number, 0 at least'],
    ['--max-ttl', '5', 'a whole number, 10 at least'],
    ['--log-level', 'loud', 'debug, info, warn or error'],
    ['--data', '', 'has to name a directory'],
    ['--peers', 'node.example:30303', 'not of the form enode://<key>@<host>:<port>'],
    ['--peers', PEER.replace('79be', '79bf'), 'not a point on secp256k1'],
    ['--trusted-peers', `${PEER},enode://12@h:1`, 'the key is not 128 hexadecimal digits'],
    ['--relay-origins', 'https://chat.example/', 'an origin such as https://chat.example'],
    ['--relay-origins', 'https://Chat.example', 'an origin such as https://chat.example'],
    ['--relay-origins', 'https://chat.example:443', 'an origin such as https://chat.example'],
    ['--rpc-origins', 'chat.example', 'an origin such as https://chat.example'],
    ['--rpc-origins', 'https://*.example', 'an origin such as https://chat.example'],
    ['--hosts', 'https://node.example', 'a name or address, without https:// and a port'],
    ['--hosts', 'node.example:8545', 'a name or address, without https:// and a port'],
    ['--advertised-host', 'node.example:30303', 'a name or address, without https:// and a port'],
  ])('%s "%s" is refused, with what it has to be', (flag, value, advice) => {
    const told = complaint([`${flag}=${value}`]);
    expect(told).toContain(advice);
    expect(told).toMatch(new RegExp(`^${flag}: `));
    // The same by the environment, where that is named.
    const variable = `WHISPER_NODE_${flag.slice(2).toUpperCase().replaceAll('-', '_')}`;
    expect(complaint([], { [variable]: value })).toMatch(new RegExp(`^${variable}: .+"`));
  });

  it('a switch is on, off or refused', () => {
    expect(complaint([], { WHISPER_NODE_RPC_KEYS: 'perhaps' })).toContain('has to be true or false');
    expect(complaint(['--rpc-keys=perhaps'])).toContain('--rpc-keys');
  });

  it('a flag that there is not, or without its value, is refused by name', () => {
    expect(complaint(['--realy', 'off'])).toContain('--realy');
    expect(complaint(['--relay'])).toContain('--relay');
    expect(complaint(['off'])).toContain('off');
  });
});

describe('the program', () => {
  it('--help lists every setting, and starts nothing', async () => {
    const { code, out } = await run(['--help', '--data', 'nowhere']);
    expect(code).toBe(0);
    for (const name of Object.keys(parseConfig([], {}))) expect(out).toContain(`--${name} `);
    await expect(stat(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('ends with 2 and one line when a setting is wrong', async () => {
    const { code, out, err } = await run([], { WHISPER_NODE_RELAY: 'everywhere' });
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe('WHISPER_NODE_RELAY: has to be host:port, [address]:port or off, not "everywhere".\n');
  });

  it('a file of the mail password that is not there, or empty, is refused', async () => {
    const missing = await run(['--mail-password-file', 'missing']);
    expect([missing.code, missing.err]).toEqual([
      2,
      expect.stringMatching(/--mail-password-file: .*"missing"/),
    ]);
    await writeFile(join(folder, 'empty'), '\n');
    const empty = await run(['--mail-password-file', 'empty']);
    expect([empty.code, empty.err]).toEqual([2, expect.stringContaining('put a password in it')]);
  });

  it('an address in use, and a damaged node key, are reported with what to do', async () => {
    const node = await startNode();
    try {
      const taken = new URL(node.rpc('http')).host;
      const off = ['--data', 'other', '--relay', 'off', '--admin', 'off', '--p2p', 'off', '--rpc'];
      const { code, out } = await run([...off, taken]);
      expect(code).toBe(1);
      expect(JSON.parse(out).reason).toMatch(/^--rpc: choose another address, or off .*EADDRINUSE/);
      await writeFile(join(folder, 'other/nodekey'), 'c0ffee');
      const damaged = await run([...off, 'off']);
      expect([damaged.code, JSON.parse(damaged.out).reason]).toEqual([
        1,
        expect.stringContaining('is damaged'),
      ]);
      expect(damaged.out).not.toContain('c0ffee');
    } finally {
      await node.close();
    }
  });

  it('listens only on loopback by default', async () => {
    const { relay, rpc, admin, p2p } = parseConfig([], {});
    for (const address of [relay, rpc, admin, p2p]) expect(isLoopback(address?.host ?? '')).toBe(true);
    const outside = Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.filter(({ internal, family }) => !internal && family === 'IPv4'),
    );
    const node = await startNode();
    try {
      for (const url of [node.relay, node.rpc('http'), node.admin, node.enode.replace('enode', 'http')]) {
        const { host, port } = parseAddress(new URL(url).host) as Address;
        expect(host).toBe('127.0.0.1');
        for (const { address } of outside) {
          const socket = connect(port, address);
          const outcome = await new Promise((resolve) => {
            socket.once('connect', () => resolve('connected'));
            socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
          });
          socket.destroy();
          expect(outcome).toBe('ECONNREFUSED');
        }
      }
    } finally {
      await node.close();
    }
  });
});
