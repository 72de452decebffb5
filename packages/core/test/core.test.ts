import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareBytes,
  concatBytes,
  decodeBase64,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  errorName,
  evictOldest,
  isSottoError,
  KeyPair,
  type PrivateKey,
  type PublicKey,
  parseInstallationId,
  SottoError,
  silentLogger,
  systemClock,
  wipeBytes,
} from '../src/index.js';

const codeOf = (run: () => unknown) => {
  try {
    run();
    return 'no error';
  } catch (error) {
    return isSottoError(error) ? error.code : 'another error';
  }
};

describe('bytes', () => {
  it('come back from hex, base64 and UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'binary' }), (bytes, text) => {
        expect(encodeHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(decodeHex(encodeHex(bytes))).toEqual(bytes);
        expect(decodeHex(`0x${encodeHex(bytes).toUpperCase()}`)).toEqual(bytes);
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
    );
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  it.each(['0', 'zz', '0x0', 'a b ', '١٢'])('%j is not hex', (text) => {
    expect(codeOf(() => decodeHex(text))).toBe('INVALID_TEXT');
  });

  it.each(['a', 'YQ', 'YQ=', '!!!!', 'YQ==\n', '_-8='])('%j is not base64', (text) => {
    expect(codeOf(() => decodeBase64(text))).toBe('INVALID_TEXT');
  });

  it('that are not text are refused, and text that is not UTF-8', () => {
    expect(codeOf(() => decodeUtf8(Uint8Array.of(0xff)))).toBe('INVALID_TEXT');
    expect(codeOf(() => decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80)))).toBe('INVALID_TEXT');
    expect(codeOf(() => encodeUtf8('\ud800'))).toBe('INVALID_TEXT');
    expect(encodeUtf8('😀').length).toBe(4);
  });

  it('are ordered by value, the shorter first', () => {
    const sorted = [[], [0], [0, 0], [0, 1], [1], [255], [255, 0]].map((bytes) => Uint8Array.from(bytes));
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j));
    }
  });

  it('are joined fresh, and wiped in place', () => {
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2, 3)];
    const joined = concatBytes(a, b);
    wipeBytes(a, b);
    expect([...joined, ...a, ...b]).toEqual([1, 2, 3, 0, 0, 0]);
    expect(concatBytes()).toEqual(new Uint8Array(0));
  });
});

describe('errors', () => {
  const error = new SottoError('STORE_LOCKED', 'Somebody else writes.', { where: 'here' }, { cause: 'x' });

  it('are recognised by code, across copies of the package', () => {
    expect(error).toMatchObject({
      name: 'SottoError',
      code: 'STORE_LOCKED',
      details: { where: 'here' },
      cause: 'x',
    });
    expect(isSottoError(error)).toBe(true);
    expect(isSottoError(error, 'STORE_LOCKED')).toBe(true);
    expect(isSottoError(error, 'CLOSED')).toBe(false);
    const foreign = Object.assign(new Error('x'), { name: 'SottoError', code: 'CLOSED' });
    expect(isSottoError(foreign, 'CLOSED')).toBe(true);
    for (const other of [new Error('x'), { name: 'SottoError', code: 'CLOSED' }, undefined, 'CLOSED']) {
      expect(isSottoError(other)).toBe(false);
    }
  });
});

describe('keys', () => {
  it('pairs print redacted', () => {
    const secret = new Uint8Array(32).fill(0xab) as PrivateKey;
    const pair = new KeyPair(new Uint8Array(33) as PublicKey, secret);
    for (const printed of [inspect(pair, { depth: 9 }), JSON.stringify({ pair }), `${pair}`]) {
      expect(printed).toContain('KeyPair: redacted');
      expect(printed).not.toMatch(/171|ab,ab|abab/);
    }
  });

  it.each(['a', 'f3bd29ff-0fba-4f26-8c0e-2cd9a8d1a1d0', 'device-😀', '__proto__', 'x'.repeat(256)])(
    '%j is an installation id',
    (text) => expect(parseInstallationId(text)).toBe(text),
  );

  it.each(['', 'none', 'x'.repeat(257), '😀'.repeat(65), 'a\nb', '\0', '\ud800'])(
    '%j is no installation id',
    (text) => expect(codeOf(() => parseInstallationId(text))).toBe('INVALID_TEXT'),
  );
});

describe('environment', () => {
  it('the system clock reads the time and calls once, unless cancelled', async () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(60_000);
    const calls: string[] = [];
    const cancel = systemClock.after(0, () => calls.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => systemClock.after(-5, resolve));
    expect(calls).toEqual([]);
    // Longer than a runtime's timer takes: it must not fire at once.
    const far = systemClock.after(2 ** 40, () => calls.push('far'));
    await new Promise<void>((resolve) => systemClock.after(1, resolve));
    far();
    expect(calls).toEqual([]);
  });

  it('the silent logger says nothing', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      expect(silentLogger[level]('event', { field: 1 })).toBeUndefined();
    }
  });
});

describe('what is remembered', () => {
  it('goes, the oldest first, once there is an eighth more than there may be', () => {
    const map = new Map(Array.from({ length: 9 }, (_, i) => [i, 'x']));
    evictOldest(map, 8);
    expect(map.size).toBe(9);
    map.delete(0);
    map.set(0, 'again').set(9, 'x');
    evictOldest(map, 8);
    expect([...map.keys()]).toEqual([3, 4, 5, 6, 7, 8, 0, 9]);
    const set = new Set('abc');
    evictOldest(set, 1);
    expect([...set]).toEqual(['c']);
  });
});

it('an error in a word for a log is its code or kind, and never its message', () => {
  const closed = new SottoError('CLOSED', 'a secret', { what: 'messenger' });
  expect([closed, new TypeError('a secret'), 'a secret', undefined].map(errorName)).toEqual([
    'CLOSED',
    'TypeError',
    'string',
    'undefined',
  ]);
});
