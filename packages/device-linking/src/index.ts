export { DEFAULT_CODE_LIFETIME_MS, DEFAULT_SILENCE_MS } from './limits.js';
export { encodeLinkCode, type LinkCode, parseLinkCode } from './link-code.js';
export { cleanUpLinkStore } from './link-state.js';
export {
  type AccountOffer,
  type LinkOptions,
  type LinkProgress,
  type ReceiveAccountOptions,
  type ReceivedAccount,
  receiveAccount,
} from './new-device.js';
export { type HandOverOptions, handOverAccount, type LinkedDevice } from './old-device.js';
export { pairDevice } from './pair-device.js';
