/** Why a connection is ended, as devp2p numbers it. */
export const DisconnectReason = {
  DISCONNECT_REQUESTED: 0x00,
  NETWORK_ERROR: 0x01,
  PROTOCOL_ERROR: 0x02,
  USELESS_PEER: 0x03,
  TOO_MANY_PEERS: 0x04,
  ALREADY_CONNECTED: 0x05,
  INCOMPATIBLE_VERSION: 0x06,
  NULL_IDENTITY: 0x07,
  CLIENT_QUITTING: 0x08,
  INVALID_IDENTITY: 0x09,
  SAME_IDENTITY: 0x0a,
  TIMEOUT: 0x0b,
  SUBPROTOCOL_ERROR: 0x10,
} as const;

export type DisconnectReason = (typeof DisconnectReason)[keyof typeof DisconnectReason];

/** Its name, for people; `UNKNOWN` for a number that devp2p does not have. */
export function disconnectReasonName(reason: number): string {
  return Object.entries(DisconnectReason).find(([, number]) => number === reason)?.[0] ?? 'UNKNOWN';
}
