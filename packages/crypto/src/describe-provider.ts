import type { CryptoProvider } from '@sotto/core';

/**
 * What a provider runs on and why, in lines for a person or a log: its name, then each part with its library.
 * `describeProvider(defaultProvider())` tells it of the one that is used where none is named.
 */
export function describeProvider(provider: CryptoProvider): string {
  const parts = Object.entries(provider.parts ?? {});
  return [provider.name, ...parts.map(([part, library]) => `  ${part}: ${library}`)].join('\n');
}
