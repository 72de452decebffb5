import { SottoError } from '@sotto/core';

export function smallOrder(): SottoError {
  return new SottoError('INVALID_PUBLIC_KEY', 'The X25519 public key is a point of small order.', {
    curve: 'x25519',
    reason: 'small order',
  });
}
