import type { KeyPair, PublicKey } from './keys.js';

/**
 * The BundleDirectory port: a place where the newest prekey bundle of an identity can be published and found while its owner
 * is offline, such as the name system of Ethereum, IPNS, Swarm or a web server.
 *
 * A directory is never trusted. It returns candidates, which `createDirectories` of `@sotto/directories` verifies like any
 * other bundle: signature, identity, plausibility, and that it isn't older than what is known. The worst that a directory
 * can do is to return nothing or an old bundle, and to learn who is being looked up.
 *
 * `directoryCases` of `@sotto/compliance/directory` tells whether an implementation keeps all of this.
 */
export interface BundleDirectory {
  /** For people and reports, and unique among those asked together: `ipns`, for instance. */
  readonly name: string;
  /** What this directory can do. */
  readonly capabilities: BundleDirectoryCapabilities;

  /**
   * Finds bundles that may be the newest one of an identity. None is found when the directory knows of none; anything that
   * keeps it from knowing is an error. The identity is borrowed, the candidates are fresh and belong to the caller.
   * @throws DIRECTORY_UNAVAILABLE when it doesn't answer, DIRECTORY_ANSWER_INVALID when the answer can't be what was
   * asked for, LIMIT_EXCEEDED when it is too large, TIMEOUT, ABORTED
   */
  find(identity: PublicKey, options?: FindBundlesOptions): Promise<readonly BundleCandidate[]>;

  /**
   * Publishes a bundle in place of the one before. Resolves when another party has it. Publishing the same again is
   * fine and renews what expires. Present when `capabilities.publishing` is `free` or `paid`.
   * @throws BUNDLE_STALE when a newer one is published already; LIMIT_EXCEEDED beyond `maxBundleBytes`; DIRECTORY_UNAVAILABLE (try again later), DIRECTORY_REFUSED,
   * DIRECTORY_ANSWER_INVALID, TIMEOUT, ABORTED, INVALID_ARGUMENT
   */
  publish?(
    publication: BundlePublication,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
}

/** What a directory can do, as data, so that the messenger and applications can adapt. */
export interface BundleDirectoryCapabilities {
  /**
   * What publishing costs. `free`: nothing, so it can be done at each rotation and by a timer. `paid`: the same, from what the
   * owner has paid in advance. `transaction`: the owner signs and pays each time, so a program only prepares it. `none`:
   * this directory is read-only.
   */
  readonly publishing: 'free' | 'paid' | 'transaction' | 'none';
  /**
   * Who can put something else in place of what was published: the holder of the identity key, the holder of a name, or
   * the operator of a server. None of them can forge a bundle; all but the first can withhold it or restore an old one.
   */
  readonly updatedBy: 'identity-key' | 'name-owner' | 'operator';
  /**
   * Milliseconds after which a publication expires unless it is published again; absent when it doesn't expire.
   */
  readonly lifetimeMs?: number | undefined;
  /** Largest bundle in bytes that is published or found. */
  readonly maxBundleBytes: number;
}

/** How to look. */
export interface FindBundlesOptions {
  /** The name by which the identity was found, such as `alice.eth`, for directories that go by names. */
  readonly name?: string | undefined;
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

/** What a directory found. As good as its signature, which has not been checked yet. */
export interface BundleCandidate {
  /** The Bundle message (wire profile, section 2). */
  readonly bundle: Uint8Array;
  /** Where it was found, for people and reports: a host, a name, a contract. */
  readonly source: string;
}

/** What is published. */
export interface BundlePublication {
  /** The owner's key pair; signs what the directory needs signed. Borrowed until the promise settles. */
  readonly identity: KeyPair;
  /** The Bundle message. Borrowed until the promise settles. */
  readonly bundle: Uint8Array;
  /**
   * Grows with each new bundle: its timestamp, in nanoseconds since the epoch. So the devices of an identity, and one that
   * has lost its store, agree on what is newest. 0 to 2^63 - 1.
   */
  readonly sequence: bigint;
}
