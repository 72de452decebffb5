import { join } from 'node:path';
import { installProject } from '../install-project.js';

/**
 * Installs a local chain with the contracts of ENS, once for this checkout.
 * @returns its folder, for `startChain`
 */
export function installChain(): Promise<string> {
  return installProject(join(import.meta.dirname, '../../chain'), 'a local chain');
}
