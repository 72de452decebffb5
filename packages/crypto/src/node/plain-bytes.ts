/**
 * Converts a Buffer of Node's into a plain `Uint8Array` with memory of its own: without a copy when the Buffer
 * spans all of its memory, which then can't be part of the pool that small Buffers share.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}
