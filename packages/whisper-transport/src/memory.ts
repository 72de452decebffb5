/** A network within one process, for tests and demonstrations. */
export {
  createMemoryNetwork,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from './memory/memory-network.js';
export type { NetworkConditions } from './memory/network-conditions.js';
