/** Longest line in bytes; a message of the protocol is far smaller. */
export const LINE_MAX_BYTES = 64 * 1024 * 1024;

/** A line without its end, or the length of one that was too long to keep. */
export type Line = { readonly bytes: Uint8Array } | { readonly tooLong: number };

const NEWLINE = 0x0a;

/** Splits a stream of bytes into lines. Of a line that is too long nothing is kept. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = LINE_MAX_BYTES,
): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const take = (part: Uint8Array) => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const finish = (): Line => {
    const line = length > maxBytes ? { tooLong: length } : { bytes: Buffer.concat(parts) };
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}
