import { SottoError, type Topic } from '@sotto/core';
import { TOPIC_LENGTH } from '../channels/topic.js';

export function malformedFrame(reason: string): SottoError<'MALFORMED_MESSAGE'> {
  return new SottoError('MALFORMED_MESSAGE', `Not a valid frame of the relay protocol: ${reason}.`, {
    what: 'relay frame',
    reason,
  });
}

/** Writes a frame. */
export class FrameWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  constructor(type: number) {
    this.uint8(type);
  }

  uint8(value: number): this {
    return this.#integer(1, value, (view) => view.setUint8(0, value));
  }

  uint16(value: number): this {
    return this.#integer(2, value, (view) => view.setUint16(0, value));
  }

  uint32(value: number): this {
    return this.#integer(4, value, (view) => view.setUint32(0, value));
  }

  /** An integer up to 2^53 - 1. */
  uint64(value: number): this {
    return this.#integer(8, value, (view) => view.setBigUint64(0, BigInt(value)));
  }

  float64(value: number): this {
    return this.#number(8, (view) => view.setFloat64(0, value));
  }

  bytes(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return this;
  }

  topics(topics: readonly Topic[]): this {
    for (const topic of topics) {
      if (topic.length !== TOPIC_LENGTH) {
        throw new SottoError('INVALID_LENGTH', 'Not a topic.', {
          what: 'topic',
          expected: TOPIC_LENGTH,
          actual: topic.length,
        });
      }
      this.bytes(topic);
    }
    return this;
  }

  finish(): Uint8Array {
    const frame = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      frame.set(part, at);
      at += part.length;
    }
    return frame;
  }

  #integer(length: number, value: number, write: (view: DataView) => void): this {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * length)) {
      const reason = `not an integer of ${length} bytes`;
      throw new SottoError('INVALID_ARGUMENT', 'The value does not fit into a frame.', {
        what: 'relay frame',
        reason,
      });
    }
    return this.#number(length, write);
  }

  #number(length: number, write: (view: DataView) => void): this {
    const bytes = new Uint8Array(length);
    write(new DataView(bytes.buffer));
    return this.bytes(bytes);
  }
}

/** Reads a frame; bytes are copied. */
export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  uint8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#skip(2));
  }

  uint32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  /** Rounded above 2^53: no field is as large. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8)));
  }

  /** Number of bytes left to read. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  float64(): number {
    return this.#view.getFloat64(this.#skip(8));
  }

  bytes(length: number): Uint8Array {
    const from = this.#skip(length);
    return Uint8Array.from(this.#bytes.subarray(from, from + length));
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  topics(): Topic[] {
    const left = this.#bytes.length - this.#at;
    if (left % TOPIC_LENGTH !== 0) throw malformedFrame('an incomplete topic');
    return Array.from({ length: left / TOPIC_LENGTH }, () => this.bytes(TOPIC_LENGTH));
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformedFrame('bytes after its end');
  }

  #skip(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw malformedFrame('it is cut off');
    this.#at = at + length;
    return at;
  }
}
