import { decodeHex, decodeUtf8, type PublicKey, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

/** The fields of a request; each reader throws INVALID_ARGUMENT when the field is missing or of another type. */
export class Request {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #crypto: CryptoProvider;

  constructor(fields: Readonly<Record<string, unknown>>, crypto: CryptoProvider) {
    this.#fields = fields;
    this.#crypto = crypto;
  }

  /** The number to be echoed, if there is one. */
  get id(): number | null {
    const id = this.#fields['id'];
    return typeof id === 'number' && Number.isFinite(id) ? id : null;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw invalid(name, 'missing');
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw invalid(name, 'not a text');
    return value;
  }

  /** Bytes in hex. @throws INVALID_TEXT */
  bytes(name: string): Uint8Array {
    return decodeHex(this.text(name));
  }

  /** Bytes in hex, if given. @throws INVALID_TEXT */
  optionalBytes(name: string): Uint8Array | undefined {
    const text = this.optionalText(name);
    return text === undefined ? undefined : decodeHex(text);
  }

  /** An identity of 33 or 65 bytes in hex. @throws INVALID_TEXT, INVALID_LENGTH, INVALID_PUBLIC_KEY */
  identity(name: string): PublicKey {
    return this.#crypto.secp256k1.parsePublicKey(this.bytes(name));
  }

  /** Identities as {@link identity}, in a list. */
  identities(name: string): readonly PublicKey[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw invalid(name, 'not a list');
    return value.map((text) => {
      if (typeof text !== 'string') throw invalid(name, 'not a list of texts');
      return this.#crypto.secp256k1.parsePublicKey(decodeHex(text));
    });
  }

  /** A whole number from 0. */
  number(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw invalid(name, 'not a whole number');
    return value;
  }

  /** Milliseconds since the epoch. */
  time(name: string): number {
    const value = this.optionalTime(name);
    if (value === undefined) throw invalid(name, 'missing');
    return value;
  }

  optionalTime(name: string): number | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw invalid(name, 'not a time in milliseconds since the epoch');
    }
    return value;
  }
}

/** Reads a line. @throws MALFORMED_MESSAGE */
export function parseRequest(line: Uint8Array, crypto: CryptoProvider): Request {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(line));
  } catch (cause) {
    throw malformed('not JSON in UTF-8', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('not a JSON object');
  return new Request(value as Readonly<Record<string, unknown>>, crypto);
}

function malformed(reason: string, cause?: unknown): SottoError {
  const details = { what: 'request', reason };
  return new SottoError('MALFORMED_MESSAGE', `The line is no request: ${reason}.`, details, { cause });
}

export function invalid(what: string, reason: string): SottoError {
  return new SottoError('INVALID_ARGUMENT', `The field "${what}" is not as it should be: ${reason}.`, {
    what,
    reason,
  });
}
