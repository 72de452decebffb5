import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bundleSignedMaterial,
  bundleTimestamp,
  checkBundlePlausibility,
  type KnownDevice,
  mergeBundle,
  signBundle,
  strictSignedMaterial,
  type VerifiedBundle,
  verifyBundle,
} from '../src/index.js';
import { bundleOf, codeOf, crypto, device, identity, NOW, pairOf, thrownBy } from './support.js';

const plausible = (bundle: VerifiedBundle, options = {}) =>
  checkBundlePlausibility(crypto, bundle, { now: NOW, ...options });

/** Signed by the identity whatever it says. */
const signed = (
  devices: Record<string, ReturnType<typeof device>>,
  timestamp: bigint = bundleTimestamp(NOW),
) => signBundle(crypto, identity, { signedPreKeys: new Map(Object.entries(devices)), timestamp });

/** As a deployed peer makes it, or someone who removed the strict signature. */
const withoutStrictSignature = ({ strictSignature: _, ...bundle }: VerifiedBundle) =>
  verifyBundle(crypto, bundle);

describe('signature', () => {
  it('is over the devices in byte order of their ids, whatever order they were given in', () => {
    const devices = {
      'device-😀': device(),
      é: device(2),
      a: device(3),
      Z: device(4),
      '10': device(5),
      '9': device(6),
    };
    const reversed = Object.fromEntries(Object.entries(devices).reverse());
    expect(bundleOf(reversed).signature).toEqual(bundleOf(devices).signature);
    const sorted = ['10', '9', 'Z', 'a', 'device-😀', 'é'];
    const parts = sorted.flatMap((id) => {
      const preKey = devices[id as keyof typeof devices];
      return [
        new TextEncoder().encode(id),
        preKey.signedPreKey,
        new TextEncoder().encode(`${preKey.version}`),
      ];
    });
    parts.push(new TextEncoder().encode(`${bundleTimestamp(NOW)}`));
    expect(bundleSignedMaterial(bundleOf(reversed))).toEqual(
      Uint8Array.from(parts.flatMap((part) => [...part])),
    );
  });

  it('holds any change of any part to be a forgery', () => {
    const bundle = bundleOf({ one: device(), two: device(7) });
    const [id, preKey] = [...bundle.signedPreKeys][0] as [string, ReturnType<typeof device>];
    const variants: Partial<VerifiedBundle>[] = [
      { timestamp: bundle.timestamp + 1n },
      { timestamp: 0n },
      { signedPreKeys: new Map([[id, preKey]]) },
      { signedPreKeys: new Map(bundle.signedPreKeys).set(id, { ...preKey, version: 2 }) },
      { signedPreKeys: new Map(bundle.signedPreKeys).set(id, device()) },
      { signedPreKeys: new Map(bundle.signedPreKeys).set('three', device()) },
    ];
    for (const variant of variants) {
      expect(codeOf(() => verifyBundle(crypto, { ...bundle, ...variant }))).toBe('BUNDLE_SIGNATURE_INVALID');
    }
    expect(codeOf(() => verifyBundle(crypto, bundle))).toBe('no error');
  });

  it('bad signature, or signer other than the identity', () => {
    const bundle = bundleOf({ one: device() });
    const other = crypto.secp256k1.generateKeyPair().publicKey;
    const codes = [
      { ...bundle, identity: other },
      { ...bundle, identity: new Uint8Array(0) },
      { ...bundle, identity: crypto.secp256k1.uncompressPublicKey(bundle.identity) },
      { ...bundle, signature: new Uint8Array(65) },
      { ...bundle, signature: new Uint8Array(0) },
      { ...bundle, signature: bundle.signature.slice(1) },
    ].map((forged) => codeOf(() => verifyBundle(crypto, forged)));
    expect(new Set(codes)).toEqual(new Set(['BUNDLE_SIGNATURE_INVALID']));
  });

  it('says why it is refused, and what the provider threw', () => {
    const bundle = bundleOf({ one: device() });
    const other = crypto.secp256k1.generateKeyPair().publicKey;
    const uncompressed = crypto.secp256k1.uncompressPublicKey(bundle.identity);
    for (const [forged, reason, cause] of [
      [{ ...bundle, identity: uncompressed }, 'identity of 65 bytes', undefined],
      [{ ...bundle, identity: other }, 'signed by another key', undefined],
      [{ ...bundle, signature: new Uint8Array(64) }, 'malformed signature', expect.any(Error)],
    ] as const) {
      expect(thrownBy(() => verifyBundle(crypto, forged))).toMatchObject({
        code: 'BUNDLE_SIGNATURE_INVALID',
        details: { reason },
        cause,
      });
    }
  });

  it('v of 27 or 28 is read as 0 or 1', () => {
    const bundle = bundleOf({ one: device() });
    const signature = bundle.signature.slice();
    signature[64] = (signature[64] as number) + 27;
    expect(codeOf(() => verifyBundle(crypto, { ...bundle, signature }))).toBe('no error');
  });

  it('a high s is refused', () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const bundle = bundleOf({ one: device() });
    const s = bundle.signature.slice(32, 64).reduce((value, byte) => value * 256n + BigInt(byte), 0n);
    const highS = (order - s).toString(16).padStart(64, '0');
    const signature = bundle.signature.slice();
    for (let i = 0; i < 32; i++) signature[32 + i] = Number.parseInt(highS.slice(2 * i, 2 * i + 2), 16);
    signature[64] = (signature[64] as number) ^ 1;
    expect(codeOf(() => verifyBundle(crypto, { ...bundle, signature }))).toBe('BUNDLE_SIGNATURE_INVALID');
  });

  it('does not share the map or the key that it was given', () => {
    const signedPreKeys = new Map([['one', device()]]);
    const bundle = signBundle(crypto, identity, { signedPreKeys, timestamp: 1n });
    signedPreKeys.clear();
    expect(bundle.signedPreKeys.size).toBe(1);
    expect(bundle.identity).not.toBe(identity.publicKey);
  });
});

