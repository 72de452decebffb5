import { compareBytes, copyBytes, type PublicKey } from '@sotto/core';
import type { DeviceContext } from '../context.js';
import { dayOfSealed } from './sealed-message.js';

/**
 * Who sent a sealed message on the topic negotiated with a peer: the peer or, from another device of ours, our own identity. It is signed
 * with the sender's pseudonym of its day or, after it had to be sent in another way than it was made for, by the sender's identity.
 * @returns `undefined` when anyone else signed it
 * @throws MALFORMED_MESSAGE
 */
export function sealedSender(
  { identity, sealing }: Pick<DeviceContext, 'identity' | 'sealing'>,
  peer: PublicKey,
  signer: PublicKey,
  message: Uint8Array,
): PublicKey | undefined {
  const own = identity.publicKey;
  const day = dayOfSealed(message);
  for (const [sender, recipient] of [
    [peer, own],
    [own, peer],
  ] as const) {
    if (compareBytes(signer, sender) === 0) return copyBytes(sender) as PublicKey;
    const pseudonym = sealing.get({ sender, recipient }, day).signer.publicKey;
    if (compareBytes(signer, pseudonym) === 0) return copyBytes(sender) as PublicKey;
  }
  return undefined;
}
