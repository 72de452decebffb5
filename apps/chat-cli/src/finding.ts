import type { BundleDirectory } from '@sotto/core';
import type { EnsNames } from '@sotto/directories/ens';
import { crypto } from './data-directory.js';

/** Whom to ask for names and for the bundles of people, as the command line says. Nobody by default. */
export interface FindingOptions {
  /** JSON-RPC of an Ethereum node: names such as `alice.eth`. */
  readonly chain: string | undefined;
  /** Address of the registry of names. Default: that of Ethereum. */
  readonly registry: string | undefined;
  /** IPFS gateways, only read from. */
  readonly gateways: readonly string[];
  /** RPC of an IPFS node of one's own, which is also published to. */
  readonly ipfsNode: string | undefined;
}

/** What {@link openFinding} makes of the options. */
export interface Finding {
  readonly directories: readonly BundleDirectory[];
  readonly names: EnsNames | undefined;
}

/** What is asked when nothing is set. */
export const NO_FINDING: Finding = { directories: [], names: undefined };

/** The Universal Resolver of Ethereum. */
const UNIVERSAL_RESOLVER = '0xeeeeeeee14d718c2b47d9923deab1335e144eeee';

/** Makes what the options ask for, and loads no more than that needs. Asks nobody anything. */
export async function openFinding(options: FindingOptions): Promise<Finding> {
  const { chain, registry, gateways, ipfsNode } = options;
  const directories: BundleDirectory[] = [];
  if (ipfsNode !== undefined || gateways.length > 0) {
    const { createGatewayEndpoint, createIpnsDirectory, createKuboEndpoint } = await import(
      '@sotto/directories/ipns'
    );
    const endpoints = [
      ...(ipfsNode === undefined ? [] : [createKuboEndpoint(ipfsNode)]),
      ...gateways.map((gateway) => createGatewayEndpoint(gateway)),
    ];
    directories.push(createIpnsDirectory({ crypto, endpoints }));
  }
  if (chain === undefined) return { directories, names: undefined };
  const [{ createEnsDirectory, createEnsNames }, { createClient, http }] = await Promise.all([
    import('@sotto/directories/ens'),
    import('viem'),
  ]);
  const names = createEnsNames({
    crypto,
    client: createClient({ transport: http(chain, { retryCount: 1 }) }),
    ...(registry === undefined
      ? { universalResolver: UNIVERSAL_RESOLVER }
      : { registry: registry as `0x${string}` }),
  });
  return { directories: [...directories, createEnsDirectory(names)], names };
}
