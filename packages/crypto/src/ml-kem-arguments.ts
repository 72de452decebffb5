import { SottoError } from '@sotto/core';

export function invalidEncapsulationKey(): SottoError {
  const reason = 'a coefficient is not below the modulus';
  return new SottoError('INVALID_PUBLIC_KEY', `Not an ML-KEM-768 encapsulation key: ${reason}.`, {
    curve: 'ML-KEM-768',
    reason,
  });
}
