import type { PublicKey } from './keys.js';

/**
 * The NameResolver port: finds the identity key that a name such as `alice.eth` points to. Whoever holds
 * a name decides which key that is, and a name can change hands: so the messenger pins each to the key of its first use. A name
 * is a label beside verification, and never verification.
 */
export interface NameResolver {
  /**
   * Looks a name up.
   * @param name as a person typed it
   * @throws INVALID_TEXT for what can't be a name; DIRECTORY_UNAVAILABLE, DIRECTORY_ANSWER_INVALID, LIMIT_EXCEEDED, TIMEOUT,
   * ABORTED
   */
  resolve(name: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<NameResolution>;

  /**
   * The primary name of an Ethereum address (`0x…`), if it has one that leads back to it.
   * @throws INVALID_TEXT for what isn't an address; otherwise as {@link resolve}
   */
  primaryName(
    address: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<string | undefined>;
}

/** What a name points to. */
export type NameResolution =
  /** A key. `changed` only when the resolver was told another one before. */
  | {
      readonly state: 'found' | 'changed';
      /** Normalised: show this one, not what was typed. */
      readonly name: string;
      /** 33 bytes, compressed SEC1. */
      readonly identity: PublicKey;
    }
  /** Nobody has the name, or it has no key. */
  | { readonly state: 'absent'; readonly name: string };
