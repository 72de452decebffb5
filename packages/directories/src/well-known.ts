import { type BundleDirectory, encodeHex, parseObject } from '@sotto/core';
import { type HttpOptions, HttpServer } from '@sotto/core/http';
import type { CryptoProvider } from '@sotto/crypto';
import { directoryUnavailable, httpErrors } from './errors.js';

export type { Fetch, HttpOptions } from '@sotto/core/http';

/** What {@link createWellKnownDirectory} needs. */
export interface WellKnownDirectoryOptions extends HttpOptions {
  /** Parses public keys. */
  readonly crypto: CryptoProvider;
  /** The web server, such as `https://example.org`. Its operator puts the files there, by whatever means. */
  readonly url: string;
  /** Bytes of a bundle. Default 16 KiB, see `DirectoryLimits` of the main entry. */
  readonly maxBundleBytes?: number | undefined;
}

const DIRECTORY_NAME = 'well-known';

/** The path of an identity's Bundle message on a web server (RFC 8615): the key in hex, 33 bytes. */
export function wellKnownPath(identity: Uint8Array): string {
  return `/.well-known/sotto/${encodeHex(identity)}`;
}

/**
 * A directory of files on a web server, read-only: the Bundle message at {@link wellKnownPath}, or status 404. For pages of other origins the server has to send `Access-Control-Allow-Origin: *`.
 * @throws INVALID_ARGUMENT for what is not a URL
 */
export function createWellKnownDirectory(options: WellKnownDirectoryOptions): BundleDirectory {
  parseObject(options, 'options', 'crypto', 'url');
  const { crypto, url, maxBundleBytes = 16 * 1024 } = options;
  const server = new HttpServer(url, httpErrors(DIRECTORY_NAME), options);
  return {
    name: DIRECTORY_NAME,
    capabilities: { publishing: 'none', updatedBy: 'operator', maxBundleBytes },
    async find(given, { signal } = {}) {
      const path = wellKnownPath(crypto.secp256k1.parsePublicKey(given));
      const { status, body } = await server.request({
        method: 'GET',
        path,
        headers: { accept: 'application/octet-stream' },
        maxBytes: maxBundleBytes,
        signal,
      });
      if (status === 404 || status === 410) return [];
      if (status !== 200) {
        throw directoryUnavailable(DIRECTORY_NAME, `${server.host} answers with status ${status}`);
      }
      return [{ bundle: body, source: server.host }];
    },
  };
}
