import type { ServerResponse } from 'node:http';
import { privateKeyFromRaw, publicKeyFromRaw } from '@libp2p/crypto/keys';
import { directoryCases } from '@sotto/compliance/directory';
import { type BundleDirectory, concatBytes, encodeUtf8, type KeyPair } from '@sotto/core';
import { manualClock, rest } from '@sotto/testing/clock';
import { bundleTimestamp } from '@sotto/x3dh';
import * as library from 'ipns';
import { validate } from 'ipns/validator';
import { describe, expect, it } from 'vitest';
import { createDirectories } from '../src/index.js';
import { rawBlockCid } from '../src/ipns/names.js';
import { createIpnsRecord, parseIpnsRecord } from '../src/ipns/record.js';
import {
  createDelegatedRoutingEndpoint,
  createGatewayEndpoint,
  createIpnsDirectory,
  createKuboEndpoint,
  type IpnsEndpoint,
  identityOfIpnsName,
  ipnsName,
  ipnsNameBytes,
} from '../src/ipns.js';
import { bundleMaker, bundleOf, codeOf, crypto, HOUR, NOW, newIdentity, startServer } from './support.js';

const alice = newIdentity();
const mallory = newIdentity();
const bundle = bundleOf(alice, NOW - HOUR);
const DAY = 24 * HOUR;

/** A record of ours that leads to a block. */
function recordOf(
  identity: KeyPair,
  block: Uint8Array,
  sequence = 1n,
  validUntil = NOW + 2 * DAY,
): Uint8Array {
  const value = `/ipfs/${rawBlockCid(crypto, block)}`;
  return createIpnsRecord(crypto, identity, { value, sequence, validUntil, ttlMs: 300_000 });
}

/** What a network of IPFS nodes would hold, in memory. Takes anything; a lower sequence doesn't replace a higher one. */
class MemoryNetwork {
  readonly records = new Map<string, Uint8Array>();
  readonly blocks = new Map<string, Uint8Array>();
  reachable = true;

  endpoint(): IpnsEndpoint {
    const check = () => {
      if (!this.reachable) throw new TypeError('the network is down');
    };
    return {
      source: 'memory',
      getRecord: async (name) => {
        check();
        return this.records.get(name);
      },
      putRecord: async (name, record) => {
        check();
        this.records.set(name, record);
      },
      getBlock: async (cid) => {
        check();
        return this.blocks.get(cid);
      },
      putBlock: async (block) => {
        check();
        this.blocks.set(rawBlockCid(crypto, block), block);
      },
    };
  }
}

describe('an IPNS name', () => {
  it('is what libp2p makes of the same key, and leads back to it', () => {
    const cid = publicKeyFromRaw(alice.publicKey).toCID();
    expect(ipnsNameBytes(alice.publicKey)).toEqual(cid.bytes);
    expect(ipnsName(alice.publicKey)).toMatch(/^k[0-9a-z]{60,70}$/);
    expect(identityOfIpnsName(crypto, cid.bytes)).toEqual(alice.publicKey);
    expect(identityOfIpnsName(crypto, cid.bytes.subarray(1))).toBeUndefined();
    expect(identityOfIpnsName(crypto, Uint8Array.from(cid.bytes).fill(9, 1, 2))).toBeUndefined();
  });
});

