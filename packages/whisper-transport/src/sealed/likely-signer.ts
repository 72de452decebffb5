import { compareBytes, type PublicKey } from '@sotto/core';
import type { ResolvedChannel } from '../channels/topics.js';

interface LastSigner {
  readonly signer: PublicKey;
  /** Whether it signed the last two. */
  readonly again: boolean;
}

/**
 * Who probably signs the next envelope on a channel: who signed the last two. One alone tells nothing where two people, or two
 * keys, take turns. Only on negotiated channels, which strangers can't write to.
 */
export class LikelySigners {
  readonly #last = new WeakMap<ResolvedChannel, LastSigner>();

  /** 33 bytes, if there is a likely one. */
  get(channel: ResolvedChannel): PublicKey | undefined {
    const last = this.#last.get(channel);
    return last?.again ? last.signer : undefined;
  }

  /** Notes who signed an envelope. */
  add(channel: ResolvedChannel, signer: PublicKey): void {
    if (channel.channel.kind !== 'negotiated') return;
    const last = this.#last.get(channel);
    const again = last !== undefined && compareBytes(last.signer, signer) === 0;
    this.#last.set(channel, { signer: again ? last.signer : signer, again });
  }
}
