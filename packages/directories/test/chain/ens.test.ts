import { directoryCases } from '@sotto/compliance/directory';
import { decodeHex, encodeHex, type KeyPair, type PublicKey } from '@sotto/core';
import { type Chain, startChain } from '@sotto/testing/chain';
import type {} from '@sotto/testing/chain/setup';
import { bundleTimestamp } from '@sotto/x3dh';
import {
  type Address,
  concat,
  createClient,
  decodeFunctionData,
  encodeAbiParameters,
  type Hex,
  http,
  keccak256,
  namehash,
  parseAbi,
  parseAbiParameters,
  toHex,
  zeroHash,
} from 'viem';
import { foundry } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  BUNDLE_TEXT_KEY,
  createEnsDirectory,
  createEnsNames,
  type EnsNames,
  type EnsResolution,
  IDENTITY_TEXT_KEY,
} from '../../src/ens.js';
import { createDirectories } from '../../src/index.js';
import { bundleMaker, bundleOf, codeOf, crypto, HOUR, newIdentity, startServer } from '../support.js';

const folder = inject('chain');

describe.skipIf(folder === undefined)('names on a chain', () => {
  let chain: Chain;
  let names: EnsNames;
  let owner: Address;
  let stranger: Address;
  let count = 0;

  beforeAll(async () => {
    chain = await startChain(folder as string);
    [, owner, stranger] = chain.accounts as [Address, Address, Address];
    names = createEnsNames({ crypto, client: chain.client, registry: chain.registry });
  });
  afterAll(() => chain?.close());

  /** A name of the owner, another one each time. */
  async function newName(): Promise<string> {
    const name = `alice-${count++}.eth`;
    await chain.register(name, owner);
    return name;
  }

  /** Sets records as the holder of a name would. */
  async function publish(name: string, ...args: [Parameters<EnsNames['prepare']>[1]]): Promise<void> {
    await chain.send(owner, await names.prepare(name, ...args));
  }

  const keyOf = (resolution: EnsResolution) =>
    resolution.state === 'absent' ? resolution.reason : encodeHex(resolution.identity);

  it('have no key until one is set, whether registered or not', async () => {
    const name = await newName();
    for (const unknown of [name, `sub.${name}`, 'nobody.eth', 'example.test']) {
      expect(await names.resolve(unknown)).toEqual({ state: 'absent', name: unknown, reason: 'no-key' });
    }
  });

  it('lead to a key, to IPNS and to a bundle after one transaction, which names what it sets', async () => {
    const [name, alice] = [await newName(), newIdentity()];
    const bundle = bundleOf(alice, Date.now() - HOUR);
    const prepared = await names.prepare(name, { identity: alice.publicKey, ipns: true, bundle });
    expect(prepared.to.toLowerCase()).toBe(chain.resolver);
    expect(prepared).toMatchObject({ value: 0n, replaces: [] });
    expect(prepared.sets).toEqual(['pubkey', IDENTITY_TEXT_KEY, 'contenthash', BUNDLE_TEXT_KEY]);
    expect(await names.resolve(name)).toMatchObject({ state: 'absent' });
    await chain.send(owner, prepared);
    expect(await names.resolve(name)).toEqual({
      state: 'found',
      name,
      identity: alice.publicKey,
      record: 'pubkey',
      content: { kind: 'ipns' },
      bundle,
    });
    const again = await names.prepare(name, { identity: alice.publicKey, ipns: true, bundle });
    expect(again.replaces).toEqual([]);
    const other = await names.prepare(name, { identity: newIdentity().publicKey, ipns: true });
    expect(other.replaces).toEqual(['pubkey', IDENTITY_TEXT_KEY, 'contenthash']);
  });

  it('are normalised', async () => {
    const [name, alice] = [await newName(), newIdentity()];
    await publish(name, { identity: alice.publicKey });
    expect(await names.resolve(`  ${name.toUpperCase()} `)).toMatchObject({ state: 'found', name });
    for (const wrong of [
      '',
      'eth',
      'alice',
      'a_b.eth',
      'ali ce.eth',
      '..',
      '.eth',
      `${'a'.repeat(300)}.eth`,
    ]) {
      expect(await codeOf(names.resolve(wrong))).toBe('INVALID_TEXT');
    }
  });

  it('lead to a key by the text record where there is no pubkey record', async () => {
    const [name, alice] = [await newName(), newIdentity()];
    await publish(name, { identity: alice.publicKey });
    await chain.setRecord(owner, 'setPubkey', namehash(name), zeroHash, zeroHash);
    expect(await names.resolve(name)).toEqual({
      state: 'found',
      name,
      identity: alice.publicKey,
      record: 'text',
    });
  });

  it('whose record is not a key are told apart', async () => {
    const name = await newName();
    await chain.setRecord(owner, 'setText', namehash(name), IDENTITY_TEXT_KEY, 'my key is 7');
    expect(keyOf(await names.resolve(name))).toBe('unusable-key');
    await chain.setRecord(
      owner,
      'setPubkey',
      namehash(name),
      toHex(1n, { size: 32 }),
      toHex(1n, { size: 32 }),
    );
    expect(keyOf(await names.resolve(name))).toBe('unusable-key');
  });

  it('say what else they lead to', async () => {
    const [name, alice] = [await newName(), newIdentity()];
    await publish(name, { identity: alice.publicKey });
    const reference = '11'.repeat(32);
    for (const [hash, content] of [
      [`0xe40101fa011b20${reference}`, { kind: 'swarm', reference }],
      ['0xe3010170122000', { kind: 'other' }],
      ['0x', undefined],
    ] as const) {
      await chain.setRecord(owner, 'setContenthash', namehash(name), hash);
      const found = await names.resolve(name);
      expect(found.state === 'found' && found.content).toEqual(content);
    }
  });

  it('that change hands are told, and their new key is not taken for the old', async () => {
    const [name, alice, mallory] = [await newName(), newIdentity(), newIdentity()];
    await publish(name, { identity: alice.publicKey });
    const pinned = alice.publicKey;
    expect(await names.resolve(name, { pinned })).toMatchObject({ state: 'found' });
    await chain.register(name, stranger);
    await chain.send(
      stranger,
      await names.prepare(name, { identity: mallory.publicKey, bundle: bundleOf(mallory) }),
    );
    expect(await names.resolve(name, { pinned })).toMatchObject({
      state: 'changed',
      pinned,
      identity: mallory.publicKey,
    });
    const all = createDirectories({ crypto, directories: [createEnsDirectory(names)] });
    const { found, failures } = await all.find(alice.publicKey, { name });
    expect([found, failures[0]?.error.code]).toEqual([[], 'DIRECTORY_ANSWER_INVALID']);
  });

  it('are the primary names of addresses only if they lead back', async () => {
    const [name, other] = [await newName(), await newName()];
    expect(await names.primaryName(owner)).toBeUndefined();
    await chain.setPrimaryName(owner, name);
    expect(await names.primaryName(owner)).toBeUndefined();
    const addr = [namehash(name), 60n, owner] as const;
    await chain.setRecord(owner, 'setAddr', ...addr);
    expect(await names.primaryName(owner.toLowerCase())).toBe(name);
    await chain.setPrimaryName(owner, other);
    expect(await names.primaryName(owner)).toBeUndefined();
    for (const wrong of ['0x12', 'alice.eth', owner.replace(/[a-f]/, (digit) => digit.toUpperCase())]) {
      if (wrong !== owner) expect(await codeOf(names.primaryName(wrong))).toBe('INVALID_TEXT');
    }
  });

  it('are written only where they have a resolver', async () => {
    expect(await codeOf(names.prepare('nobody.eth', { identity: newIdentity().publicKey }))).toBe(
      'DIRECTORY_REFUSED',
    );
  });

  it('that cannot be read are unavailable', async () => {
    const client = createClient({ chain: foundry, transport: http('http://127.0.0.1:9', { retryCount: 0 }) });
    const down = createEnsNames({ crypto, client, registry: chain.registry });
    expect(await codeOf(down.resolve('alice.eth'))).toBe('DIRECTORY_UNAVAILABLE');
    expect(await codeOf(down.resolve('alice.eth', { signal: AbortSignal.abort() }))).toBe('ABORTED');
  });

  it('with a bundle that is too large or not one are refused', async () => {
    const [name, alice] = [await newName(), newIdentity()];
    await publish(name, { identity: alice.publicKey });
    const small = createEnsNames({
      crypto,
      client: chain.client,
      registry: chain.registry,
      maxBundleBytes: 64,
    });
    await chain.setRecord(owner, 'setText', namehash(name), BUNDLE_TEXT_KEY, 'AAAA'.repeat(100));
    expect(await codeOf(small.resolve(name))).toBe('LIMIT_EXCEEDED');
    await chain.setRecord(owner, 'setText', namehash(name), BUNDLE_TEXT_KEY, '<html>');
    expect(await codeOf(names.resolve(name))).toBe('DIRECTORY_ANSWER_INVALID');
    const large = names.prepare(name, { identity: alice.publicKey, bundle: new Uint8Array(20_000) });
    expect(await codeOf(large)).toBe('LIMIT_EXCEEDED');
  });

  describe('as a directory', () => {
    const registered = new Map<string, string>();
    const nameOf = (identity: PublicKey) => registered.get(encodeHex(identity)) ?? 'nobody.eth';
    const cases = directoryCases({ publishes: false, timeout: 30_000 });
    it.each(cases)('$name', ({ run }) =>
      run({
        directory: () => createEnsDirectory(names),
        identity: newIdentity,
        bundle: bundleMaker(),
        firstSequence: bundleTimestamp(Date.now() - HOUR),
        name: nameOf,
        async publish({ identity, bundle }: { identity: KeyPair; bundle: Uint8Array }) {
          const key = encodeHex(identity.publicKey);
          const name = registered.get(key) ?? (await newName());
          registered.set(key, name);
          await publish(name, { identity: identity.publicKey, bundle });
        },
      }),
    );

    it('finds nothing without a name', async () => {
      expect(await createEnsDirectory(names).find(newIdentity().publicKey)).toEqual([]);
    });
  });

  describe('on a chain with a Universal Resolver', () => {
    let universal: EnsNames;
    beforeAll(async () => {
      const universalResolver = await chain.deploy('UniversalResolver', chain.registry);
      universal = createEnsNames({ crypto, client: chain.client, universalResolver });
    });

    it('are read, written and led to from addresses through it', async () => {
      const [name, alice] = [await newName(), newIdentity()];
      expect(await universal.resolve(name)).toEqual({ state: 'absent', name, reason: 'no-key' });
      expect(await universal.resolve('nobody.eth')).toMatchObject({ state: 'absent', reason: 'no-key' });
      const bundle = bundleOf(alice);
      await chain.send(
        owner,
        await universal.prepare(name, { identity: alice.publicKey, ipns: true, bundle }),
      );
      expect(await universal.resolve(name)).toEqual(await names.resolve(name));
      expect(await universal.resolve(name)).toMatchObject({
        state: 'found',
        content: { kind: 'ipns' },
        bundle,
      });
      expect(await codeOf(universal.prepare('nobody.eth', { identity: alice.publicKey }))).toBe(
        'DIRECTORY_REFUSED',
      );
      await chain.setPrimaryName(owner, name);
      expect(await universal.primaryName(owner)).toBeUndefined();
      await chain.setRecord(owner, 'setAddr', namehash(name), 60n, owner);
      expect(await universal.primaryName(owner)).toBe(name);
      expect(await universal.primaryName(stranger)).toBeUndefined();
    });
  });

  describe('whose records are off the chain, with a gateway', () => {
    const gatewayKey = newIdentity();
    const alice = newIdentity();
    const point = crypto.secp256k1.uncompressPublicKey(alice.publicKey);
    /** What the gateway answers: the key for `pubkey`, nothing for other records; signed as the resolver wants. */
    function answerOf(callData: Hex): Hex {
      const [, data] = decodeFunctionData({ abi: resolveAbi, data: callData }).args;
      const asksForKey = data.startsWith('0xc8690233');
      const result = asksForKey ? toHex(point.subarray(1)) : encodeAbiParameters([{ type: 'bytes' }], ['0x']);
      const digest = keccak256(concat([keccak256(data), keccak256(result)]));
      const signature = crypto.secp256k1.signRecoverable(decodeHex(digest), gatewayKey.privateKey);
      return encodeAbiParameters(parseAbiParameters('bytes, uint8, bytes32, bytes32'), [
        result,
        27 + (signature[64] as number),
        toHex(signature.subarray(0, 32)),
        toHex(signature.subarray(32, 64)),
      ]);
    }
    const resolveAbi = parseAbi(['function resolve(bytes name, bytes data) view returns (bytes)']);

    async function offchainName(
      answer: (callData: Hex) => { status: number; data: string },
    ): Promise<string> {
      const url = await startServer((request, response) => {
        const asked = JSON.parse(new TextDecoder().decode(request.content)) as { data: Hex };
        const { status, data } = answer(asked.data);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ data }));
      });
      const resolver = await chain.deploy('OffchainResolver', url, walletAddressOf(gatewayKey));
      const domain = `offchain-${count++}.eth`;
      await chain.register(domain, owner, resolver);
      return `alice.${domain}`;
    }
    const walletAddressOf = ({ publicKey }: KeyPair) =>
      toHex(crypto.keccak256(crypto.secp256k1.uncompressPublicKey(publicKey).subarray(1)).subarray(12));

    it('are found by CCIP-Read, of all names below a domain', async () => {
      const name = await offchainName((data) => ({ status: 200, data: answerOf(data) }));
      expect(await names.resolve(name)).toEqual({
        state: 'found',
        name,
        identity: alice.publicKey,
        record: 'pubkey',
      });
      expect(await codeOf(names.prepare(name, { identity: alice.publicKey }))).toBe('DIRECTORY_REFUSED');
    });

    it('are refused when the gateway has changed the answer', async () => {
      const name = await offchainName((data) => {
        const answer = answerOf(data);
        const at = answer.indexOf(encodeHex(point.subarray(1, 9)));
        const other = answer.startsWith('ee', at) ? '11' : 'ee';
        return {
          status: 200,
          data: at < 0 ? answer : `${answer.slice(0, at)}${other}${answer.slice(at + 2)}`,
        };
      });
      expect(await codeOf(names.resolve(name))).toBe('DIRECTORY_ANSWER_INVALID');
    });

    it('are unavailable when the gateway fails', async () => {
      const name = await offchainName(() => ({ status: 500, data: '0x' }));
      expect(await codeOf(names.resolve(name))).toBe('DIRECTORY_UNAVAILABLE');
    });
  });

  it('fit the records that wallets and other clients set', async () => {
    const [name, alice] = [await newName(), newIdentity()];
    const point = crypto.secp256k1.uncompressPublicKey(alice.publicKey);
    const [x, y] = [toHex(point.subarray(1, 33)), toHex(point.subarray(33))];
    await chain.setRecord(owner, 'setPubkey', namehash(name), x, y);
    expect(keyOf(await names.resolve(name))).toBe(encodeHex(alice.publicKey));
    expect(decodeHex(x)).toHaveLength(32);
  });
});