describe('hostile cases: bundles', () => {
  it('digits moved from timestamp to version still verify, and are implausible', () => {
    const preKey = device(1);
    const honest = withoutStrictSignature(signed({ one: preKey }));
    const digits = honest.timestamp.toString();
    for (let moved = 1; moved <= digits.length; moved++) {
      const version = Number(`1${digits.slice(0, moved)}`);
      const timestamp = BigInt(digits.slice(moved) || '0');
      const forged = {
        ...honest,
        signedPreKeys: new Map([['one', { ...preKey, version }]]),
        timestamp,
      };
      const rest = timestamp === 0n ? '' : timestamp.toString();
      // A leading zero would vanish, and the signature with it.
      if (`1${digits}` !== `${version}${rest}`) continue;
      const verified = verifyBundle(crypto, forged);
      expect(codeOf(() => plausible(verified))).toBe('BUNDLE_IMPLAUSIBLE');
    }
  });

  it('digits moved from version to timestamp are implausible', () => {
    const bundle = signed({ one: device(1) }, BigInt(`2${bundleTimestamp(NOW)}`));
    expect(codeOf(() => plausible(bundle))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it('bytes moved from a prekey into an id are implausible', () => {
    const preKey = crypto.secp256k1.generateKeyPair().publicKey;
    const bundle = signed({ one: device(1, preKey.slice(1)) });
    expect(codeOf(() => plausible(bundle))).toBe('BUNDLE_IMPLAUSIBLE');
    expect(codeOf(() => plausible(signed({ one: device(1, new Uint8Array(0)) })))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it("a peer's clock 10 min ahead is fine, a year ahead is not", () => {
    const minute = 60_000;
    expect(codeOf(() => plausible(bundleOf({ one: device() }, NOW + 10 * minute)))).toBe('no error');
    expect(codeOf(() => plausible(bundleOf({ one: device() }, NOW + 10 * minute + 1)))).toBe(
      'BUNDLE_IMPLAUSIBLE',
    );
    expect(codeOf(() => plausible(bundleOf({ one: device() }, NOW + 365 * 24 * 60 * minute)))).toBe(
      'BUNDLE_IMPLAUSIBLE',
    );
    expect(
      codeOf(() => plausible(bundleOf({ one: device() }, NOW + 20 * minute), { maxAheadMs: 20 * minute })),
    ).toBe('no error');
  });

  it('a time that is not in nanoseconds, or negative, is implausible', () => {
    for (const timestamp of [1n, -1n, BigInt(NOW), 10n ** 18n - 1n]) {
      expect(codeOf(() => plausible(signed({ one: device() }, timestamp)))).toBe('BUNDLE_IMPLAUSIBLE');
    }
    expect(codeOf(() => plausible(signed({ one: device() }, 10n ** 18n)))).toBe('no error');
  });

  it('timestamp 0 (old peers) is accepted, or not, by an option', () => {
    const undated = signed({ one: device() }, 0n);
    expect(plausible(undated).devices).toHaveLength(1);
    expect(thrownBy(() => plausible(undated, { acceptUndated: false }))).toMatchObject({
      code: 'BUNDLE_IMPLAUSIBLE',
      details: { reason: 'it has no timestamp' },
    });
  });

  it('version below 2^31', () => {
    expect(codeOf(() => plausible(signed({ one: device(2 ** 31 - 1) })))).toBe('no error');
    expect(codeOf(() => plausible(signed({ one: device(2 ** 31) })))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it('a bad prekey of one device does not spoil the others', () => {
    const offCurve = Uint8Array.of(2, ...new Uint8Array(31), 5);
    const xTooLarge = Uint8Array.of(2, ...new Uint8Array(32).fill(0xff));
    const found = plausible(
      signed({
        one: device(),
        two: device(1, offCurve),
        three: device(1, xTooLarge),
        none: device(),
        '': device(),
      }),
    );
    expect(found.devices.map(({ installationId }) => installationId)).toEqual(['one']);
    expect(found.unusable).toEqual([
      { installationId: 'two', reason: 'INVALID_PUBLIC_KEY' },
      { installationId: 'three', reason: 'INVALID_PUBLIC_KEY' },
      { installationId: 'none', reason: 'INVALID_TEXT' },
      { installationId: '', reason: 'INVALID_TEXT' },
    ]);
  });

  it('an error that is not ours is not taken for a bad prekey', () => {
    const broken = {
      ...crypto,
      secp256k1: {
        ...crypto.secp256k1,
        parsePublicKey: () => {
          throw new TypeError('a fault of the provider');
        },
      },
    };
    expect(() => checkBundlePlausibility(broken, signed({ one: device() }), { now: NOW })).toThrow(TypeError);
  });

  it('zero prekeys, and many', () => {
    expect(plausible(signed({})).devices).toEqual([]);
    const devices = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`device ${i}`, device()]));
    expect(plausible(signed(devices(16))).devices).toHaveLength(16);
    expect(codeOf(() => plausible(signed(devices(17))))).toBe('BUNDLE_IMPLAUSIBLE');
    expect(codeOf(() => plausible(signed(devices(3)), { maxDevices: 2 }))).toBe('BUNDLE_IMPLAUSIBLE');
  });
});

describe('strict signature', () => {
  it('covers everything, each part with its length', () => {
    const bundle = bundleOf({ b: device(3), a: device(2) });
    const u32 = (value: number) => [value >>> 24, value >>> 16, value >>> 8, value].map((byte) => byte & 255);
    const parts = ['a', 'b'].flatMap((id) => {
      const preKey = bundle.signedPreKeys.get(id) as ReturnType<typeof device>;
      return [
        ...u32(1),
        id.charCodeAt(0),
        ...u32(33),
        ...preKey.signedPreKey,
        ...u32(preKey.version),
        ...u32(1),
      ];
    });
    const time = BigInt.asUintN(64, bundle.timestamp).toString(16).padStart(16, '0');
    expect(strictSignedMaterial(bundle)).toEqual(
      Uint8Array.from([
        ...new TextEncoder().encode('sotto bundle v1'),
        ...bundle.identity,
        ...(time.match(/../g) as string[]).map((byte) => Number.parseInt(byte, 16)),
        ...u32(2),
        ...parts,
      ]),
    );
  });

  it('protects the protocol version', () => {
    const bundle = bundleOf({ one: device() });
    const preKey = bundle.signedPreKeys.get('one') as ReturnType<typeof device>;
    for (const protocolVersion of [0, 2, 0xffff_ffff]) {
      const changed = { ...bundle, signedPreKeys: new Map([['one', { ...preKey, protocolVersion }]]) };
      expect(codeOf(() => verifyBundle(crypto, changed))).toBe('BUNDLE_SIGNATURE_INVALID');
    }
  });

  it('of another identity, or damaged, makes the bundle a forgery', () => {
    const bundle = bundleOf({ one: device() });
    const strict = bundle.strictSignature as Uint8Array;
    for (const strictSignature of [new Uint8Array(65), strict.slice(1), bundle.signature]) {
      expect(codeOf(() => verifyBundle(crypto, { ...bundle, strictSignature }))).toBe(
        'BUNDLE_SIGNATURE_INVALID',
      );
    }
  });
});

describe('bytes moved between id, prekey and version, by someone who removed the strict signature', () => {
  const A = '10f1e2d3-0000-4000-8000-000000000001';
  const B = '2134567a-0000-4000-8000-000000000002';
  const honest = signed({ [A]: device(12), [B]: device(345) });
  const [a, b] = [...honest.signedPreKeys.values()] as [ReturnType<typeof device>, ReturnType<typeof device>];
  const forge = (devices: [string, ReturnType<typeof device>][]) => {
    const { strictSignature: _, ...bundle } = honest;
    return verifyBundle(crypto, { ...bundle, signedPreKeys: new Map(devices) });
  };

  it('digits of an id go to the version before it, any number of them', () => {
    for (let moved = 1; moved <= 7; moved++) {
      const version = Number(`12${B.slice(0, moved)}`);
      const forged = forge([
        [A, { ...a, version }],
        [B.slice(moved), b],
      ]);
      expect(codeOf(() => plausible(forged))).toBe('BUNDLE_IMPLAUSIBLE');
    }
  });

  it('digits of a version go to the id after it', () => {
    const forged = forge([
      [A, { ...a, version: 1 }],
      [`2${B}`, b],
    ]);
    expect(codeOf(() => plausible(forged))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it('the first byte of a prekey goes to the id: the device is not just hidden, the bundle is refused', () => {
    const preKey = Uint8Array.of(...b.signedPreKey.subarray(1), '3'.charCodeAt(0));
    const forged = forge([
      [A, a],
      [B + String.fromCharCode(b.signedPreKey[0] as number), { ...b, signedPreKey: preKey, version: 45 }],
    ]);
    expect(codeOf(() => plausible(forged))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it('a version that no one can have reached by the time of the bundle', () => {
    const most = 1 + Math.ceil(((NOW - Date.UTC(2019, 0, 1)) / 86_400_000) * 24);
    const withVersion = (version: number) => withoutStrictSignature(signed({ [A]: device(version) }));
    expect(codeOf(() => plausible(withVersion(most)))).toBe('no error');
    expect(codeOf(() => plausible(withVersion(most + 1)))).toBe('BUNDLE_IMPLAUSIBLE');
    expect(codeOf(() => plausible(signed({ [A]: device(most + 1) })))).toBe('no error');
    // One that says no time is judged by ours, an older one by its own.
    const of = (timestamp: bigint) => withoutStrictSignature(signed({ [A]: device(most) }, timestamp));
    const early = withoutStrictSignature(signed({ [A]: device(most + 1) }, 0n));
    expect(codeOf(() => plausible(of(0n)))).toBe('no error');
    expect(codeOf(() => plausible(early))).toBe('BUNDLE_IMPLAUSIBLE');
    expect(codeOf(() => plausible(of(bundleTimestamp(NOW - 86_400_000))))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it('are found whatever order the devices are listed in', () => {
    const forged = forge([
      [B.slice(1), b],
      [A, { ...a, version: Number(`12${B[0]}`) }],
    ]);
    expect(codeOf(() => plausible(forged))).toBe('BUNDLE_IMPLAUSIBLE');
  });

  it.each([1, 2])('%s digits of a version go to the id after it, which begins with a letter', (moved) => {
    const letter = 'a234567b-0000-4000-8000-000000000002';
    const listed = withoutStrictSignature(signed({ [A]: device(345), [letter]: device() }));
    expect(codeOf(() => plausible(listed))).toBe('no error');
    const [first, second] = [...listed.signedPreKeys.values()] as [typeof a, typeof b];
    const devices = new Map([
      [A, { ...first, version: Number('345'.slice(0, -moved)) }],
      ['345'.slice(-moved) + letter, second],
    ]);
    const forged = verifyBundle(crypto, { ...listed, signedPreKeys: devices });
    expect(thrownBy(() => plausible(forged))).toMatchObject({
      details: { reason: 'digits before an installation id' },
    });
  });

  it('nothing was moved where no digit would be left of a version, or a letter stands before an id', () => {
    const cut = B.slice(2);
    expect(codeOf(() => plausible(withoutStrictSignature(signed({ [A]: device(21), [cut]: b }))))).toBe(
      'no error',
    );
    expect(codeOf(() => plausible(withoutStrictSignature(signed({ [`x${B}`]: b }))))).toBe('no error');
  });

  it('control characters in an id, and a prekey that begins as no compressed point does', () => {
    const reasonOf = (devices: Parameters<typeof signed>[0]) =>
      (thrownBy(() => plausible(withoutStrictSignature(signed(devices)))) as { details: unknown }).details;
    expect(reasonOf({ [`${A}\u0003`]: a })).toEqual({
      reason: 'an installation id with control characters',
    });
    const shifted = Uint8Array.of(4, ...a.signedPreKey.subarray(1));
    expect(reasonOf({ [A]: device(1, shifted) })).toEqual({
      reason: 'a prekey that is not a compressed point',
    });
  });

  it('a point with an even y begins with 2, one with an odd y with 3: both are taken', () => {
    const one = `${'0'.repeat(63)}1`;
    const minusOne = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140';
    for (const [privateKey, prefix] of [
      [one, 2],
      [minusOne, 3],
    ] as const) {
      const { publicKey } = pairOf(privateKey);
      expect(publicKey[0]).toBe(prefix);
      const bundle = withoutStrictSignature(signed({ [A]: device(1, publicKey) }));
      expect(plausible(bundle).devices).toHaveLength(1);
    }
  });

  it('what deployed peers send is taken: UUIDs that begin with digits, versions of years', () => {
    const bundle = withoutStrictSignature(honest);
    expect(plausible(bundle).devices.map(({ version }) => version)).toEqual([12, 345]);
  });

  it('an unsigned protocol version says 1 at most', () => {
    const raised = forge([
      [A, { ...a, protocolVersion: 0xffff_ffff }],
      [B, b],
    ]);
    expect(plausible(raised).devices.map(({ protocolVersion }) => protocolVersion)).toEqual([1, 1]);
  });
});

describe('merge', () => {
  const at = (devices: Record<string, ReturnType<typeof device>>, minutes = 0) => {
    const bundle = bundleOf(devices, NOW + minutes * 60_000);
    return { ...plausible(bundle, { now: NOW + minutes * 60_000 }), timestamp: bundle.timestamp };
  };
  const first = device(1);
  const second = device(2);

  it('takes a new device', () => {
    const merged = mergeBundle(new Map(), at({ one: first }));
    expect(merged).toMatchObject({ added: ['one'], rotated: [], stale: [] });
    expect(merged.devices.get('one')).toEqual({
      installationId: 'one',
      ...first,
      timestamp: bundleTimestamp(NOW),
      attestedAt: bundleTimestamp(NOW),
      selfAttested: false,
      reset: false,
      strict: false,
    });
  });

  it('takes a newer prekey, and refuses to go back', () => {
    const { devices } = mergeBundle(
      mergeBundle(new Map(), at({ one: first })).devices,
      at({ one: second }, 1),
    );
    expect(devices.get('one')?.version).toBe(2);
    const back = mergeBundle(devices, at({ one: first }, 0));
    expect(back).toMatchObject({ added: [], rotated: [], stale: ['one'] });
    expect(back.devices).toEqual(devices);
    // Not even in a bundle signed later: another device may just not know yet.
    expect(mergeBundle(devices, at({ one: first }, 2)).devices).toEqual(devices);
  });

  it('takes a higher version from an older bundle without going back in time', () => {
    const { devices } = mergeBundle(new Map(), at({ one: first }, 5));
    const merged = mergeBundle(devices, at({ one: second }, 0));
    expect(merged.rotated).toEqual(['one']);
    expect(merged.devices.get('one')).toMatchObject({
      version: 2,
      timestamp: bundleTimestamp(NOW + 5 * 60_000),
    });
  });

  it('believes the newer of two prekeys with one version', () => {
    const other = device(1);
    const { devices } = mergeBundle(new Map(), at({ one: first }, 1));
    expect(mergeBundle(devices, at({ one: other }, 2)).devices.get('one')?.signedPreKey).toEqual(
      other.signedPreKey,
    );
    expect(mergeBundle(devices, at({ one: other }, 0))).toMatchObject({
      devices,
      stale: ['one'],
      rotated: [],
    });
  });

  it('believes what a device says of itself after it lost its store', () => {
    const again = device(1);
    const { devices } = mergeBundle(new Map(), at({ one: second, two: second }));
    const merged = mergeBundle(devices, at({ one: again, two: again }, 1), 'one');
    expect(merged).toMatchObject({ rotated: ['one'], stale: ['two'] });
    expect(merged.devices.get('one')?.version).toBe(1);
    // But not in an old bundle, replayed.
    expect(mergeBundle(devices, at({ one: again }, -1), 'one')).toMatchObject({ devices, stale: ['one'] });
  });

  it('notes that a device was seen again, and what it can do now', () => {
    const { devices } = mergeBundle(new Map(), at({ one: { ...first, protocolVersion: 0 } }));
    const merged = mergeBundle(devices, at({ one: first }, 1));
    expect(merged).toMatchObject({ added: [], rotated: [], stale: [] });
    expect(merged.devices.get('one')).toMatchObject({
      protocolVersion: 1,
      timestamp: bundleTimestamp(NOW + 60_000),
    });
    expect(mergeBundle(merged.devices, at({ one: first }, 0))).toMatchObject({
      devices: merged.devices,
      stale: ['one'],
    });
    expect(mergeBundle(merged.devices, at({ one: first }, 1))).toMatchObject({
      devices: merged.devices,
      stale: [],
    });
  });

  it('at one time and version the prekey that was known first stays, unless the device itself says otherwise', () => {
    const { devices } = mergeBundle(new Map(), at({ one: first }));
    expect(mergeBundle(devices, at({ one: device(1) }))).toMatchObject({
      devices,
      rotated: [],
      stale: ['one'],
    });
    const own = mergeBundle(devices, at({ one: device(1) }), 'one');
    expect(own.rotated).toEqual(['one']);
    expect(mergeBundle(own.devices, at({ one: device(1) }), 'one')).toMatchObject({ stale: ['one'] });
  });

  it('a lower version of the same prekey is stale however new the bundle', () => {
    const { devices } = mergeBundle(new Map(), at({ one: device(2, first.signedPreKey) }));
    expect(mergeBundle(devices, at({ one: first }, 1))).toMatchObject({ devices, stale: ['one'] });
    expect(mergeBundle(devices, at({ one: first }, 1), 'one')).toMatchObject({ devices, stale: ['one'] });
  });

  it('once a device has begun again, no one else is believed about it', () => {
    const again = device(1);
    const { devices } = mergeBundle(
      mergeBundle(new Map(), at({ one: second })).devices,
      at({ one: again }, 1),
      'one',
    );
    // A sibling goes on listing what the device had before, and even more.
    for (const listed of [second, device(5)]) {
      expect(mergeBundle(devices, at({ one: listed }, 2), 'two')).toMatchObject({ devices, stale: ['one'] });
    }
    const rotated = mergeBundle(devices, at({ one: device(2) }, 3), 'one');
    expect(rotated.rotated).toEqual(['one']);
    expect(mergeBundle(rotated.devices, at({ one: device(7) }, 4), 'two').stale).toEqual(['one']);
  });

  it('what a device said of itself is not undone by a sibling that lists another prekey', () => {
    const { devices } = mergeBundle(new Map(), at({ one: first }), 'one');
    expect(mergeBundle(devices, at({ one: device(1) }, 1), 'two')).toMatchObject({ devices, stale: ['one'] });
    // Nor with a higher version: it may be from before the device began again. It will tell itself.
    expect(mergeBundle(devices, at({ one: second }, 1), 'two')).toMatchObject({ devices, stale: ['one'] });
    // A contact code may well be newer than the last message.
    expect(mergeBundle(devices, at({ one: second }, 1)).rotated).toEqual(['one']);
  });

  it.each([
    ['first', ['one', 'two']],
    ['last', ['two', 'one']],
  ])('of two bundles of the same time, that of the device itself counts, when it arrives %s', (_, order) => {
    const again = device(1);
    const said = { one: at({ one: again }), two: at({ one: first }) };
    let known: ReadonlyMap<string, KnownDevice> = new Map();
    for (const by of order) known = mergeBundle(known, said[by as 'one' | 'two'], by).devices;
    expect(known.get('one')).toMatchObject({ signedPreKey: again.signedPreKey, selfAttested: true });
  });

  it('a device is believed of itself though a sibling has been heard since', () => {
    const { devices } = mergeBundle(new Map(), at({ one: first }));
    // The sibling names it again and again, and its own clock is behind.
    const heard = mergeBundle(devices, at({ one: first }, 9), 'two').devices;
    const merged = mergeBundle(heard, at({ one: device(1) }, 2), 'one');
    expect(merged.rotated).toEqual(['one']);
    expect(merged.devices.get('one')).toMatchObject({
      selfAttested: true,
      timestamp: bundleTimestamp(NOW + 9 * 60_000),
    });
  });

  it('once a device is known by a strict signature, no bundle without one is believed about it', () => {
    const { devices } = mergeBundle(new Map(), { ...at({ one: first }), strict: true });
    const stripped = at({ one: { ...second, protocolVersion: 0 }, two: second }, 1);
    const merged = mergeBundle(devices, stripped);
    expect(merged).toMatchObject({ stale: ['one'], added: ['two'], rotated: [] });
    expect(merged.devices.get('one')).toEqual(devices.get('one'));
    expect(mergeBundle(devices, stripped, 'one').devices.get('one')).toEqual(devices.get('one'));
  });

  it('a strict signature of the same time corrects a protocol version that was changed on its way', () => {
    const stripped = mergeBundle(new Map(), at({ one: { ...first, protocolVersion: 0 } }));
    const { devices } = mergeBundle(stripped.devices, { ...at({ one: first }), strict: true });
    expect(devices.get('one')).toMatchObject({ protocolVersion: 1, strict: true });
  });

  it('what a device said before it began again is not believed afterwards, passed on by whomever', () => {
    const before = at({ one: second });
    const again = at({ one: device(1) }, 1);
    const { devices } = mergeBundle(mergeBundle(new Map(), before, 'one').devices, again, 'one');
    for (const speaker of ['one', 'two', undefined]) {
      expect(mergeBundle(devices, before, speaker)).toMatchObject({ devices, rotated: [], stale: ['one'] });
    }
    // Its next prekey is taken, whatever version it has.
    expect(mergeBundle(devices, at({ one: device(2) }, 2), 'one').rotated).toEqual(['one']);
  });

  it('a device that makes no strict signatures is believed of itself, though a sibling that makes them lists it', () => {
    const listed = { ...at({ deployed: first, ours: first }), strict: true };
    for (const speaker of ['ours', undefined]) {
      for (const order of [[at({ deployed: first }, -1)], []]) {
        let devices: ReturnType<typeof mergeBundle>['devices'] = new Map();
        for (const own of order) devices = mergeBundle(devices, own, 'deployed').devices;
        devices = mergeBundle(devices, listed, speaker).devices;
        const rotated = mergeBundle(devices, at({ deployed: second }, 1), 'deployed');
        expect(rotated.rotated).toEqual(['deployed']);
        const listedAgain = { ...at({ deployed: second, ours: first }, 2), strict: true };
        const { devices: after } = mergeBundle(rotated.devices, listedAgain, speaker);
        const again = mergeBundle(after, at({ deployed: device(1) }, 3), 'deployed');
        expect(again.rotated).toEqual(['deployed']);
        // Of the other one it says nothing.
        expect(mergeBundle(again.devices, at({ ours: second }, 4), 'deployed').stale).toEqual(['ours']);
      }
    }
  });

  it('a strict signature makes a device strict only where no sibling of it speaks', () => {
    const strict = { ...at({ one: first }), strict: true };
    for (const [speaker, isStrict] of [
      ['one', true],
      [undefined, true],
      ['two', false],
    ] as const) {
      expect(mergeBundle(new Map(), strict, speaker).devices.get('one')?.strict).toBe(isStrict);
      const { devices } = mergeBundle(new Map(), at({ one: first }, -1));
      expect(mergeBundle(devices, strict, speaker).devices.get('one')?.strict).toBe(isStrict);
    }
  });

  it('a bundle of the same time, or an older one, changes nothing of what a device can do', () => {
    const changed = { one: { ...first, protocolVersion: 0 } };
    const { devices } = mergeBundle(new Map(), at({ one: first }));
    expect(mergeBundle(devices, at(changed))).toMatchObject({ devices, stale: [] });
    const older = { ...at(changed, -1), strict: true };
    expect(mergeBundle(devices, older)).toMatchObject({ devices, stale: ['one'] });
    expect(mergeBundle(devices, older).devices.get('one')).toEqual(devices.get('one'));
  });

  it('what others said of a device it confirms itself, from the same time on', () => {
    const { devices } = mergeBundle(new Map(), at({ one: first }), 'two');
    const known = devices.get('one');
    expect(known?.selfAttested).toBe(false);
    const unsure = { one: { ...first, protocolVersion: 0 } };
    expect(mergeBundle(devices, at(unsure), 'one').devices.get('one')).toEqual({
      ...known,
      selfAttested: true,
    });
    expect(mergeBundle(devices, at({ one: first }, 1), 'one').devices.get('one')).toEqual({
      ...known,
      selfAttested: true,
      timestamp: bundleTimestamp(NOW + 60_000),
      attestedAt: bundleTimestamp(NOW + 60_000),
    });
    // An older bundle of it may be replayed, and one of a sibling is no word of its own.
    expect(mergeBundle(devices, at({ one: first }, -1), 'one').devices.get('one')).toEqual(known);
    expect(mergeBundle(devices, at({ one: first }, 1), 'two').devices.get('one')).toEqual({
      ...known,
      timestamp: bundleTimestamp(NOW + 60_000),
    });
  });

  it('has begun again when its version is not higher than before, and stays so', () => {
    const { devices } = mergeBundle(new Map(), at({ one: second }), 'one');
    const resetAfter = (version: number, known = devices, minutes = 1) =>
      mergeBundle(known, at({ one: device(version) }, minutes), 'one').devices.get('one')?.reset;
    expect([1, 2, 3].map((version) => resetAfter(version))).toEqual([true, true, false]);
    const begun = mergeBundle(devices, at({ one: first }, 1), 'one').devices;
    expect(resetAfter(9, begun, 2)).toBe(true);
    // A higher version of the very time at which it began again may be from before.
    const sameTime = mergeBundle(begun, at({ one: device(9) }, 1), 'one');
    expect(sameTime).toMatchObject({ devices: begun, stale: ['one'] });
  });

  it('leaves devices alone that the bundle does not name', () => {
    const { devices } = mergeBundle(new Map(), at({ one: first, two: first }));
    expect(mergeBundle(devices, at({ one: second }, 1)).devices.get('two')).toEqual(devices.get('two'));
  });

  it('comes to the same versions in any order of arrival', () => {
    const step = fc.record({ id: fc.constantFrom('a', 'b', 'c'), version: fc.integer({ min: 1, max: 4 }) });
    const keys = new Map(
      ['a', 'b', 'c'].flatMap((id) => [1, 2, 3, 4].map((version) => [`${id}${version}`, device(version)])),
    );
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (steps, order) => {
          // Versions grow with time, as honest devices have it.
          const bundles = steps
            .toSorted((x, y) => x.version - y.version)
            .map(({ id, version }, minutes) => {
              const preKey = keys.get(`${id}${version}`) as ReturnType<typeof device>;
              return {
                devices: [{ installationId: id, ...preKey, signedPreKey: preKey.signedPreKey as never }],
                timestamp: bundleTimestamp(NOW + minutes),
              };
            });
          const shuffled = bundles
            .map((bundle) => ({ bundle, rank: order.next().value as number }))
            .toSorted((x, y) => x.rank - y.rank)
            .map(({ bundle }) => bundle);
          const merge = (list: typeof bundles) =>
            list.reduce<ReadonlyMap<string, KnownDevice>>(
              (known, bundle) => mergeBundle(known, bundle).devices,
              new Map(),
            );
          const byId = (devices: ReadonlyMap<string, KnownDevice>) =>
            [...devices]
              .toSorted(([x], [y]) => (x < y ? -1 : 1))
              .map(([id, { attestedAt: _, ...known }]) => [id, known]);
          expect(byId(merge(shuffled))).toEqual(byId(merge(bundles)));
        },
      ),
    );
  });
});
