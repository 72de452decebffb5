import { FLOOR } from './floor.js';
import type { Contestant } from './library.js';

const OURS: readonly Contestant[] = [
  { id: 'sotto-accelerated', title: 'Sotto, accelerated', kind: 'sotto', portable: false },
  {
    id: 'sotto-webassembly',
    title: 'Sotto, WebAssembly',
    kind: 'sotto',
    portable: true,
    note: 'the portable provider with libsecp256k1 and hashes in WebAssembly',
  },
  { id: 'sotto-portable', title: 'Sotto, portable', kind: 'sotto', portable: true },
  {
    id: 'sotto-triple-accelerated',
    title: 'Sotto, accelerated, post-quantum',
    kind: 'sotto',
    portable: false,
    note: 'PQXDH and the Triple Ratchet with encrypted headers; ML-KEM of node:crypto from Node.js 24.7 on, else in JavaScript',
  },
  {
    id: 'sotto-triple-portable',
    title: 'Sotto, portable, post-quantum',
    kind: 'sotto',
    portable: true,
    note: 'the same, all in JavaScript',
  },
];

/** For each of ours, the primitives that it uses, and nothing else: what no protocol code can be faster than. */
const FLOORS = OURS.map(
  ({ id, title, portable }): Contestant => ({
    id: `${FLOOR}${id}`,
    title: title.replace('Sotto', 'its primitives alone'),
    kind: 'floor',
    portable,
  }),
);

const RIVALS: readonly Contestant[] = [
  {
    id: 'libsignal-client',
    title: '@signalapp/libsignal-client 0.103',
    kind: 'rival',
    portable: false,
    note: 'Rust, native. Its sessions agree on a post-quantum key as well',
  },
  {
    id: 'libsignal-node',
    title: 'libsignal 6.0',
    kind: 'rival',
    portable: false,
    note: 'node:crypto. Begins sessions with a bundle whose signature is wrong: work that the others do',
  },
  {
    id: 'olm',
    title: '@matrix-org/olm 3.2',
    kind: 'rival',
    portable: true,
    note: 'C in WebAssembly. Its MAC has 8 bytes, and it keeps 40 skipped keys at most',
    without: ['reverse'],
  },
  {
    id: 'proteus',
    title: '@wireapp/proteus 9.13',
    kind: 'rival',
    portable: true,
    note: 'libsodium in WebAssembly',
  },
  {
    id: 'libsignal-typescript',
    title: '@privacyresearch/libsignal-protocol-typescript 0.0.16',
    kind: 'rival',
    portable: true,
    note: 'JavaScript, WebCrypto; keeps sessions as texts',
  },
  {
    id: 'nostr-double-ratchet',
    title: 'nostr-double-ratchet 0.0.138',
    kind: 'rival',
    portable: true,
    note: 'JavaScript, secp256k1. Its messages are signed events, of 64 KiB of text at most',
    without: ['64 KiB'],
  },
];

export const contestants: readonly Contestant[] = [...OURS, ...FLOORS, ...RIVALS];

/** Libraries in pure JavaScript, with which the portable provider is compared. */
export const PURE_JAVASCRIPT: readonly string[] = ['libsignal-typescript', 'nostr-double-ratchet'];
