import { randomBytes as nodeRandomBytes } from 'node:crypto';

/** A `RandomSource` on Node's own. */
export const randomBytes = (length: number): Uint8Array => new Uint8Array(nodeRandomBytes(length));
