// Reed-Solomon erasure codes over GF(256) with the polynomial 0x11d, systematic: a Vandermonde matrix (element r^c) times the
// inverse of its upper square. Not a secret and no primitive of cryptography: the redundancy of segments.

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  EXP[i] = EXP[i + 255] = x;
  LOG[x] = i;
  x = x & 0x80 ? (x << 1) ^ 0x11d : x << 1;
}

function multiply(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : (EXP[(LOG[a] as number) + (LOG[b] as number)] as number);
}

function inverse(a: number): number {
  return EXP[255 - (LOG[a] as number)] as number;
}

function power(base: number, exponent: number): number {
  if (exponent === 0) return 1;
  return base === 0 ? 0 : (EXP[((LOG[base] as number) * exponent) % 255] as number);
}

type Matrix = Uint8Array<ArrayBufferLike>[];

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => combine(row, b, b[0]?.length ?? 0));
}

/** The sum of rows, each times its coefficient. */
function combine(coefficients: Uint8Array, rows: readonly Uint8Array[], length: number): Uint8Array {
  const result = new Uint8Array(length);
  for (let i = 0; i < coefficients.length; i++) {
    const coefficient = coefficients[i] as number;
    const row = rows[i] as Uint8Array;
    if (coefficient === 0) continue;
    const log = LOG[coefficient] as number;
    for (let at = 0; at < row.length; at++) {
      const value = row[at] as number;
      if (value !== 0) (result[at] as number) ^= EXP[log + (LOG[value] as number)] as number;
    }
  }
  return result;
}

/** By Gauss and Jordan. Every square of rows of the code's matrix can be inverted. */
function invert(matrix: Matrix): Matrix {
  const size = matrix.length;
  const rows: Matrix = matrix.map((row, i) => {
    const extended = new Uint8Array(2 * size);
    extended.set(row);
    extended[size + i] = 1;
    return extended;
  });
  for (let column = 0; column < size; column++) {
    const pivot = rows.findIndex((row, i) => i >= column && row[column] !== 0);
    const [row, other] = [rows[pivot] as Uint8Array, rows[column] as Uint8Array];
    rows[pivot] = other;
    rows[column] = row;
    const factor = inverse(row[column] as number);
    for (let at = 0; at < row.length; at++) row[at] = multiply(row[at] as number, factor);
    for (const [i, target] of rows.entries()) {
      const by = target[column] as number;
      if (i === column || by === 0) continue;
      for (let at = 0; at < row.length; at++) (target[at] as number) ^= multiply(row[at] as number, by);
    }
  }
  return rows.map((row) => row.subarray(size));
}

/** The rows of the code for `data` shards: the first are the unit matrix, the others make parity. */
function codeMatrix(data: number, total: number): Matrix {
  const vandermonde = Array.from({ length: total }, (_, row) =>
    Uint8Array.from({ length: data }, (__, column) => power(row, column)),
  );
  return product(vandermonde, invert(vandermonde.slice(0, data)));
}

/**
 * The parity shards of some data shards, all of one length. At most 256 together.
 * @param count number of parity shards
 */
export function parityShards(data: readonly Uint8Array[], count: number): Uint8Array[] {
  if (count === 0) return [];
  const matrix = codeMatrix(data.length, data.length + count);
  return matrix.slice(data.length).map((row) => combine(row, data, data[0]?.length ?? 0));
}

/**
 * Restores the missing data shards from as many shards as there are data shards.
 * @param shards by position, data first, then parity; `undefined` where it is missing. All of one length, at least `data` of them
 * @param data number of data shards
 * @returns all data shards
 */
export function restoreShards(shards: readonly (Uint8Array | undefined)[], data: number): Uint8Array[] {
  const present = shards
    .flatMap((shard, row) => (shard === undefined ? [] : [{ shard, row }]))
    .slice(0, data);
  const matrix = codeMatrix(data, shards.length);
  const decoding = invert(present.map(({ row }) => matrix[row] as Uint8Array));
  const rows = present.map(({ shard }) => shard);
  const length = rows[0]?.length ?? 0;
  return decoding.map((coefficients, i) => shards[i] ?? combine(coefficients, rows, length));
}
