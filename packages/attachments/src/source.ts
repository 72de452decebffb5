import { copyBytes, invalidArgument, isBytes } from '@sotto/core';

/**
 * What is read of a file. A `Blob` or `File` of a browser or Node, bytes, or anything that can read a range. It is read from its
 * beginning, part by part, and must not change meanwhile.
 */
export type AttachmentSource = Uint8Array | BlobLike | RangeReader;

/** What is used of a `Blob`. */
export interface BlobLike {
  /** Bytes of all of it. */
  readonly size: number;
  /** A range of it. */
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** Reads ranges of a file, such as by `FileHandle.read`. */
export interface RangeReader {
  /** Bytes of all of it. */
  readonly size: number;
  /** The bytes from one position up to, but not including, another. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** One way to read all of them. @throws INVALID_ARGUMENT */
export function readerOf(source: AttachmentSource): RangeReader {
  if (isBytes(source)) {
    const bytes = source;
    return { size: bytes.length, read: async (from, to) => copyBytes(bytes.subarray(from, to)) };
  }
  if (typeof source !== 'object' || source === null || !Number.isSafeInteger(source.size) || source.size < 0)
    throw invalidArgument('source', 'neither bytes, a Blob, nor an object with size and read');
  const { size } = source;
  const read =
    'read' in source
      ? async (from: number, to: number) => source.read(from, to)
      : async (from: number, to: number) => new Uint8Array(await source.slice(from, to).arrayBuffer());
  return {
    size,
    async read(from, to) {
      const bytes = await read(from, to);
      if (bytes.length !== to - from)
        throw invalidArgument('source', `gave ${bytes.length} of ${to - from} bytes; it may have changed`);
      return bytes;
    },
  };
}
