import { INSTALLATION_ID_MAX_BYTES, SottoError } from '@sotto/core';

/** What a decoder accepts; anything beyond is refused with LIMIT_EXCEEDED. Deployed peers stay far below every default. */
export interface DecodeLimits {
  /** Bytes of a ProtocolMessage. 16 MiB: the largest record of a store, 16 times a Whisper envelope. */
  readonly maxMessageBytes: number;
  /**
   * Bytes of a Bundle, and characters of its JSON. 256 KiB: `maxDevicesPerBundle` devices with the longest
   * installation ids, and all keys of theirs, come to less than 180 KiB.
   */
  readonly maxBundleBytes: number;
  /** Bundles in one message, the deprecated one included. 16: peers send 1, and each costs a signature check. */
  readonly maxBundles: number;
  /** Prekeys in one bundle. 100: peers list 3 devices. */
  readonly maxDevicesPerBundle: number;
  /** Devices that one message is addressed to. 100: peers address 3 devices. */
  readonly maxDirectMessages: number;
  /** Bytes of an installation id in UTF-8. 256, the bound of `parseInstallationId`; peers send UUIDs of 36. */
  readonly maxInstallationIdBytes: number;
  /** Bytes of a public key, prekey id or signature. 128: the longest real ones are signatures of 65. */
  readonly maxKeyBytes: number;
  /** Bytes of a public key or ciphertext of ML-KEM. 2048: ML-KEM-768 has 1184 and 1088. */
  readonly maxKemBytes: number;
  /**
   * Fields in one message or bundle, those of nested messages and unknown ones included. 65,536: bounds the work
   * that megabytes of tiny fields cause; a message of a deployed peer has about 30.
   */
  readonly maxFields: number;
}

/** The limits that apply where the caller passes none. */
export const DEFAULT_DECODE_LIMITS: DecodeLimits = Object.freeze({
  maxMessageBytes: 16 * 1024 * 1024,
  maxBundleBytes: 256 * 1024,
  maxBundles: 16,
  maxDevicesPerBundle: 100,
  maxDirectMessages: 100,
  maxInstallationIdBytes: INSTALLATION_ID_MAX_BYTES,
  maxKeyBytes: 128,
  maxKemBytes: 2048,
  maxFields: 65_536,
});

/** Options of the decoders. */
export interface DecodeOptions {
  /** Limits to use instead of {@link DEFAULT_DECODE_LIMITS}, one by one. */
  readonly limits?: Partial<DecodeLimits> | undefined;
}

export function limitsOf(options: DecodeOptions | undefined): DecodeLimits {
  return { ...DEFAULT_DECODE_LIMITS, ...options?.limits };
}

/** @throws LIMIT_EXCEEDED */
export function checkLimit(what: string, actual: number, limit: number): void {
  if (actual > limit) {
    throw new SottoError('LIMIT_EXCEEDED', `${what}: ${actual} is more than the limit of ${limit}.`, {
      what,
      limit,
      actual,
    });
  }
}
