import { blobStoreCases } from '@sotto/compliance/blob-store';
import { isSottoError, SottoError } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { createIpfsBlobStore, type IpfsEndpoint } from '../src/ipfs.js';

/** A double of an IPFS node: what it was given, it has. The suites with real nodes are in `go`. */
function nodeDouble(): IpfsEndpoint & { readonly blocks: Map<string, Uint8Array>; isAway: boolean } {
  const blocks = new Map<string, Uint8Array>();
  const node = {
    source: 'double',
    blocks,
    isAway: false,
    async getBlock(cid: string, maxBytes: number) {
      if (node.isAway)
        throw new SottoError('DIRECTORY_UNAVAILABLE', 'away', { directory: 'ipns', reason: 'away' });
      const block = blocks.get(cid);
      if (block !== undefined && block.length > maxBytes)
        throw new SottoError('LIMIT_EXCEEDED', 'large', {
          what: 'block',
          limit: maxBytes,
          actual: block.length,
        });
      return block?.slice();
    },
    async putBlock(block: Uint8Array) {
      if (node.isAway) throw new Error('away');
      const { CID } = await import('multiformats/cid');
      const { sha256 } = await import('multiformats/hashes/sha2');
      blocks.set(CID.createV1(0x55, await sha256.digest(block)).toString(), block.slice());
    },
  };
  return node;
}

const ABSENT = 'ipfs://bafkreiaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => (isSottoError(error) ? error.code : String(error)),
  );
}

describe('blobs on IPFS, with a double of a node', () => {
  const node = nodeDouble();
  const cases = blobStoreCases({ deletes: false, interruptible: true });
  it.each(cases)('$name', ({ run }) =>
    run({
      store: () => createIpfsBlobStore({ endpoints: [node] }),
      absent: [ABSENT],
      async interrupt() {
        node.isAway = true;
        return async () => {
          node.isAway = false;
        };
      },
    }),
  );

  it('names what IPFS names alike', async () => {
    const store = createIpfsBlobStore({ endpoints: [nodeDouble()] });
    // As `ipfs block put --cid-codec raw` has it for no bytes.
    expect(await store.put(new Uint8Array(0))).toBe(
      'ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku',
    );
  });

  it('asks all nodes, and believes none', async () => {
    const [has, lies, away] = [nodeDouble(), nodeDouble(), nodeDouble()];
    const reference = await createIpfsBlobStore({ endpoints: [has] }).put(new Uint8Array(5));
    lies.getBlock = async () => new Uint8Array(6);
    away.isAway = true;
    const read = (...endpoints: IpfsEndpoint[]) => codeOf(createIpfsBlobStore({ endpoints }).get(reference));
    expect(await read(lies, away, has)).toBe('resolved');
    expect(await read(lies)).toBe('AUTHENTICATION_FAILED');
    expect(await read(away, nodeDouble())).toBe('BLOB_UNAVAILABLE');
    expect(await read(nodeDouble(), nodeDouble())).toBe('NOT_FOUND');
  });

  it('accepts raw blocks with SHA-256 alone', () => {
    const store = createIpfsBlobStore({ endpoints: [nodeDouble()] });
    for (const other of [
      'ipfs://QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG',
      'ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
      `${ABSENT}/x`,
      ABSENT.toUpperCase(),
    ])
      expect(store.accepts(other)).toBe(false);
  });

  it('cannot store without a node that does', async () => {
    const { putBlock: _, ...reading } = nodeDouble();
    const store = createIpfsBlobStore({ endpoints: [reading] });
    expect(await codeOf(store.put(new Uint8Array(5)))).toBe('BLOB_REFUSED');
  });
});
