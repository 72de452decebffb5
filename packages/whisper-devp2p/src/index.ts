/** Whisper peers over devp2p, in Node.js. */

export { createDevp2pCarrier, type Devp2pCarrierOptions } from './devp2p-carrier.js';
export { addressName } from './host/address-name.js';
export { type Enode, formatEnode, parseEnode } from './host/enode.js';
export type {
  BanPolicy,
  DirectEnvelope,
  ReceiveLimits,
  SendLimits,
  WhisperHostCounters,
  WhisperHostHooks,
  WhisperHostOptions,
  WhisperPeer,
} from './host/host-options.js';
export { createWhisperHost, type WhisperHost } from './host/whisper-host.js';
export type { BareMailRequest, MailRequest } from './mail/request.js';
export type { MailserverOptions } from './mail-client.js';
