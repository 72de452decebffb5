import { decodeHex, encodeHex, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** A peer of the network: its key, and where it listens. */
export interface Enode {
  /** The public key without its first byte: 128 hex digits, lower case. */
  readonly id: string;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string;
  /** TCP, 1 to 65535. */
  readonly port: number;
}

/**
 * Parses `enode://<128 hex digits>@<host>:<port>`; the `?discport=` that go-ethereum appends is ignored.
 * @throws INVALID_TEXT with the reason
 */
export function parseEnode(crypto: CryptoProvider, text: string): Enode {
  const refuse = (reason: string) =>
    new SottoError('INVALID_TEXT', `Not an enode URL: ${reason}.`, { what: 'enode URL', reason });
  const match = /^enode:\/\/([^@/]*)@(.+):(\d{1,5})\/?(?:\?discport=\d{1,5})?$/.exec(text.trim());
  if (match === null) throw refuse('not of the form enode://<key>@<host>:<port>');
  const [, digits = '', address = '', portDigits = ''] = match;
  if (!/^[0-9a-fA-F]{128}$/.test(digits)) throw refuse('the key is not 128 hexadecimal digits');
  const id = digits.toLowerCase();
  try {
    crypto.secp256k1.parsePublicKey(decodeHex(`04${id}`));
  } catch {
    throw refuse('the key is not a point on secp256k1');
  }
  const port = Number(portDigits);
  if (port < 1 || port > 65_535) throw refuse('the port is not from 1 to 65535');
  const host = /^\[[0-9a-fA-F:.%]+\]$/.test(address) ? address.slice(1, -1) : address;
  if (!host.includes(':') && !/^[A-Za-z0-9._-]+$/.test(host)) throw refuse('not a host name or address');
  if (host === address && host.includes(':')) throw refuse('an IPv6 address has to be in brackets');
  return { id, host, port };
}

/** The `enode://` URL of a peer; IPv6 addresses are bracketed. */
export function formatEnode({ id, host, port }: Enode): string {
  return `enode://${id}@${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The id of a host: 128 hex digits. @param publicKey 33 bytes */
export function enodeId(crypto: CryptoProvider, publicKey: Uint8Array): string {
  return encodeHex(crypto.secp256k1.uncompressPublicKey(publicKey).subarray(1));
}
