import { randomBytes as fromNode } from 'node:crypto';

/** A RandomSource for tests. */
export const randomBytes = (length: number): Uint8Array => new Uint8Array(fromNode(length));
