/** The frames of the relay protocol, for writing a relay: `docs/relay-protocol.md`. */
export {
  type ClientFrame,
  decodeClientFrame,
  decodeRelayFrame,
  encodeClientFrame,
  encodeRelayFrame,
  RELAY_CURSOR_MAX_LENGTH,
  RELAY_FRAME_OVERHEAD,
  RELAY_VERSION,
  type RelayFrame,
  type RelayRefusalCode,
  type RelayWelcome,
} from './relay/frame.js';
