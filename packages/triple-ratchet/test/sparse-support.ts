import type { SkippedKey } from '@sotto/double-ratchet';
import {
  type SparseHeader,
  type SparseState,
  sparseReceiveKey,
  sparseSendKey,
  sparseSkippedKeyFor,
  sparseTakePart,
  startSparse,
} from '../src/sparse.js';
import { crypto } from './party.js';

/** One side of a sparse ratchet, whose messages are nothing but header and key. */
export class SparseParty {
  readonly keys = new Map<string, SkippedKey>();

  constructor(public state: SparseState) {}

  send(): { readonly header: SparseHeader; readonly key: string } {
    const { next, header, messageKey } = sparseSendKey(crypto, this.state);
    this.state = next;
    return { header, key: messageKey.join() };
  }

  /** The key, as it would be after a message has authenticated. */
  receive(header: SparseHeader): string {
    const id = sparseSkippedKeyFor(this.state, header);
    const skippedKey = id && this.keys.get(`${id.key}/${id.n}`)?.messageKey;
    const { next, messageKey, keys } = sparseReceiveKey(crypto, this.state, header, { skippedKey });
    this.state = sparseTakePart(crypto, next, header);
    for (const { key, n } of keys.deleted) this.keys.delete(`${key}/${n}`);
    for (const key of keys.stored) this.keys.set(`${key.key}/${key.n}`, key);
    return messageKey.join();
  }
}

export function sparsePair(): { readonly alice: SparseParty; readonly bob: SparseParty } {
  const secret = crypto.randomBytes(32);
  return {
    alice: new SparseParty(startSparse(crypto, 'initiator', secret)),
    bob: new SparseParty(startSparse(crypto, 'responder', secret)),
  };
}

/** Numbers below 1 that look random and are the same in every run. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
