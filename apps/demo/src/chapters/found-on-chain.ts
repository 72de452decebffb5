import { createEnsDirectory, createEnsNames } from '@sotto/directories/ens';
import { decodeContactCode, encodeBundle } from '@sotto/protocol-codec';
import type { Chain } from '@sotto/testing/chain';
import type { Chapter } from '../chapter.js';
import { foundByName } from './found.js';

/** The chapter on a real chain with the contracts of ENS. */
export function foundOnChain(chain: Chain): Chapter {
  return foundByName({ name: 'found-on-chain', title: 'Found by name, on a chain' }, async ({ crypto }) => {
    const names = createEnsNames({ crypto, client: chain.client, registry: chain.registry });
    const [, holder] = chain.accounts;
    if (holder === undefined) throw new Error('The chain has no accounts.');
    return {
      about: `A real chain on this machine, ${chain.url}, with the registry and the resolver of ENS as they are deployed. Names lead to keys, and bundles are in text records, each set by a signed transaction.`,
      names,
      directories: [createEnsDirectory(names)],
      async lead(name, to) {
        await chain.register(name, holder);
        const bundle = encodeBundle(decodeContactCode(await to.messenger.contacts.ownCode()));
        await chain.send(holder, await names.prepare(name, { identity: to.key, bundle }));
      },
    };
  });
}
