// Loaded only where an Ethereum node is set: viem is as large as the rest of the page.
import type { BundleDirectory } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import { createEnsDirectory, createEnsNames, type EnsNames } from '@sotto/directories/ens';
import { createClient, http } from 'viem';

/** The Universal Resolver of Ethereum. From here, since viem's list of chains is larger than all of this. */
const UNIVERSAL_RESOLVER = '0xeeeeeeee14d718c2b47d9923deab1335e144eeee';

/** Names of a chain, and the bundles in their records. */
export function openNames(
  { chain, registry }: { readonly chain: string; readonly registry: string },
  crypto: CryptoProvider,
): { readonly names: EnsNames; readonly directory: BundleDirectory } {
  const client = createClient({ transport: http(chain, { retryCount: 1 }) });
  const names = createEnsNames({
    crypto,
    client,
    ...(registry === ''
      ? { universalResolver: UNIVERSAL_RESOLVER }
      : { registry: registry as `0x${string}` }),
  });
  return { names, directory: createEnsDirectory(names) };
}
