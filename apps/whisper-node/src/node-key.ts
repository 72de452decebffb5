import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeHex, encodeHex, type PrivateKey } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/**
 * The key that identifies the node to its peers, 32 bytes: from `nodekey` in its directory, generated when it is missing.
 * @throws an Error with a text for people when it is damaged
 */
export async function readNodeKey(crypto: CryptoProvider, folder: string): Promise<Uint8Array> {
  const path = join(folder, 'nodekey');
  const kept = await readIfThere(path);
  if (kept !== undefined) return parseNodeKey(crypto, kept, path);
  const { privateKey } = crypto.secp256k1.generateKeyPair();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(path, `${encodeHex(privateKey)}\n`, { mode: 0o600, flag: 'wx' });
  return privateKey;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseNodeKey(crypto: CryptoProvider, text: string, path: string): Uint8Array {
  try {
    return crypto.secp256k1.keyPairFromPrivateKey(decodeHex(text.trim()) as PrivateKey).privateKey;
  } catch {
    // Without the reason, which may show a part of the key.
    throw new Error(`the node key in ${path} is damaged: restore it, or remove it to get a new one`);
  }
}
