import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { HttpServer } from '../src/http.js';
import { decodeUtf8, encodeUtf8, SottoError, X25519KeyPair } from '../src/index.js';

const errors = {
  unavailable: (reason: string, cause: unknown) => new Error(`unavailable: ${reason}`, { cause }),
  answerInvalid: (reason: string) => new SottoError('BLOB_REFUSED', reason, { store: 'test', reason }),
};
const get = { method: 'GET', path: '/x', maxBytes: 100 } as const;

/** A real server, and what asks it. */
async function serve(listener: RequestListener, timeoutMs = 5_000): Promise<HttpServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return new HttpServer(`http://127.0.0.1:${port}/base/`, errors, { timeoutMs });
}

it('gives an answer whole, with its headers, and sends what it was given', async () => {
  let seen = '';
  const server = await serve((request, response) => {
    seen = `${request.method} ${request.url} ${request.headers['x-note']}`;
    response.setHeader('x-answer', 'yes');
    request.on('data', (body) => response.write(body));
    request.on('end', () => response.end('!'));
  });
  const request = { ...get, method: 'PUT', headers: { 'x-note': 'n' }, body: encodeUtf8('hello') } as const;
  const { status, body, header } = await server.request(request);
  expect([status, decodeUtf8(body), header('X-Answer'), header('x-other')]).toEqual([
    200,
    'hello!',
    'yes',
    undefined,
  ]);
  expect(seen).toBe('PUT /base/x n');
  expect(server.host).toMatch(/^127\.0\.0\.1:\d+$/);
});

it('reads no more than allowed, whether a length is announced or not', async () => {
  for (const announces of [true, false]) {
    const server = await serve((_, response) => {
      if (announces) response.setHeader('content-length', 101);
      response.end('x'.repeat(101));
    });
    await expect(server.request(get)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { actual: 101 },
    });
  }
});

it('reads an answer in as many pieces as it comes in', async () => {
  const pieces = 200_000;
  const answer = (status: number) => {
    let given = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (given === pieces) controller.close();
      else controller.enqueue(Uint8Array.of(given++));
    };
    return new Response(new ReadableStream({ pull }), { status });
  };
  const ask = async (status: number) => {
    const server = new HttpServer('http://127.0.0.1/', errors, { fetch: async () => answer(status) });
    return (await server.request({ ...get, maxBytes: pieces })).body;
  };
  expect(await ask(200)).toEqual(Uint8Array.from({ length: pieces }, (_, i) => i));
  expect(await ask(500)).toEqual(Uint8Array.from({ length: 500 }, (_, i) => i));
});

it('reads the beginning of what is said of an error, and nothing of an empty answer', async () => {
  const failing = await serve((_, response) => response.writeHead(404).end('n'.repeat(2_000)));
  expect(await failing.request(get)).toMatchObject({ status: 404, body: encodeUtf8('n'.repeat(500)) });
  const short = await serve((_, response) => response.writeHead(500).end('no'));
  expect(decodeUtf8((await short.request(get)).body)).toBe('no');
  const empty = await serve((_, response) => response.writeHead(204).end());
  expect(await empty.request(get)).toMatchObject({ status: 204, body: new Uint8Array(0) });
});

it('follows no redirect, and says when a server is away or too slow', async () => {
  const elsewhere = await serve((_, response) => response.writeHead(302, { location: '/y' }).end());
  await expect(elsewhere.request(get)).rejects.toMatchObject({ code: 'BLOB_REFUSED' });
  const away = new HttpServer('http://127.0.0.1:1', errors, {});
  await expect(away.request(get)).rejects.toThrow('unavailable: the request to 127.0.0.1:1 failed');
  const slow = await serve(() => {}, 50);
  await expect(slow.request(get)).rejects.toMatchObject({ code: 'TIMEOUT' });
});

it.each([
  ['not a URL', 'not an absolute URL'],
  ['ftp://example.org', 'neither https: nor http:'],
  ['https://user@example.org', 'has a user, a password, a query or a fragment'],
  ['https://example.org/?q=1', 'has a user, a password, a query or a fragment'],
])('refuses %s as its address', (url, reason) => {
  expect(() => new HttpServer(url, errors, {})).toThrow(
    expect.objectContaining({ details: { what: 'url', reason } }),
  );
});

it('a key pair of X25519 prints no secret', () => {
  const pair = new X25519KeyPair(new Uint8Array(32) as never, new Uint8Array(32).fill(7) as never);
  expect(JSON.stringify(pair)).not.toContain('7');
});
