import { type CryptoProvider, concatBytes, encodeHex, isSottoError, type PublicKey } from '@sotto/core';
import {
  type DatasyncMessage,
  type DatasyncPayload,
  datasyncId,
  decodeDatasyncPayload,
} from '../datasync.js';
import { decodeWire } from '../decode.js';
import { Metadata as Wire } from '../generated/sotto/status_messages/v1/application.js';
import type { StatusLimits } from '../limits.js';
import { METADATA } from '../wire-shapes.js';

/** A metadata message that came in a payload. */
export interface Enclosed {
  readonly bytes: Uint8Array;
  /** `0x` and hex, for the sender as its author. */
  readonly messageId: string;
  /** By which it is acknowledged, in hex; `undefined` for one without data synchronisation. */
  readonly datasyncId: string | undefined;
}

/** A payload of the encryption layer that is in the format of Status clients. */
export interface StatusPayload {
  readonly messages: readonly Enclosed[];
  readonly datasync: DatasyncPayload | undefined;
}

/**
 * Takes a payload apart.
 * @returns `undefined` for the payload of other software, such as plain text
 * @throws LIMIT_EXCEEDED, MALFORMED_MESSAGE
 */
export function readPayload(
  crypto: CryptoProvider,
  payload: Uint8Array,
  { sender, isPublic }: { readonly sender: PublicKey; readonly isPublic: boolean },
  limits: Partial<StatusLimits> | undefined,
): StatusPayload | undefined {
  const idOf = (bytes: Uint8Array) =>
    `0x${encodeHex(crypto.keccak256(crypto.secp256k1.uncompressPublicKey(sender), bytes))}`;
  const datasync = isPublic ? undefined : decodeDatasyncPayload(payload, { limits });
  if (datasync !== undefined) {
    const enclosed = (message: DatasyncMessage): Enclosed => ({
      bytes: message.body,
      messageId: idOf(message.body),
      datasyncId: encodeHex(datasyncId(crypto, message)),
    });
    return { datasync, messages: datasync.messages.map(enclosed) };
  }
  if (!isMetadata(payload, limits)) return undefined;
  const bytes = concatBytes(payload);
  return { datasync: undefined, messages: [{ bytes, messageId: idOf(bytes), datasyncId: undefined }] };
}

/** Whether these bytes are a metadata message by their structure. No readable text is: it would have to begin with a line feed. */
function isMetadata(payload: Uint8Array, limits: Partial<StatusLimits> | undefined): boolean {
  try {
    const { payload: content, type } = decodeWire(payload, METADATA, Wire, { limits });
    return content.length > 0 && type > 0;
  } catch (error) {
    if (isSottoError(error, 'MALFORMED_MESSAGE')) return false;
    throw error;
  }
}
