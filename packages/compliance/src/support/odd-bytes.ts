/** A Uint8Array whose `slice` returns a view of the same memory, as that of Node's Buffer does. */
export class SharingBytes extends Uint8Array {
  override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
    return this.subarray(start, end) as Uint8Array<ArrayBuffer>;
  }
}

/** The same bytes in each kind of Uint8Array that callers may have, by name. All are writable. */
export function oddBytes(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const within = new Uint8Array(bytes.length + 9);
  within.set(bytes, 5);
  const kinds = new Map<string, Uint8Array>([
    ['a part of a larger buffer', within.subarray(5, 5 + bytes.length)],
    ['a subclass whose slice is a view, as Buffer', new SharingBytes(bytes)],
  ]);
  // Only in cross-origin isolated pages, and in newer engines.
  if (typeof SharedArrayBuffer === 'function') {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    kinds.set('shared memory', shared);
  }
  if ('resize' in ArrayBuffer.prototype) {
    const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const resizable = new Uint8Array(new Resizable(bytes.length, { maxByteLength: bytes.length + 100 }));
    resizable.set(bytes);
    kinds.set('a resizable buffer', resizable);
  }
  return kinds;
}

/** Values that resemble a Uint8Array and aren't one, by name. */
export function notBytes(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const others: readonly (readonly [string, unknown])[] = [
    ['a Uint8ClampedArray', new Uint8ClampedArray(bytes)],
    ['an Int8Array', new Int8Array(bytes)],
    ['a DataView', new DataView(new Uint8Array(bytes).buffer)],
    ['an ArrayBuffer', new Uint8Array(bytes).buffer],
    ['an array of numbers', [...bytes]],
    ['a text', 'x'.repeat(bytes.length)],
    ['an object with a length', { length: bytes.length }],
    ['null', null],
    ['an object of that name', Object.create(Uint8Array.prototype)],
    ['nothing', undefined],
  ];
  return new Map(others as readonly (readonly [string, Uint8Array])[]);
}
