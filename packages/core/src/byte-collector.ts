import { copyBytes } from './bytes.js';

/** Joins pieces that arrive one after the other. It takes at most three times the memory of what they hold, however small they are. */
export class ByteCollector {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds a piece. @param piece copied */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** All of them, which belong to the caller. The collector is empty again. */
  take(): Uint8Array {
    const [bytes, length] = [this.#bytes, this.#length];
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return bytes.length === length ? bytes : copyBytes(bytes.subarray(0, length));
  }
}
