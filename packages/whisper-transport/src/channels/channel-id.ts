import { type Channel, compareBytes, encodeHex, type PublicKey, SottoError } from '@sotto/core';

/** A string that identifies a channel: equal for equal channels. It contains the secret of a negotiated channel. */
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
 * Checks that an identity may subscribe to a channel: one with a recipient is only for its recipient.
 * @throws INVALID_ARGUMENT
 */
export function checkMaySubscribe(identity: PublicKey, channel: Channel): void {
  if (!('recipient' in channel) || compareBytes(channel.recipient, identity) === 0) return;
  throw new SottoError('INVALID_ARGUMENT', 'Only the recipient of a channel can subscribe to it.', {
    what: 'channel',
    reason: 'the recipient is another identity',
  });
}
