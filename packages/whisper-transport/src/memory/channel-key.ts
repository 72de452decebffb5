import { type Channel, compareBytes, encodeHex, type PublicKey } from '@sotto/core';

/** A text that two channels share when they are the same one. */
export function channelKey(channel: Channel): string {
  switch (channel.kind) {
    case 'public':
      return `public:${channel.name}`;
    case 'negotiated':
      return `negotiated:${encodeHex(channel.secret)}`;
    default:
      return `${channel.kind}:${encodeHex(channel.recipient)}`;
  }
}

/** Whether an identity may listen to a channel: those of a recipient are for the recipient alone. */
export function mayListen(identity: PublicKey, channel: Channel): boolean {
  return !('recipient' in channel) || compareBytes(channel.recipient, identity) === 0;
}
