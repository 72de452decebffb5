import { blobStoreCases } from '@sotto/compliance/blob-store';
import { createGatewayEndpoint, createKuboEndpoint } from '@sotto/directories/ipns';
import { type Kubo, startKuboNetwork } from '@sotto/testing/kubo';
import type {} from '@sotto/testing/kubo/setup';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readAttachment, uploadAttachment } from '../../src/index.js';
import { createIpfsBlobStore } from '../../src/ipfs.js';

const program = inject('kubo');

describe.skipIf(program === undefined)('blobs on two IPFS nodes', () => {
  let nodes: readonly Kubo[] = [];
  const node = (at: 0 | 1) => nodes[at] as Kubo;

  beforeAll(async () => {
    nodes = await startKuboNetwork(program as string, 2);
  });
  afterAll(() => Promise.all(nodes.map((one) => one.close())));

  const writer = () => createIpfsBlobStore({ endpoints: [createKuboEndpoint(node(0).api)] });
  const reader = () => createIpfsBlobStore({ endpoints: [createGatewayEndpoint(node(1).gateway)] });

  // What nobody has is searched for until the time is over, so there is nothing absent to be found here.
  const cases = blobStoreCases({ deletes: false, timeout: 60_000 });
  it.each(cases)('$name', ({ run }) => run({ store: writer, absent: [] }), 70_000);

  it('a file stored by the RPC of one is read through the gateway of the other', async () => {
    const source = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);
    const attachment = await uploadAttachment({ store: writer(), source, name: 'film.mp4' });
    expect(attachment.parts.length).toBeGreaterThan(5);
    const read = await readAttachment({ attachment, stores: [reader()] });
    expect(Buffer.compare(read, source)).toBe(0);
  }, 60_000);
});
