import { encodeHex } from '@sotto/core';
import type { ReceivedMessage } from '@sotto/messenger';
import type { StoredMessage } from './storage.js';

/** What is kept of any received message. */
export function receivedMessage(message: ReceivedMessage, own: boolean): Omit<StoredMessage, 'id'> {
  return {
    sender: encodeHex(message.sender),
    own,
    installationId: message.senderInstallation,
    state: 'received',
    protection: message.protection,
    ...(message.sealedSender && { sealedSender: true }),
    verified: message.verified,
    ...(message.late && { late: true }),
    sentAt: message.sentAt,
    payload: '',
  };
}