describe('an IPNS record', () => {
  it('of ours is valid to the ipns library, and reads the same', async () => {
    const validUntil = Date.now() + 2 * DAY;
    const record = recordOf(alice, bundle, 2n ** 63n - 1n, validUntil);
    await validate(publicKeyFromRaw(alice.publicKey), record);
    const read = library.unmarshalIPNSRecord(record);
    expect({ value: read.value, sequence: read.sequence, ttl: read.ttl }).toEqual({
      value: `/ipfs/${rawBlockCid(crypto, bundle)}`,
      sequence: 2n ** 63n - 1n,
      ttl: 300_000_000_000n,
    });
    expect(Date.parse(read.validity)).toBe(validUntil);
    await expect(validate(publicKeyFromRaw(mallory.publicKey), record)).rejects.toThrow(/./);
  });

  it.each([true, false])(
    'of the ipns library is read, with a signature of version 1: %s',
    async (v1Compatible) => {
      const key = privateKeyFromRaw(alice.privateKey);
      for (let sequence = 0n; sequence < 40n; sequence++) {
        const record = await library.createIPNSRecord(key, '/ipfs/bafkqaaa', sequence, HOUR, {
          v1Compatible,
        });
        const read = parseIpnsRecord(crypto, alice.publicKey, library.marshalIPNSRecord(record));
        expect(read).toMatchObject({ value: '/ipfs/bafkqaaa', sequence });
      }
    },
  );

  it('is refused when any bit of it is changed', () => {
    const record = recordOf(alice, bundle);
    const refused = Array.from(record, (byte, at) => {
      const changed = Uint8Array.from(record);
      changed[at] = byte ^ (1 << (at % 8));
      return typeof parseIpnsRecord(crypto, alice.publicKey, changed) === 'string';
    });
    expect(refused).not.toContain(false);
  });

  it('is refused when it is cut off, too large, or signed by another key', () => {
    const record = recordOf(alice, bundle);
    for (let length = 0; length < record.length; length++) {
      expect(parseIpnsRecord(crypto, alice.publicKey, record.subarray(0, length))).toBeTypeOf('string');
    }
    expect(parseIpnsRecord(crypto, mallory.publicKey, record)).toMatch(/another key/);
    const padded = concatBytes(record, new Uint8Array(10 * 1024));
    expect(parseIpnsRecord(crypto, alice.publicKey, padded)).toMatch(/too large/);
  });
});

describe('a directory on IPNS', () => {
  const firstSequence = bundleTimestamp(NOW - HOUR);
  const cases = directoryCases({ interruptible: true });
  it.each(cases)('$name', ({ run }) => {
    const network = new MemoryNetwork();
    return run({
      directory: () => createIpnsDirectory({ crypto, clock: manualClock(), endpoints: [network.endpoint()] }),
      identity: newIdentity,
      bundle: bundleMaker(),
      firstSequence,
      async interrupt() {
        network.reachable = false;
        return async () => {
          network.reachable = true;
        };
      },
    });
  });

  it('publishes a record of 48 hours whose sequence is the time of the bundle', async () => {
    const network = new MemoryNetwork();
    const clock = manualClock();
    const directory = createIpnsDirectory({ crypto, clock, endpoints: [network.endpoint()] });
    await directory.publish?.({ identity: alice, bundle, sequence: firstSequence });
    const record = network.records.get(ipnsName(alice.publicKey)) as Uint8Array;
    expect(parseIpnsRecord(crypto, alice.publicKey, record)).toEqual({
      value: `/ipfs/${rawBlockCid(crypto, bundle)}`,
      sequence: firstSequence,
      validUntil: NOW + 2 * DAY,
    });
    clock.advance(DAY);
    await directory.publish?.({ identity: alice, bundle, sequence: firstSequence });
    const renewed = network.records.get(ipnsName(alice.publicKey)) as Uint8Array;
    expect(parseIpnsRecord(crypto, alice.publicKey, renewed)).toMatchObject({
      sequence: firstSequence,
      validUntil: NOW + 3 * DAY,
    });
  });

  it('goes on after what a clock that was ahead has published', async () => {
    const network = new MemoryNetwork();
    const clock = manualClock();
    const directory = createIpnsDirectory({ crypto, clock, endpoints: [network.endpoint()] });
    const ahead = bundleTimestamp(NOW + 365 * DAY);
    network.records.set(ipnsName(alice.publicKey), recordOf(alice, bundleOf(alice, NOW + 365 * DAY), ahead));
    await directory.publish?.({ identity: alice, bundle, sequence: firstSequence });
    const [found] = await directory.find(alice.publicKey);
    expect(found?.bundle).toEqual(bundle);
  });

  it('is content when one of several nodes takes it', async () => {
    const [up, down] = [new MemoryNetwork(), new MemoryNetwork()];
    down.reachable = false;
    const endpoints = [down.endpoint(), up.endpoint()];
    const directory = createIpnsDirectory({ crypto, clock: manualClock(), endpoints });
    await directory.publish?.({ identity: alice, bundle, sequence: firstSequence });
    expect((await directory.find(alice.publicKey))[0]?.bundle).toEqual(bundle);
  });

  it('only reads where no endpoint takes blocks', () => {
    const endpoints = [createGatewayEndpoint('https://gateway.example')];
    const directory = createIpnsDirectory({ crypto, endpoints });
    expect([directory.capabilities.publishing, directory.publish]).toEqual(['none', undefined]);
    expect(() => createIpnsDirectory({ crypto, endpoints: [] })).toThrow(/endpoints/);
    for (const url of ['gateway.example', 'ftp://gateway.example', 'https://a:b@gateway.example', '']) {
      expect(() => createGatewayEndpoint(url)).toThrow(/Not a valid url/);
    }
  });
});

