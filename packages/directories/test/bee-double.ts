import type { IncomingMessage, ServerResponse } from 'node:http';
import { concatBytes, decodeHex, encodeHex } from '@sotto/core';
import { feedIdentifier, ownedAddress } from '../src/swarm/chunks.js';
import { crypto } from './support.js';

/**
 * A double of a Bee node: no node can be had for tests, so this answers as the documentation of its API and bee-js say. It
 * keeps chunks in memory, takes the first one for an address, and knows how far each feed is.
 */
export class BeeDouble {
  readonly chunks = new Map<string, Uint8Array>();
  readonly stamps: unknown[] = [];
  reachable = true;

  readonly answer = (
    request: IncomingMessage & { readonly content: Uint8Array },
    response: ServerResponse,
  ) => {
    if (!this.reachable) return response.destroy();
    const url = new URL(request.url ?? '', 'http://bee.test');
    const [, kind, first = '', second = ''] = url.pathname.split('/');
    if (request.method === 'POST' && kind === 'soc') {
      const identifier = decodeHex(second);
      const chunk = concatBytes(identifier, decodeHex(url.searchParams.get('sig') ?? ''), request.content);
      const address = encodeHex(ownedAddress(crypto, identifier, decodeHex(first)));
      this.stamps.push(request.headers['swarm-postage-batch-id']);
      if (!this.chunks.has(address)) this.chunks.set(address, chunk);
      return response.writeHead(201).end(JSON.stringify({ reference: address }));
    }
    if (request.method === 'GET' && kind === 'chunks') {
      const chunk = this.chunks.get(first);
      return chunk === undefined ? response.writeHead(404).end() : response.end(chunk);
    }
    if (request.method === 'GET' && kind === 'feeds') {
      let latest: Uint8Array | undefined;
      let index = 0n;
      for (; ; index++) {
        const identifier = feedIdentifier(crypto, decodeHex(second), index);
        const chunk = this.chunks.get(encodeHex(ownedAddress(crypto, identifier, decodeHex(first))));
        if (chunk === undefined) break;
        latest = chunk;
      }
      if (latest === undefined) return response.writeHead(404).end();
      const header = (index - 1n).toString(16).padStart(16, '0');
      return response.writeHead(200, { 'swarm-feed-index': header }).end(latest.subarray(105));
    }
    return response.writeHead(405).end();
  };
}
