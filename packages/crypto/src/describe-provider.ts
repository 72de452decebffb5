import type { CryptoProvider } from '@sotto/core';

/**
 * What a provider runs on and why, as lines for a person or a log: its name, then each part with its library.
 * `describeProvider(defaultProvider())` describes the default.
 */
export function describeProvider(provider: CryptoProvider): string {
  const parts = Object.entries(provider.parts ?? {});
  return [provider.name, ...parts.map(([part, library]) => `  ${part}: ${library}`)].join('\n');
}