describe('a hostile endpoint', () => {
  /** A directory on a server that answers as a test wants. */
  async function onServer(
    answer: (path: string, response: ServerResponse) => void,
    ...others: IpnsEndpoint[]
  ): Promise<{ directory: BundleDirectory; clock: ReturnType<typeof manualClock> }> {
    const clock = manualClock();
    const url = await startServer((request, response) => answer(request.url ?? '', response));
    const endpoints = [createGatewayEndpoint(url, { clock }), ...others];
    return { clock, directory: createIpnsDirectory({ crypto, clock, endpoints }) };
  }
  const serving =
    (record: Uint8Array, block: Uint8Array = bundle) =>
    (path: string, response: ServerResponse) =>
      response.end(path.startsWith('/ipns/') ? record : block);

  it('is not asked for anything but the record and the block', async () => {
    const paths: string[] = [];
    const { directory } = await onServer((path, response) => {
      paths.push(path);
      serving(recordOf(alice, bundle))(path, response);
    });
    expect((await directory.find(alice.publicKey))[0]?.bundle).toEqual(bundle);
    expect(paths).toEqual([
      `/ipns/${ipnsName(alice.publicKey)}?format=ipns-record`,
      `/ipfs/${rawBlockCid(crypto, bundle)}?format=raw`,
    ]);
  });

  it('with an older record is outvoted by one that has a newer one', async () => {
    const old = bundleOf(alice, NOW - DAY);
    const network = new MemoryNetwork();
    network.records.set(ipnsName(alice.publicKey), recordOf(alice, bundle, 2n));
    network.blocks.set(rawBlockCid(crypto, bundle), bundle);
    const { directory } = await onServer(serving(recordOf(alice, old, 1n), old), network.endpoint());
    expect((await directory.find(alice.publicKey))[0]?.bundle).toEqual(bundle);
  });

  it('alone with an older record is caught by what is known', async () => {
    const old = bundleOf(alice, NOW - DAY);
    const { directory, clock } = await onServer(serving(recordOf(alice, old, 1n), old));
    const all = createDirectories({ crypto, clock, directories: [directory] });
    const known = bundleTimestamp(NOW - HOUR);
    const { found, failures } = await all.find(alice.publicKey, { known });
    expect([found, failures[0]?.error.code]).toEqual([[], 'BUNDLE_STALE']);
  });

  it("with another identity's record is refused", async () => {
    const { directory } = await onServer(serving(recordOf(mallory, bundle)));
    expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
  });

  it('with a record that has expired is refused', async () => {
    const { directory } = await onServer(serving(recordOf(alice, bundle, 1n, NOW - 1)));
    expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
  });

  it('with the wrong block is refused, and another asked', async () => {
    const wrong = serving(recordOf(alice, bundle), bundleOf(mallory));
    const { directory } = await onServer(wrong);
    expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
    const network = new MemoryNetwork();
    network.blocks.set(rawBlockCid(crypto, bundle), bundle);
    const { directory: helped } = await onServer(wrong, network.endpoint());
    expect((await helped.find(alice.publicKey))[0]?.bundle).toEqual(bundle);
  });

  it('with 100 MB is cut off at the limit, announced or not', async () => {
    let sent = 0;
    const part = new Uint8Array(64 * 1024);
    const endless = (response: ServerResponse) => {
      const more = () => {
        while (sent < 100_000_000 && !response.destroyed) {
          sent += part.length;
          if (!response.write(part)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    const record = recordOf(alice, bundle);
    const { directory } = await onServer((path, response) =>
      path.startsWith('/ipns/') ? response.end(record) : endless(response),
    );
    expect(await codeOf(directory.find(alice.publicKey))).toBe('LIMIT_EXCEEDED');
    expect(sent).toBeLessThan(20_000_000);
    const { directory: announcing } = await onServer((_, response) => {
      response.writeHead(200, { 'content-length': '100000000' }).write(part);
    });
    expect(await codeOf(announcing.find(alice.publicKey))).toBe('LIMIT_EXCEEDED');
  });

  it('with one byte a second is given up on after the time for a request', async () => {
    let drip = () => {};
    const asked = new Promise<void>((resolve) => {
      drip = resolve;
    });
    let dripping: ServerResponse | undefined;
    const { directory, clock } = await onServer((_, response) => {
      dripping = response;
      response.write('x');
      drip();
    });
    const outcome = codeOf(directory.find(alice.publicKey));
    await asked;
    for (let second = 0; second < 15; second++) {
      dripping?.write('x');
      await rest();
      clock.advance(1000);
    }
    expect(await outcome).toBe('TIMEOUT');
  });

  it('with a redirect loop is not followed', async () => {
    let requests = 0;
    const { directory } = await onServer((path, response) => {
      requests++;
      response.writeHead(302, { location: path }).end();
    });
    expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
    expect(requests).toBe(1);
  });

  it('that leads to something other than a raw block is refused', async () => {
    for (const value of [
      '/ipns/example.org',
      '/ipfs/bafkqaaa',
      `/ipfs/b${'1'.repeat(58)}`,
      '',
      '/ipfs/../../x',
    ]) {
      const record = createIpnsRecord(crypto, alice, {
        value,
        sequence: 1n,
        validUntil: NOW + DAY,
        ttlMs: 1000,
      });
      const { directory } = await onServer(serving(record));
      expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_ANSWER_INVALID');
    }
  });

  it('that answers with an error, or not at all, is unavailable; one that has nothing is not', async () => {
    const { directory } = await onServer((_, response) => response.writeHead(502).end('bad gateway'));
    expect(await codeOf(directory.find(alice.publicKey))).toBe('DIRECTORY_UNAVAILABLE');
    const { directory: cut } = await onServer((_, response) => response.destroy());
    expect(await codeOf(cut.find(alice.publicKey))).toBe('DIRECTORY_UNAVAILABLE');
    const { directory: empty } = await onServer((_, response) => response.writeHead(404).end());
    expect(await empty.find(alice.publicKey)).toEqual([]);
  });

  it('that passes for a Kubo node and talks nonsense is refused', async () => {
    for (const nonsense of ['<html>', '{"Type":5,"Extra":"%%%"}', '{"Type":5}', 'null', '[]']) {
      const url = await startServer((_, response) => response.end(nonsense));
      const directory = createIpnsDirectory({ crypto, endpoints: [createKuboEndpoint(url)] });
      expect(['DIRECTORY_ANSWER_INVALID', 'resolved']).toContain(
        await codeOf(directory.find(alice.publicKey)),
      );
    }
  });

  it('that refuses what is published is told apart from one that fails', async () => {
    for (const [status, code] of [
      [400, 'DIRECTORY_REFUSED'],
      [503, 'DIRECTORY_UNAVAILABLE'],
    ] as const) {
      const url = await startServer((request, response) =>
        response.writeHead(request.method === 'PUT' ? status : 404).end(),
      );
      const { putBlock } = new MemoryNetwork().endpoint();
      const endpoints = [
        createDelegatedRoutingEndpoint(url),
        { source: 'memory', ...(putBlock && { putBlock }) },
      ];
      const directory = createIpnsDirectory({ crypto, clock: manualClock(), endpoints });
      const published = directory.publish?.({ identity: alice, bundle, sequence: 1n }) as Promise<void>;
      expect(await codeOf(published)).toBe(code);
    }
  });
});

describe('what a Kubo node is sent', () => {
  it('is the block as one file, whatever it contains', async () => {
    const bodies: string[] = [];
    const url = await startServer((request, response) => {
      bodies.push(`${request.headers['content-type']} ${Buffer.from(request.content).toString('latin1')}`);
      response.end('{}');
    });
    await createKuboEndpoint(url).putBlock?.(encodeUtf8('--sotto\r\n'), undefined);
    const [, boundary = ''] = /boundary=(\S+)/.exec(bodies[0] ?? '') ?? [];
    expect(boundary).not.toBe('sotto');
    expect(bodies[0]).toContain(`\r\n\r\n--sotto\r\n\r\n--${boundary}--`);
  });
});
