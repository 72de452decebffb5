export { type Host, type LinkCounts, type LinkFaults, TwoHosts } from './two-hosts.js';
