import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { directoryCases } from '@sotto/compliance/directory';
import { decodeHex, encodeHex, encodeUtf8, isSottoError } from '@sotto/core';
import { manualClock } from '@sotto/testing/clock';
import { bundleTimestamp } from '@sotto/x3dh';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  contentAddress,
  feedIdentifier,
  openChunk,
  ownedAddress,
  signChunk,
  spanAndPayload,
} from '../src/swarm/chunks.js';
import { createSwarmDirectory } from '../src/swarm.js';
import { BeeDouble } from './bee-double.js';
import { bundleMaker, bundleOf, codeOf, crypto, HOUR, NOW, newIdentity, startServer } from './support.js';

interface KnownAnswers {
  readonly privateKey: string;
  readonly owner: string;
  readonly topic: string;
  readonly updates: readonly (Record<'payload' | 'address' | 'identifier' | 'chunk', string> & {
    readonly index: number;
  })[];
  readonly chunks: readonly { readonly length: number; readonly address: string }[];
}

const known = JSON.parse(
  readFileSync(new URL('fixtures/swarm-known-answers.json', import.meta.url), 'utf8'),
) as KnownAnswers;
const owner = crypto.secp256k1.keyPairFromPrivateKey(decodeHex(known.privateKey));
const BATCH = '5a'.repeat(32);
const alice = newIdentity();
const mallory = newIdentity();

describe('chunks of Swarm, as bee-js makes them', () => {
  it('have the same addresses', () => {
    for (const { length, address } of known.chunks) {
      const payload = Uint8Array.from({ length }, (_, i) => i * 7);
      expect([length, encodeHex(contentAddress(crypto, payload))]).toEqual([length, address]);
    }
  });

  it('of a feed have the same owner, topic, identifiers and addresses, and are opened', () => {
    expect(encodeHex(addressOf(crypto, owner.publicKey))).toBe(known.owner);
    const topic = crypto.keccak256(encodeUtf8('sotto bundle v1'));
    expect(encodeHex(topic)).toBe(known.topic);
    for (const { index, payload: hex, address, identifier: expected, chunk } of known.updates) {
      const [payload, identifier] = [decodeHex(hex), feedIdentifier(crypto, topic, BigInt(index))];
      expect(encodeHex(identifier)).toBe(expected);
      expect(encodeHex(ownedAddress(crypto, identifier, decodeHex(known.owner)))).toBe(address);
      expect(openChunk(crypto, decodeHex(chunk), owner.publicKey, identifier)).toEqual(payload);
      // bee-js draws another nonce, so its signature is another one: of both the rest is compared, and that they verify.
      const parts = [identifier, signChunk(crypto, owner, identifier, payload), spanAndPayload(payload)];
      const ours = parts.map(encodeHex).join('');
      const withoutSignature = (hexText: string) => hexText.slice(0, 64) + hexText.slice(2 * 97);
      expect(withoutSignature(ours)).toBe(withoutSignature(chunk));
      expect(openChunk(crypto, decodeHex(ours), owner.publicKey, identifier)).toEqual(payload);
    }
  });

  it('are refused when any byte is changed, or one is missing', () => {
    const { chunk: hex, identifier } = known.updates[1] as { chunk: string; identifier: string };
    const chunk = decodeHex(hex);
    const open = (bytes: Uint8Array) =>
      typeof openChunk(crypto, bytes, owner.publicKey, decodeHex(identifier));
    expect(open(chunk)).toBe('object');
    // Of the payload only some: each address takes a tree of hashes.
    for (let at = 0; at < chunk.length; at += at < 105 ? 1 : 61) {
      const changed = Uint8Array.from(chunk);
      changed[at] = (changed[at] as number) ^ 0x10;
      expect(open(changed)).toBe('string');
    }
    expect(open(chunk.subarray(0, -1))).toBe('string');
    expect(open(chunk.subarray(0, 105))).toBe('string');
    expect(typeof openChunk(crypto, chunk, mallory.publicKey, decodeHex(identifier))).toBe('string');
  });
});

