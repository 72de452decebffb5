import { type Channel, compareBytes, encodeHex, type PublicKey, SottoError } from '@sotto/core';

/** A text that two channels share when they are the same one. */
export function channelId(channel: Channel): string {
  switch (channel.kind) {
    case 'public':
      return `public:${channel.name}`;
    case 'negotiated':
      return `negotiated:${encodeHex(channel.secret)}`;
    default:
      return `${channel.kind}:${encodeHex(channel.recipient)}`;
  }
}

/**
 * Channels of a recipient are for the recipient alone.
 * @throws INVALID_ARGUMENT
 */
export function checkMayListen(identity: PublicKey, channel: Channel): void {
  if (!('recipient' in channel) || compareBytes(channel.recipient, identity) === 0) return;
  throw new SottoError('INVALID_ARGUMENT', 'Only the recipient of a channel can listen to it.', {
    what: 'channel',
    reason: 'the recipient is another identity',
  });
}
