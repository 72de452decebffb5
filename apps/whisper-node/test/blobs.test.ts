import { readAttachment, uploadAttachment } from '@sotto/attachments';
import { createHttpBlobStore } from '@sotto/attachments/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NodeProcess, startNode } from './node-process.js';

let node: NodeProcess;
const store = () =>
  createHttpBlobStore({ url: `${node.relay.replace('ws:', 'http:').replace(/\/$/, '')}/blobs/` });

describe('files of clients', () => {
  beforeAll(async () => {
    node = await startNode(['--address-blob-mb', '1']);
  });
  afterAll(() => node?.close());

  it('are kept at the relay', async () => {
    const source = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const attachment = await uploadAttachment({ store: store(), source });
    expect(await readAttachment({ attachment, stores: [store()] })).toEqual(source);
  });

  it('are limited by address', async () => {
    await expect(store().put(new Uint8Array(900_000))).rejects.toMatchObject({
      code: 'BLOB_UNAVAILABLE',
      details: { reason: expect.stringContaining('429') },
    });
  });

  it('are for pages of permitted origins only', async () => {
    const url = node.relay.replace('ws:', 'http:');
    const preflight = (origin: string) =>
      fetch(new URL(`/blobs/${'ab'.repeat(32)}`, url), { method: 'OPTIONS', headers: { origin } });
    expect((await preflight('http://localhost:5173')).status).toBe(204);
    expect((await preflight('https://evil.example')).status).toBe(403);
  });
});

it('files of clients are not kept by a node that was told so', async () => {
  const without = await startNode(['--blob-mb', '0']);
  const response = await fetch(new URL(`/blobs/${'ab'.repeat(32)}`, without.relay.replace('ws:', 'http:')));
  expect(response.status).toBe(426);
  await without.close();
});
