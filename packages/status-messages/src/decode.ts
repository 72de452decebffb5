import { copyBytes, parseBytes } from '@sotto/core';
import { checkLimit, checkWire, type MessageShape } from '@sotto/protocol-codec/internal';
import { DEFAULT_STATUS_LIMITS, type StatusDecodeOptions, type StatusLimits } from './limits.js';

/**
 * Decodes a message after checking its structure.
 * @param bytes borrowed; the result shares nothing with them
 * @throws MALFORMED_MESSAGE, LIMIT_EXCEEDED, INVALID_ARGUMENT
 */
export function decodeWire<T>(
  bytes: Uint8Array,
  shape: MessageShape<keyof StatusLimits>,
  generated: { decode(input: Uint8Array): T },
  options: StatusDecodeOptions | undefined,
): T {
  const limits = { ...DEFAULT_STATUS_LIMITS, ...options?.limits };
  checkLimit(`${shape.name}, bytes`, parseBytes(bytes, shape.name).length, limits.maxMessageBytes);
  const own = copyBytes(bytes);
  checkWire(own, shape, limits);
  return generated.decode(own);
}
