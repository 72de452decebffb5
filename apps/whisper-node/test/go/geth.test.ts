import { createInbox } from '@sotto/compliance/inbox';
import { defaultProvider } from '@sotto/crypto';
import { Geth } from '@sotto/testing/geth';
import type {} from '@sotto/testing/geth/setup';
import { createRpcTransport } from '@sotto/whisper-rpc';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type NodeProcess, startNode } from '../node-process.js';
import { callByHttp, postText, rpcOverSocket } from '../rpc-client.js';

const crypto = defaultProvider();
const program = inject('geth');
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe.skipIf(program === undefined)('our node beside a go-ethereum node', () => {
  let geth: Geth;
  let node: NodeProcess;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    geth = await Geth.start(program as string, { peers: true });
    node = await startNode(['--peers', await geth.enode(), '--rpc-keys']);
    await vi.waitUntil(async () => (await node.metric('whisper_node_peers')) === 1, { timeout: 30_000 });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(async () => {
    await node?.close();
    await geth?.close();
  });

  /** Somebody behind one of the two. */
  async function join(where: 'geth by JSON-RPC' | 'our node by JSON-RPC' | 'our relay') {
    const box = createInbox(crypto.secp256k1.generateKeyPair());
    const transport =
      where === 'our relay'
        ? createSealedTransport(createRelayCarrier({ url: node.relay }), { crypto })
        : createRpcTransport({ url: where === 'geth by JSON-RPC' ? geth.url('ws') : node.rpc('ws'), crypto });
    const connection = await transport.connect(box.party);
    closers.push(() => connection.close());
    return { ...box, connection };
  }

  it.each(['our relay', 'our node by JSON-RPC'] as const)(
    'neighbours: who is behind geth and who is behind %s write to each other',
    async (where) => {
      const [alice, bob] = [await join('geth by JSON-RPC'), await join(where)];
      const channelsOf = ({ party }: typeof alice) =>
        [
          { kind: 'public', name: `neighbours-${where}` },
          { kind: 'partitioned', recipient: party.identity.publicKey },
        ] as const;
      await alice.connection.subscribe(channelsOf(alice));
      await bob.connection.subscribe(channelsOf(bob));
      for (const channel of channelsOf(bob))
        await alice.connection.send(channel, bytesOf(`to Bob, ${channel.kind}`));
      for (const channel of channelsOf(alice))
        await bob.connection.send(channel, bytesOf(`to Alice, ${channel.kind}`));
      await Promise.all([alice.count(2), bob.count(2)]);
      expect(alice.texts().sort()).toEqual(['to Alice, partitioned', 'to Alice, public']);
      expect(bob.texts().sort()).toEqual(['to Bob, partitioned', 'to Bob, public']);
    },
  );

  it('the same calls get the same answers', async () => {
    const topic = '0x01020304';
    const post = { topic, payload: '0xaa', ttl: 20, powTarget: 0.01, powTime: 2 };
    const pubKey = `0x${Buffer.from(crypto.secp256k1.uncompressPublicKey(crypto.secp256k1.generateKeyPair().publicKey)).toString('hex')}`;
    const key = `0x${'11'.repeat(32)}`;
    const calls: readonly (readonly [string, ...unknown[]])[] = [
      ['shh_version'],
      ['shh_noSuchMethod'],
      ['shh_addSymKey', '0x11'],
      ['shh_addSymKey', '11'],
      ['shh_addSymKey', '0x1'],
      ['shh_addSymKey', 7],
      ['shh_addSymKey'],
      ['shh_addPrivateKey', '0x00'],
      ['shh_addPrivateKey', `0x${'00'.repeat(32)}`],
      ['shh_addPrivateKey', `0x${'ff'.repeat(32)}`],
      ['shh_getPublicKey', '00'],
      ['shh_getPrivateKey', '00'],
      ['shh_getSymKey', '00'],
      ['shh_hasSymKey', '00'],
      ['shh_hasKeyPair', '00'],
      ['shh_deleteSymKey', '00'],
      ['shh_deleteKeyPair', '00'],
      ['shh_getFilterMessages', '00'],
      ['shh_deleteMessageFilter', '00'],
      ['shh_newMessageFilter', { topics: [topic] }],
      ['shh_newMessageFilter', { symKeyID: '00', topics: [topic] }],
      ['shh_newMessageFilter', { privateKeyID: '00' }],
      ['shh_newMessageFilter', { symKeyID: 'SYM', privateKeyID: 'PAIR' }],
      ['shh_newMessageFilter', { symKeyID: 'SYM', sig: '0x04' }],
      ['shh_post', post],
      ['shh_post', { ...post, symKeyID: '00' }],
      ['shh_post', { ...post, symKeyID: 'SYM', pubKey }],
      ['shh_post', { ...post, symKeyID: 'SYM', topic: undefined }],
      ['shh_post', { ...post, symKeyID: 'SYM', sig: '00' }],
      ['shh_post', { ...post, symKeyID: 'SYM', powTarget: 0.0001 }],
      ['shh_post', { ...post, symKeyID: 'SYM', powTarget: 1e9, powTime: 1 }],
      ['shh_post', { ...post, pubKey: '0x04' }],
      ['shh_subscribe', 'messages', { symKeyID: 'SYM', topics: [topic] }],
    ];
    const answersOf = async (url: string) => {
      const sym = (await callByHttp(url, 'shh_addSymKey', key)).result as string;
      const pair = (await callByHttp(url, 'shh_addPrivateKey', key)).result as string;
      const answers: unknown[] = [];
      for (const [method, ...params] of calls) {
        const ours = JSON.parse(
          JSON.stringify(params).replaceAll('"SYM"', `"${sym}"`).replaceAll('"PAIR"', `"${pair}"`),
        );
        answers.push([method, params, await callByHttp(url, method, ...ours)]);
      }
      return answers;
    };
    expect(await answersOf(node.rpc('http'))).toEqual(await answersOf(geth.url('http')));
  });

  it('invalid calls get the same answers', async () => {
    for (const body of [
      '{',
      '7',
      '[]',
      '{}',
      '{"jsonrpc":"2.0","id":1}',
      '{"jsonrpc":"2.0","id":1,"method":"shh_addSymKey","params":{}}',
    ]) {
      const [ours, theirs] = [await postText(node.rpc('http'), body), await postText(geth.url('http'), body)];
      expect([body, JSON.parse(ours.text)]).toEqual([body, JSON.parse(theirs.text)]);
    }
  });

  it('subscriptions are refused and ended in the same words', async () => {
    const answers: unknown[] = [];
    for (const url of [node.rpc('ws'), geth.url('ws')]) {
      const rpc = await rpcOverSocket(url);
      closers.push(() => rpc.close());
      answers.push(
        [
          await rpc.call('shh_subscribe', 'nonsense', {}),
          await rpc.call('shh_subscribe', 'messages', {}),
          await rpc.call('shh_subscribe', 'messages', { symKeyID: '00', topics: ['0x01020304'] }),
          await rpc.call('shh_subscribe', 'messages', { privateKeyID: '00' }),
          await rpc.call('shh_unsubscribe', '0x00'),
        ].map(({ result, error }) => ({ result, error })),
      );
    }
    expect(answers[0]).toEqual(answers[1]);
  });
});
