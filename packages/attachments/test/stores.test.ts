import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { blobStoreCases } from '@sotto/compliance/blob-store';
import { createTemporaryDirectory } from '@sotto/testing/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpBlobStore } from '../src/http.js';
import { createMemoryBlobStore } from '../src/index.js';
import { type BlobServer, createBlobServer } from '../src/server.node.js';

const ABSENT = 'ab'.repeat(32);

describe('blobs in memory', () => {
  const store = createMemoryBlobStore({ maxBlobBytes: 100_000 });
  it.each(blobStoreCases())('$name', ({ run }) => run({ store: () => store, absent: [`memory:${ABSENT}`] }));

  it('are limited together', async () => {
    const small = createMemoryBlobStore({ maxBytes: 1_000 });
    await small.put(new Uint8Array(600));
    await expect(small.put(new Uint8Array(401))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('blobs on a web server', () => {
  const { path: folder, remove } = createTemporaryDirectory();
  let blobs: BlobServer;
  let server: Server;
  let port = 0;

  const start = async () => {
    server = createServer((request, response) => {
      if (!blobs.handle(request, response)) response.writeHead(404).end();
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };

  beforeAll(async () => {
    blobs = await createBlobServer({
      directory: join(folder, 'blobs'),
      token: 'let me in',
      maxBlobBytes: 200_000,
    });
    await start();
  });
  afterAll(async () => {
    await stop();
    blobs.close();
    remove();
  });

  const url = () => `http://127.0.0.1:${port}/blobs/`;
  const store = () =>
    createHttpBlobStore({
      url: url(),
      headers: { authorization: 'Bearer let me in' },
      maxBlobBytes: 200_000,
    });

  it.each(blobStoreCases({ interruptible: true }))('$name', ({ run }) =>
    run({
      store,
      absent: [`${url()}${ABSENT}`],
      async interrupt() {
        await stop();
        return start;
      },
    }),
  );

  const reference = (name = ABSENT) => `${url()}${name}`;

  it.each([
    ['a name that is not the hash', () => fetch(reference(), { method: 'PUT', body: 'x', headers }), 400],
    ['no token', () => fetch(reference(), { method: 'PUT', body: 'x' }), 401],
    [
      'another token',
      () => fetch(reference(), { method: 'DELETE', headers: { authorization: 'Bearer x' } }),
      401,
    ],
    ['another method', () => fetch(reference(), { method: 'POST', body: 'x', headers }), 405],
    ['a path', () => fetch(`${url()}..%2f..%2fetc%2fpasswd`), 404],
    ['a temporary file', () => fetch(`${reference()}.1.0.tmp`), 404],
    [
      'too large a blob',
      () => fetch(reference(), { method: 'PUT', body: new Uint8Array(200_001), headers }),
      413,
    ],
  ])('refuses %s', async (_, call, status) => {
    expect((await call()).status).toBe(status);
  });
  const headers = { authorization: 'Bearer let me in' };

  it('lives on when it is asked for what is not a URL', async () => {
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'GET // HTTP/1.1\r\nhost: localhost\r\n\r\nGET /// HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    );
    await once(socket, 'data');
    socket.destroy();
    expect((await fetch(reference())).status).toBe(404);
  });

  it('lets no address keep others from uploading', async () => {
    const sockets = Array.from({ length: 26 }, (_, i) => {
      const socket = connect(port, '127.0.0.1');
      const name = i.toString(16).padStart(64, '0');
      socket.write(
        `PUT /blobs/${name} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer let me in\r\ncontent-length: 1\r\n\r\n`,
      );
      return socket;
    });
    const answers = await Promise.all(
      sockets.slice(24).map(async (socket) => String((await once(socket, 'data'))[0])),
    );
    for (const answer of answers) expect(answer).toContain('503');
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(
        async () =>
          (
            await store()
              .put(new Uint8Array(9))
              .catch(() => '')
          ).length,
      )
      .toBeGreaterThan(0);
  });

  it('serves blobs so that no browser takes them for pages', async () => {
    const put = await store().put(new TextEncoder().encode('<script>alert(1)</script>'));
    const response = await fetch(put);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('keeps blobs over a restart, and forgets them in time', async () => {
    let now = Date.now();
    const clock = { now: () => now, after: () => () => {} };
    const { path: directory, remove: removeThat } = createTemporaryDirectory();
    const name = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881'; // SHA-256 of "x"
    const open = async () => {
      const one = await createBlobServer({ directory, clock, lifetimeMs: 60_000 });
      const http = createServer((request, response) => void one.handle(request, response)).listen(
        0,
        '127.0.0.1',
      );
      await once(http, 'listening');
      const at = `http://127.0.0.1:${(http.address() as AddressInfo).port}/blobs/${name}`;
      const close = async () => {
        http.closeAllConnections();
        http.close();
        await once(http, 'close');
        one.close();
      };
      return { at, close };
    };
    const first = await open();
    expect((await fetch(first.at, { method: 'PUT', body: 'x' })).status).toBe(201);
    expect((await fetch(first.at, { method: 'DELETE' })).status).toBe(405);
    await first.close();
    const second = await open();
    expect(await (await fetch(second.at)).text()).toBe('x');
    now += 61_000;
    expect((await fetch(second.at)).status).toBe(404);
    await second.close();
    removeThat();
  });

  it('limits what an address uploads, and all of them together', async () => {
    const { path: directory, remove: removeThat } = createTemporaryDirectory();
    const one = await createBlobServer({ directory, maxBytesPerHour: 5_000, maxBytes: 20_000 });
    const http = createServer((request, response) => void one.handle(request, response)).listen(
      0,
      '127.0.0.1',
    );
    await once(http, 'listening');
    const limited = createHttpBlobStore({
      url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/blobs`,
    });
    await limited.put(new Uint8Array(4_000));
    await expect(limited.put(new Uint8Array(4_001))).rejects.toMatchObject({
      code: 'BLOB_UNAVAILABLE',
      details: { reason: expect.stringContaining('429') },
    });
    await expect(limited.put(new Uint8Array(20_001))).rejects.toMatchObject({
      details: { reason: expect.stringContaining('507') },
    });
    http.closeAllConnections();
    http.close();
    one.close();
    removeThat();
  });

  it('counts what is stored once, whatever is given up or deleted while it counts anew', async () => {
    const { path: directory, remove: removeThat } = createTemporaryDirectory();
    const timers = new Map<() => void, number>();
    const clock = {
      now: () => Date.now(),
      after(milliseconds: number, run: () => void) {
        timers.set(run, milliseconds);
        return () => timers.delete(run);
      },
    };
    const one = await createBlobServer({ directory, clock, token: 'let me in', maxBytes: 10_000 });
    const http = createServer((request, response) => void one.handle(request, response));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port: at } = http.address() as AddressInfo;
    const store = createHttpBlobStore({
      url: `http://127.0.0.1:${at}/blobs`,
      headers: { authorization: 'Bearer let me in' },
    });
    const [first, second] = [await store.put(Uint8Array.of(1)), await store.put(Uint8Array.of(2))];
    const full = { details: { reason: expect.stringContaining('507') } };
    await expect(store.put(Uint8Array.of(3))).rejects.toMatchObject(full);
    await Promise.all(Array.from({ length: 5 }, () => store.delete?.(first)));
    // One more is begun, and given up after the next count.
    const upload = connect(at, '127.0.0.1');
    const head = [`PUT /blobs/${'0'.repeat(64)} HTTP/1.1`, 'host: x', 'authorization: Bearer let me in'];
    upload.write([...head, 'content-length: 100', '', 'begun'].join('\r\n'));
    await expect.poll(() => [...timers.values()]).toContain(120_000);
    await expect(store.put(Uint8Array.of(3))).rejects.toMatchObject(full);
    const hourly = [...timers].find(([, milliseconds]) => milliseconds === 3_600_000);
    timers.delete(hourly?.[0] as () => void);
    hourly?.[0]();
    await expect.poll(() => [...timers.values()]).toContain(3_600_000);
    upload.destroy();
    await expect.poll(() => [...timers.values()]).not.toContain(120_000);
    await store.put(Uint8Array.of(3));
    await expect(store.put(Uint8Array.of(4))).rejects.toMatchObject(full);
    expect(await store.get(second)).toEqual(Uint8Array.of(2));
    http.closeAllConnections();
    http.close();
    one.close();
    removeThat();
  });
});
