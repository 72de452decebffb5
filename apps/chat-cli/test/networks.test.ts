import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { natsStreamConfig } from '@sotto/nats-transport';
import { temporaryDirectory } from '@sotto/testing/files';
import { endChild } from '@sotto/testing/line-process';
import { freePort } from '@sotto/testing/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { add, Chat, Someone } from './programs.js';

const natsServer = ['nats-server', '/usr/sbin/nats-server'].find(
  (command) => spawnSync(command, ['--version']).status === 0,
) as string;

/** A real server with a stream, and logins. @returns its URL */
async function startNats(): Promise<string> {
  const port = await freePort();
  const login = ['--user', 'client', '--pass', 'secret'];
  const child: ChildProcess = spawn(
    natsServer,
    ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', temporaryDirectory(), ...login],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(async () => {
    await endChild(child, 'SIGKILL');
  });
  await new Promise<void>((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (data) => {
      said = (said + data).slice(-10_000);
      if (said.includes('Server is ready')) resolve();
    });
    child.once('exit', () => reject(new Error(`nats-server ended:\n${said}`)));
    child.once('error', reject);
  });
  const url = `nats://127.0.0.1:${port}`;
  const connection = await connect({ servers: url, user: 'client', pass: 'secret' });
  const manager = await jetstreamManager(connection);
  await manager.streams.add(natsStreamConfig({ stream: 'SOTTO', replicas: 1, maxAgeDays: 1, maxBytes: 1e8 }));
  await connection.close();
  return url;
}

describe('over NATS', () => {
  it('texts arrive, and those for someone offline from the stream; with --profile status', async () => {
    const server = await startNats();
    const login = { SOTTO_CHAT_NATS_USER: 'client', SOTTO_CHAT_NATS_PASSWORD: 'secret' };
    const someone = () =>
      new Someone(...['--transport', 'nats', '--server', server, '--stream', 'SOTTO', '--profile', 'status']);
    const bob = someone();
    const [a, b] = await Promise.all([someone().comeOnline(login), bob.comeOnline(login)]);
    const toBob = await add(a, b, 'Bob');
    const toAlice = await add(b, a, 'Alice');
    const { reference } = await a.ask('send', { conversation: toBob, text: 'ahoy' });
    await b.message('ahoy');
    await a.event('delivered', { reference });
    await b.ask('send', { conversation: toAlice, text: 'ahoy back' });
    await a.message('ahoy back');
    expect(await b.end()).toBe(0);
    await a.ask('send', { conversation: toBob, text: 'while you were away' });
    const later = await bob.comeOnline(login);
    await later.message('while you were away');
    expect([await a.end(), await later.end()]).toEqual([0, 0]);
  });
});

describe('the choice of a network', () => {
  const node = '/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAm';
  const data = () => ['--data', temporaryDirectory()];

  it.each([
    ['a name that is not known', ['--transport', 'pigeon']],
    ['no address', ['--transport', 'waku']],
    ['no address', ['--transport', 'nats']],
    ['no address', ['--transport', 'peers']],
    ['an address of another network', ['--transport', 'waku', '--server', 'nats://127.0.0.1:4222']],
    ['an address without the id of the node', ['--transport', 'waku', '--server', '/ip4/127.0.0.1/tcp/1']],
    ['an address of another network', ['--transport', 'nats', '--server', node]],
    ['an address of another network', ['--transport', 'node', '--relay', 'ws://127.0.0.1:1']],
    ['two networks', ['--transport', 'waku', '--server', node, '--relay', 'ws://127.0.0.1:1']],
    ['a server of none', ['--server', node]],
    ['a server of a network that has none', ['--transport', 'relay', '--server', node]],
    ['a shard that is not one', ['--transport', 'waku', '--server', node, '--shard', '16/70000']],
    ['a shard of another network', ['--transport', 'nats', '--server', 'nats://h', '--shard', '16/32']],
    ['a stream of another network', ['--transport', 'waku', '--server', node, '--stream', 'SOTTO']],
    ['a stream that is not one', ['--transport', 'nats', '--server', 'nats://h', '--stream', 'a b']],
  ])('is refused: %s, %j', async (_what, flags) => {
    const chat = new Chat([...data(), ...flags]);
    expect(await chat.event('failed')).toMatchObject({ error: { code: 'BAD_OPTION' } });
    expect(await chat.ended).toBe(1);
  });

  it('says what Waku needs to be installed', async () => {
    const folder = temporaryDirectory();
    const waku = ['--transport', 'waku', '--server', node, '--packages', folder];
    const light = await new Chat([...data(), ...waku]).event('failed');
    expect(light['error']).toMatchObject({
      code: 'NOT_INSTALLED',
      message: expect.stringContaining(
        'npm install @waku/sdk@0.0.31 @libp2p/tcp@9 @chainsafe/libp2p-yamux@7',
      ),
    });
    const relay = await new Chat([...data(), ...waku, '--waku-relay']).event('failed');
    expect(relay['error']).toMatchObject({
      code: 'NOT_INSTALLED',
      message: expect.stringContaining('npm install @waku/sdk@0.0.27 @waku/relay@0.0.14'),
    });
  });

  it.each([
    [['--transport', 'memory']],
    [['--transport', 'memory', '--memory']],
    [['--transport', 'relay', '--relay', 'ws://127.0.0.1:1']],
  ])('may be made twice: %j', async (flags) => {
    const chat = await new Someone(...flags).come();
    await chat.event('ready');
    expect(await chat.end()).toBe(0);
  });
});
