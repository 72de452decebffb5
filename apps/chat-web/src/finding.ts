import type { BundleDirectory } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';
import type { EnsNames } from '@sotto/directories/ens';

/** Key of the settings. Not secret, and needed before the store is open. */
const SETTING = 'sotto-chat:finding';

/** Whom the page asks for names and for the newest bundles of people. An empty text is nobody, which is the default. */
export interface FindingSettings {
  /** JSON-RPC of an Ethereum node: names such as `alice.eth`. */
  readonly chain: string;
  /** The registry of names, on a chain of one's own. Default: that of Ethereum. */
  readonly registry: string;
  /** An IPFS gateway: bundles of people whose key is known. Only read from. */
  readonly gateway: string;
  /** The RPC of an IPFS node of one's own: the same, and our own bundle is published there. */
  readonly ipfsNode: string;
  /** The name that leads to us. Only for our own card and the transaction that sets it. */
  readonly ownName: string;
}

const NOBODY: FindingSettings = { chain: '', registry: '', gateway: '', ipfsNode: '', ownName: '' };

/** The settings kept in this browser. What can't be read is as if it was never set. */
export function findingSettings(): FindingSettings {
  try {
    const kept = JSON.parse(localStorage.getItem(SETTING) ?? '{}') as Record<string, unknown>;
    const text = (name: keyof FindingSettings) => (typeof kept[name] === 'string' ? kept[name] : '');
    return parseFindingSettings({
      chain: text('chain'),
      registry: text('registry'),
      gateway: text('gateway'),
      ipfsNode: text('ipfsNode'),
      ownName: text('ownName'),
    });
  } catch {
    return NOBODY;
  }
}

/** Throws a `TypeError` with words for people. */
export function saveFindingSettings(settings: FindingSettings): void {
  localStorage.setItem(SETTING, JSON.stringify(parseFindingSettings(settings)));
}

/** Checks settings as they were typed. Throws a `TypeError` with words for people. */
export function parseFindingSettings(settings: FindingSettings): FindingSettings {
  const { chain, registry, gateway, ipfsNode, ownName } = settings;
  if (registry.trim() !== '' && !/^0x[0-9a-f]{40}$/i.test(registry.trim())) {
    throw new TypeError('The address of a registry is 0x and 40 digits.');
  }
  return {
    chain: parseServer(chain),
    registry: registry.trim(),
    gateway: parseServer(gateway),
    ipfsNode: parseServer(ipfsNode),
    ownName: ownName.trim(),
  };
}

function parseServer(text: string): string {
  if (text.trim() === '') return '';
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  const isLocal = url?.protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(url.hostname);
  // As the policy of the page has it.
  if (url === undefined || !(url.protocol === 'https:' || isLocal)) {
    throw new TypeError('The address of a server begins with https://, or with http:// on this machine.');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError('The address of a server has no password, query or fragment.');
  }
  return url.href.replace(/\/$/, '');
}

/** What {@link openFinding} makes of the settings. */
export interface Finding {
  readonly directories: readonly BundleDirectory[];
  readonly names: EnsNames | undefined;
}

/** Makes what the settings ask for, and loads no more than that needs. Asks nobody anything. */
export async function openFinding(settings: FindingSettings, crypto: CryptoProvider): Promise<Finding> {
  const { chain, gateway, ipfsNode } = settings;
  const directories: BundleDirectory[] = [];
  if (gateway !== '' || ipfsNode !== '') {
    const { createGatewayEndpoint, createIpnsDirectory, createKuboEndpoint } = await import(
      '@sotto/directories/ipns'
    );
    const endpoints = [
      ...(ipfsNode !== '' ? [createKuboEndpoint(ipfsNode)] : []),
      ...(gateway !== '' ? [createGatewayEndpoint(gateway)] : []),
    ];
    directories.push(createIpnsDirectory({ crypto, endpoints }));
  }
  if (chain === '') return { directories, names: undefined };
  const { openNames } = await import('./ens.js');
  const { names, directory } = openNames(settings, crypto);
  return { directories: [...directories, directory], names };
}
