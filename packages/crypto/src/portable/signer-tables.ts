import { ecdsa } from '@noble/curves/abstract/weierstrass.js';
import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { encodeHex, LruCache, type PublicKey } from '@sotto/core';

/** Limits of {@link SignerTables}. */
export interface SignerTableLimits {
  /** Tables held, 130 kB each. Default 32: 4 MB. */
  readonly tables: number;
  /** Signers whose signatures are counted; the least recently met are forgotten. Default 256. */
  readonly counted: number;
  /** Signatures of a signer before it is given a table. Making one takes what eight signatures save. Default 16. */
  readonly signatures: number;
  /** Signatures of others after which an unused table gives way to another. Default 256. */
  readonly unused: number;
}

const DEFAULT_LIMITS: SignerTableLimits = { tables: 32, counted: 256, signatures: 16, unused: 256 };

/** Bits of a window of the tables. One more saves a tenth of a verification, and doubles the size. */
const WINDOW = 5;

interface Table {
  /** Kept apart from the points of `ecdh`: with secret factors the library would make another table, half as large again. */
  readonly point: CurvePoint;
  /** How many signatures had been met when it was used last. */
  used: number;
}

type CurvePoint = typeof curve.Point.BASE;

/**
 * Verifies signatures of frequent signers on precomputed multiples of their keys, in less than half the time that recovering takes.
 *
 * A table is given only for signatures that were really made, and gives way to another only when out of use. So the worst that
 * somebody with many keys can do is to keep others from getting one.
 */
export class SignerTables {
  readonly #limits: SignerTableLimits;
  readonly #counts: LruCache<string, number>;
  /** The least recently used first. */
  readonly #tables = new Map<string, Table>();
  #ecdsa: typeof curve | undefined;
  #met = 0;

  constructor(limits: Partial<SignerTableLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#counts = new LruCache(this.#limits.counted);
  }

  /** Whether a signer has a table. */
  has(signer: Uint8Array): boolean {
    return this.#tables.has(encodeHex(signer));
  }

  /**
   * Whether recovering would give this signer; `false` also for one without a table.
   * @param digest 32 bytes
   * @param signature 65 bytes `v || r || s`, `v` 0 or 1
   */
  verify(digest: Uint8Array, signature: Uint8Array, signer: Uint8Array): boolean {
    const id = encodeHex(signer);
    const table = this.#tables.get(id);
    if (table === undefined) return false;
    this.#ecdsa ??= ecdsa(pointsIn(this.#tables), sha256);
    // In this format the library compares `v` as well, so that only one of the two keys with this r and s is the signer.
    const options = { prehash: false, format: 'recovered' } as const;
    if (!this.#ecdsa.verify(signature, digest, signer, options)) return false;
    table.used = ++this.#met;
    this.#tables.delete(id);
    this.#tables.set(id, table);
    return true;
  }

  /** Counts a signature from which this signer was recovered. */
  countRecovered(signer: PublicKey): void {
    this.#met++;
    const id = encodeHex(signer);
    if (this.#tables.has(id)) return;
    const count = (this.#counts.get(id) ?? 0) + 1;
    this.#counts.set(id, count);
    if (count < this.#limits.signatures) return;
    this.#counts.delete(id);
    if (!this.#makeRoom()) return;
    const point = curve.Point.fromBytes(signer).precompute(WINDOW);
    this.#tables.set(id, { point, used: this.#met });
  }

  #makeRoom(): boolean {
    if (this.#tables.size < this.#limits.tables) return true;
    for (const [id, { used }] of this.#tables) {
      return this.#met - used > this.#limits.unused && this.#tables.delete(id);
    }
    return false;
  }
}

/** The points of the curve, for the library's ECDSA: verifying with these tables and that of the generator. */
function pointsIn(tables: ReadonlyMap<string, Table>) {
  const generator = curve.Point.BASE;
  return class TabulatedPoint extends curve.Point {
    static override readonly BASE = new TabulatedPoint(generator.X, generator.Y, generator.Z);

    static override fromBytes(bytes: Uint8Array): CurvePoint {
      return tables.get(encodeHex(bytes))?.point ?? curve.Point.fromBytes(bytes);
    }

    /** The library's own doubles for both factors together, without tables. */
    override mulAddUnsafe(factor: bigint, other: CurvePoint, factorOfOther: bigint): CurvePoint {
      return generator.multiplyUnsafe(factor).add(other.multiplyUnsafe(factorOfOther));
    }
  };
}
