import { concatBytes } from '@sotto/core';

/** DER of an ECDSA signature given as `r || s`, 64 bytes. */
export function encodeDer(rs: Uint8Array): Uint8Array {
  const body = concatBytes(derInteger(rs.subarray(0, 32)), derInteger(rs.subarray(32, 64)));
  return concatBytes(Uint8Array.of(0x30, body.length), body);
}

function derInteger(scalar: Uint8Array): Uint8Array {
  let start = 0;
  while (start < scalar.length - 1 && scalar[start] === 0) start++;
  const digits = scalar.subarray(start);
  const sign = (digits[0] as number) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0);
  return concatBytes(Uint8Array.of(0x02, digits.length + sign.length), sign, digits);
}

/** The `r || s` of a DER signature, 64 bytes; none for what isn't one. */
export function decodeDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const rs = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1];
    if (der[at] !== 0x02 || length === undefined || length < 1 || length > 33) return undefined;
    let digits = der.subarray(at + 2, at + 2 + length);
    if (digits.length !== length || (digits[0] as number) >= 0x80) return undefined;
    if (digits[0] === 0 && length > 1) {
      if ((digits[1] as number) < 0x80) return undefined;
      digits = digits.subarray(1);
    }
    if (digits.length > 32) return undefined;
    rs.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === der.length ? rs : undefined;
}
