import { type CryptoProvider, encodeHex, type PublicKey } from '@sotto/core';
import { malformed } from '@sotto/protocol-codec/internal';
import { type ContactRequestState, contactRequestStateToWire } from './chat-message.js';
import { checkClock, checkPresent, type MessageContext } from './checks.js';
import { decodeWire } from './decode.js';
import { checkStrings, checkUint32, checkUint64 } from './encode-checks.js';
import {
  ContactRequestAnswer as WireAnswer,
  PairInstallation as WirePair,
  ContactUpdate as WireUpdate,
} from './generated/sotto/status_messages/v1/application.js';
import type { StatusDecodeOptions } from './limits.js';
import { CONTACT_REQUEST_ANSWER, CONTACT_UPDATE, PAIR_INSTALLATION } from './wire-shapes.js';

/** Tells one's name and picture to a contact. Of clients of 2020, also that one has added the contact. */
export interface ContactUpdate {
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
  /** Empty for none. */
  readonly ensName: string;
  /** A `data:` URL; empty for none. 2020. */
  readonly profileImage: string;
  /** Empty for none. 2024. */
  readonly displayName: string;
  /** 0 for none. 2024. */
  readonly contactRequestClock: bigint;
  /** 2024. */
  readonly contactRequestState: ContactRequestState | undefined;
  /** `0x04…` of the recipient; empty for none. 2024. */
  readonly publicKey: string;
  /** 0 for none. 2024. */
  readonly customizationColor: number;
}

/** Accepts a contact request, or takes one back, by the message's type. 2024. */
export interface ContactRequestAnswer {
  /** Message id of the request, or {@link defaultContactRequestId}. */
  readonly id: string;
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
}

/** Offers a device to the other devices of the same identity. Counts only from oneself. */
export interface PairInstallation {
  /** Orders messages, see {@link nextClock}. */
  readonly clock: bigint;
  /** The device that is offered. */
  readonly installationId: string;
  /** Such as `ios`. */
  readonly deviceType: string;
  /** As people named it. */
  readonly name: string;
  /** 0 for none. 2024. */
  readonly version: number;
  /** Empty for none. 2024. */
  readonly targetInstallationId: string;
}

/**
 * The encoded contact update.
 * @throws INVALID_ARGUMENT
 */
export function encodeContactUpdate(update: ContactUpdate): Uint8Array {
  checkUint64('clock', update.clock);
  checkUint64('contact request clock', update.contactRequestClock);
  checkUint32('customization color', update.customizationColor);
  const state = update.contactRequestState;
  return WireUpdate.encode({
    ...checkStrings(update),
    contactRequestState: state && contactRequestStateToWire(state),
  }).finish();
}

/**
 * Decodes a contact update without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeContactUpdate(bytes: Uint8Array, options?: StatusDecodeOptions): ContactUpdate {
  return decodeWire(bytes, CONTACT_UPDATE, WireUpdate, options) as ContactUpdate;
}

/**
 * The encoded contact request answer.
 * @throws INVALID_ARGUMENT
 */
export function encodeContactRequestAnswer(answer: ContactRequestAnswer): Uint8Array {
  checkUint64('clock', answer.clock);
  return WireAnswer.encode(checkStrings(answer)).finish();
}

/**
 * Decodes a contact request answer without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodeContactRequestAnswer(
  bytes: Uint8Array,
  options?: StatusDecodeOptions,
): ContactRequestAnswer {
  return decodeWire(bytes, CONTACT_REQUEST_ANSWER, WireAnswer, options);
}

/** Names a request that came by a contact update, which has no id: `0x`, the 65-byte key of the one who asked, and `20`. */
export function defaultContactRequestId(crypto: CryptoProvider, requester: PublicKey): string {
  return `0x${encodeHex(crypto.secp256k1.uncompressPublicKey(requester))}20`;
}

/**
 * The encoded pair installation.
 * @throws INVALID_ARGUMENT
 */
export function encodePairInstallation(pairing: PairInstallation): Uint8Array {
  checkUint64('clock', pairing.clock);
  checkUint32('version', pairing.version);
  return WirePair.encode(checkStrings(pairing)).finish();
}

/**
 * Decodes a pair installation without checking more than its structure.
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED
 */
export function decodePairInstallation(bytes: Uint8Array, options?: StatusDecodeOptions): PairInstallation {
  return decodeWire(bytes, PAIR_INSTALLATION, WirePair, options);
}

/**
 * Checks a received pair installation as clients of its generation do.
 * @throws MALFORMED_MESSAGE
 */
export function checkPairInstallation(pairing: PairInstallation, context: MessageContext): void {
  const what = 'pairing';
  checkClock(what, pairing.clock, context);
  checkPresent(what, {
    name: pairing.name,
    'device type': pairing.deviceType,
    'installation id': pairing.installationId,
  });
}

/**
 * Checks a received contact update as clients of its generation do.
 * @throws MALFORMED_MESSAGE when the clock is 0
 */
export function checkContactUpdate({ clock }: Pick<ContactUpdate, 'clock'>): void {
  if (clock === 0n) throw malformed('contact update', 'the clock is 0');
}
