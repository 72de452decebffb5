// The machinery of strict decoding, for packages of this repository with schemas of their own. Not for applications.
export { checkWire } from './check-wire.js';
export { checkLimit } from './decode-limits.js';
export { malformed } from './malformed.js';
export type { FieldShape, MessageShape, WireLimits } from './message-shape.js';
export { WIRE_LENGTH_DELIMITED, WIRE_VARINT, WireCursor, type WireInput } from './wire-cursor.js';
