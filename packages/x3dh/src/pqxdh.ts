/**
 * The handshake of post-quantum sessions. An entry of its own, so that the main one doesn't load it.
 */
export {
  acceptPqxdh,
  initiatePqxdh,
  PqxdhAcceptance,
  PqxdhInitiation,
  type PqxdhLocal,
  type PqxdhPreKeyPairs,
  type PqxdhPreKeys,
  type PqxdhProvider,
  type PqxdhRemote,
} from './pqxdh-agreement.js';
export { PQXDH_DIGEST_LENGTH, type PqxdhHeader } from './pqxdh-header.js';