describe('a directory on Swarm, beside a double of a Bee node', () => {
  const cases = directoryCases({ interruptible: true });
  it.each(cases)('$name', async ({ run }) => {
    const bee = new BeeDouble();
    const url = await startServer(bee.answer);
    await run({
      directory: () => createSwarmDirectory({ crypto, url, postageBatch: BATCH, clock: manualClock() }),
      identity: newIdentity,
      bundle: bundleMaker(),
      firstSequence: bundleTimestamp(NOW - HOUR),
      async interrupt() {
        bee.reachable = false;
        return async () => {
          bee.reachable = true;
        };
      },
    });
    expect(new Set(bee.stamps.filter((stamp) => stamp !== BATCH)).size).toBe(0);
  });

  it('uses no stamp for what is there already', async () => {
    const bee = new BeeDouble();
    const url = await startServer(bee.answer);
    const directory = createSwarmDirectory({ crypto, url, postageBatch: BATCH, clock: manualClock() });
    const publication = { identity: alice, bundle: bundleOf(alice), sequence: bundleTimestamp(NOW) };
    await directory.publish?.(publication);
    await directory.publish?.(publication);
    expect(bee.stamps).toEqual([BATCH]);
  });

  it('goes on after what a clock that was ahead has published', async () => {
    const bee = new BeeDouble();
    const url = await startServer(bee.answer);
    const directory = createSwarmDirectory({ crypto, url, postageBatch: BATCH, clock: manualClock() });
    const publish = (ms: number) =>
      directory.publish?.({ identity: alice, bundle: bundleOf(alice, ms), sequence: bundleTimestamp(ms) });
    await publish(NOW + 10_000 * HOUR);
    await publish(NOW);
    expect((await directory.find(alice.publicKey))[0]?.bundle.length).toBeGreaterThan(100);
    expect(await codeOf(publish(NOW - 1) as Promise<void>)).toBe('BUNDLE_STALE');
  });

  it('only reads without stamps', async () => {
    const directory = createSwarmDirectory({ crypto, url: 'https://gateway.example' });
    expect([directory.capabilities.publishing, directory.publish]).toEqual(['none', undefined]);
    expect(() => createSwarmDirectory({ crypto, url: 'https://gateway.example', postageBatch: '1' })).toThrow(
      /postageBatch/,
    );
  });
});

describe('a hostile gateway of Swarm', () => {
  const onServer = async (answer: (path: string, response: ServerResponse) => void) =>
    createSwarmDirectory({
      crypto,
      url: await startServer((request, response) => answer(request.url ?? '', response)),
      postageBatch: BATCH,
    });
  const topic = crypto.keccak256(encodeUtf8('sotto bundle v1'));
  const chunkOf = (by: typeof alice, index: bigint, bundle: Uint8Array) => {
    const payload = new Uint8Array([...new Uint8Array(8), ...bundle]);
    const identifier = feedIdentifier(crypto, topic, index);
    return new Uint8Array([
      ...identifier,
      ...signChunk(crypto, by, identifier, payload),
      ...spanAndPayload(payload),
    ]);
  };
  const serving =
    (chunk: Uint8Array, index = '00') =>
    (path: string, response: ServerResponse) =>
      path.startsWith('/feeds/')
        ? response.writeHead(200, { 'swarm-feed-index': index }).end()
        : response.end(chunk);

  it("with another identity's chunk, the chunk of another update, or none is refused", async () => {
    for (const chunk of [
      chunkOf(mallory, 0n, bundleOf(alice)),
      chunkOf(alice, 1n, bundleOf(alice)),
      new Uint8Array(0),
    ]) {
      const directory = await onServer(serving(chunk));
      expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
    }
  });

  it('with an index that is not one is refused', async () => {
    for (const index of ['', 'latest', '0'.repeat(17), '-1']) {
      const directory = await onServer(serving(new Uint8Array(9), index));
      expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
    }
  });

  it('with 100 MB is cut off at the limit', async () => {
    const directory = await onServer(serving(new Uint8Array(100_000_000)));
    expect(await codeOf(directory.find(alice.publicKey))).toBe('LIMIT_EXCEEDED');
  });

  it('that refuses a stamp is told apart from one that fails', async () => {
    for (const [status, code] of [
      [402, 'DIRECTORY_REFUSED'],
      [500, 'DIRECTORY_UNAVAILABLE'],
    ] as const) {
      const directory = await onServer((path, response) =>
        response.writeHead(path.startsWith('/soc/') ? status : 404).end(),
      );
      const publication = { identity: alice, bundle: bundleOf(alice), sequence: 1n };
      const error = await directory.publish?.(publication).catch((caught: unknown) => caught);
      expect(isSottoError(error) && error.code).toBe(code);
    }
  });
});
