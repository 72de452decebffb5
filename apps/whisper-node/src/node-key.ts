import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeHex, encodeHex } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** The key that names the node to its peers, 32 bytes: from `nodekey` in its directory, made when there is none. */
export async function readNodeKey(crypto: CryptoProvider, folder: string): Promise<Uint8Array> {
  const path = join(folder, 'nodekey');
  try {
    return decodeHex((await readFile(path, 'utf8')).trim());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const { privateKey } = crypto.secp256k1.generateKeyPair();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, `${encodeHex(privateKey)}\n`, { mode: 0o600, flag: 'wx' });
  return privateKey;
}
