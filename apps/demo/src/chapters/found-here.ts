import {
  type BundleCandidate,
  type BundleDirectory,
  copyBytes,
  encodeHex,
  type NameResolver,
  type PublicKey,
} from '@sotto/core';
import type { Device } from '../device.js';
import { foundByName, type NamePlace } from './found.js';

/** The chapter on doubles in this process. `npm run demo:names` plays it on a chain. */
export const foundHere = foundByName({ name: 'found', title: 'Found by name' }, async () => tables());

/** Two tables, in place of a name system and of a directory. */
function tables(): NamePlace {
  const keys = new Map<string, PublicKey>();
  const bundles = new Map<string, BundleCandidate>();
  const names: NameResolver = {
    async resolve(typed) {
      const name = typed.trim().toLowerCase();
      const identity = keys.get(name);
      return identity === undefined ? { state: 'absent', name } : { state: 'found', name, identity };
    },
    primaryName: async () => undefined,
  };
  const directory: BundleDirectory = {
    name: 'table',
    capabilities: { publishing: 'free', updatedBy: 'identity-key', maxBundleBytes: 16 * 1024 },
    async find(identity) {
      const found = bundles.get(encodeHex(identity));
      return found === undefined ? [] : [{ ...found, bundle: copyBytes(found.bundle) }];
    },
    async publish({ identity, bundle }) {
      bundles.set(encodeHex(identity.publicKey), { bundle: copyBytes(bundle), source: 'a table' });
    },
  };
  return {
    about:
      'Doubles: two tables in this process, in place of ENS and of IPNS. The messengers use them as they would the real ones; npm run demo:names plays this on a real chain.',
    names,
    directories: [directory],
    async lead(name, to) {
      keys.set(name, to.key);
      await isPublished(to, directory);
    },
  };
}

/** Waits until a messenger, which publishes in the background, has done so. */
async function isPublished({ messenger }: Device, { name }: BundleDirectory): Promise<void> {
  const published = new Promise<void>((resolve) => {
    messenger.on('bundlePublished', ({ directory }) => {
      if (directory === name) resolve();
    });
  });
  const states = await messenger.contacts.directories();
  if (states.some(({ directory, publishedAt }) => directory === name && publishedAt !== undefined)) return;
  await published;
}
