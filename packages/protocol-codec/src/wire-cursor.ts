import { checkLimit } from './decode-limits.js';
import { malformed } from './malformed.js';

/** Wire types of Protocol Buffers that may occur: groups (3 and 4) are of proto2 and refused. */
export const WIRE_VARINT = 0;
const WIRE_64_BIT = 1;
export const WIRE_LENGTH_DELIMITED = 2;
const WIRE_32_BIT = 5;

const MAX_FIELD_NUMBER = 2 ** 29 - 1;

/** The bytes being checked, and how many more fields they may have. */
export interface WireInput {
  readonly bytes: Uint8Array;
  readonly limits: { readonly maxFields: number };
  fields: number;
}

/**
 * Walks over the fields of one message without copying or allocating: `next` goes to the next field, whose number,
 * wire type and value bounds are then in the properties.
 */
export class WireCursor {
  number = 0;
  wireType = WIRE_VARINT;
  /** Offset of the first byte of the value, after its length if it has one. */
  valueStart: number;
  /** Offset of the first byte after the value. */
  valueEnd: number;
  /** Value of a varint field; not exact from 2^53 on. */
  varint = 0;

  readonly #input: WireInput;
  readonly #end: number;
  readonly #what: string;

  constructor(input: WireInput, start: number, end: number, what: string) {
    this.#input = input;
    this.valueStart = start;
    this.valueEnd = start;
    this.#end = end;
    this.#what = what;
  }

  /** False after the last field. */
  next(): boolean {
    if (this.valueEnd === this.#end) return false;
    this.#input.fields += 1;
    checkLimit('fields', this.#input.fields, this.#input.limits.maxFields);
    const tag = this.#readVarint();
    this.number = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.number < 1 || this.number > MAX_FIELD_NUMBER) throw this.#malformed('impossible field number');
    this.valueStart = this.valueEnd;
    switch (this.wireType) {
      case WIRE_VARINT:
        this.varint = this.#readVarint();
        break;
      case WIRE_64_BIT:
        this.#skip(8);
        break;
      case WIRE_LENGTH_DELIMITED: {
        const length = this.#readVarint();
        this.valueStart = this.valueEnd;
        this.#skip(length);
        break;
      }
      case WIRE_32_BIT:
        this.#skip(4);
        break;
      default:
        throw this.#malformed(`impossible wire type ${this.wireType}`);
    }
    return true;
  }

  /** Reads a base-128 varint of at most 64 bits, advancing the end of the value. */
  #readVarint(): number {
    let value = 0;
    for (let i = 0; ; i++) {
      if (this.valueEnd === this.#end) throw this.#malformed('truncated varint');
      const byte = this.#input.bytes[this.valueEnd++] as number;
      // The tenth byte holds the 64th bit alone.
      if (i === 9 && byte > 1) throw this.#malformed('varint of more than 64 bits');
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
  }

  #skip(length: number): void {
    if (length > this.#end - this.valueEnd)
      throw this.#malformed('a value longer than the rest of the message');
    this.valueEnd += length;
  }

  #malformed(reason: string) {
    return malformed(this.#what, reason);
  }
}
