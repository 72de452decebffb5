import { type Channel, encodeHex, encodeUtf8, type PublicKey, SottoError } from '@sotto/core';
import type { CryptoProvider } from '@sotto/crypto';

const GROUP_CHANNEL_LABEL = encodeUtf8('sotto group channel 1');

/** Longest name of a public chat. A name is hashed, so this only keeps lists readable. */
export const CHAT_NAME_MAX_LENGTH = 128;

/**
 * Checks the name of a public chat: 1 to 128 of `a` to `z`, `0` to `9` and `-`. Wire profile, section 6.
 * @throws INVALID_TEXT
 */
export function parseChatName(name: string): string {
  if (!/^[a-z0-9-]+$/.test(name) || name.length > CHAT_NAME_MAX_LENGTH) {
    throw new SottoError(
      'INVALID_TEXT',
      `The name of a public chat has 1 to ${CHAT_NAME_MAX_LENGTH} characters of a-z, 0-9 and "-".`,
      { what: 'chat name', reason: 'characters or length' },
    );
  }
  return name;
}

/** The channel on which an identity publishes its bundle. Wire profile, section 6. */
export function contactCodeChannel(
  crypto: CryptoProvider,
  identity: PublicKey,
): Extract<Channel, { kind: 'public' }> {
  const key = encodeHex(crypto.secp256k1.uncompressPublicKey(identity));
  return { kind: 'public', name: `0x${key}-contact-code` };
}

/**
 * Name of the channel of a group, 76 characters: whoever knows the group's id knows it. No public chat has a `:` in its name.
 * docs/group-protocol.md.
 */
export function groupChannelName(crypto: Pick<CryptoProvider, 'keccak256'>, groupId: Uint8Array): string {
  return `sotto-group:${encodeHex(crypto.keccak256(GROUP_CHANNEL_LABEL, groupId))}`;
}
