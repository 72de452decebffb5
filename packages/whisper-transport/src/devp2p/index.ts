/** For Node: Whisper peers by devp2p. */
export { addressName } from './address-name.js';
export { type Devp2pPeerOptions, devp2pPeer } from './devp2p-peer.js';
export { type Enode, formatEnode, parseEnode } from './enode.js';
export type { WhisperHostCounters } from './envelope-exchange.js';
export type {
  BanPolicy,
  DirectEnvelope,
  ReceiveLimits,
  SendLimits,
  WhisperHostHooks,
  WhisperHostOptions,
  WhisperPeer,
} from './host-options.js';
export type { MailserverOptions } from './mail-client.js';
export { createWhisperHost, type WhisperHost } from './whisper-host.js';
