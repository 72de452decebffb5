import { decodeHex, isSottoError } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { createDirectories } from '../../src/index.js';
import { createGatewayEndpoint, createIpnsDirectory } from '../../src/ipns.js';
import { createWellKnownDirectory } from '../../src/well-known.js';

const crypto = createPortableProvider();

/**
 * Looks a key up, in a page.
 * @returns versions of the prekeys that were found, and codes of what failed
 */
async function find(url: string, key: string): Promise<{ versions: number[]; failures: string[] }> {
  const directories = createDirectories({
    crypto,
    directories: [
      createIpnsDirectory({ crypto, endpoints: [createGatewayEndpoint(url)] }),
      createWellKnownDirectory({ crypto, url }),
    ],
  });
  const { found, failures } = await directories.find(decodeHex(key));
  return {
    versions: found.flatMap(({ devices }) => devices.map(({ version }) => version)),
    failures: failures.map(({ directory, error }) => `${directory} ${isSottoError(error) && error.code}`),
  };
}

export type Find = typeof find;

Object.assign(globalThis, { find });
