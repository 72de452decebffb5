import { encodeHex } from '@sotto/core';
import { type Bundle, type HybridPreKey, withoutKemPreKeys } from '@sotto/protocol-codec';
import { describe, expect, it } from 'vitest';
import { isSameOffer } from '../src/hybrid-offer.js';
import {
  checkBundlePlausibility,
  deviceDigest,
  HYBRID_SUITE,
  type KnownDevice,
  mergeBundle,
  offersHybrid,
  offersSealed,
  SEALED_SENDER,
  strictSignedMaterial,
  type VerifiedBundle,
  verifyBundle,
} from '../src/index.js';
import { bundleOf, codeOf, crypto, device, NOW } from './support.js';

const A = 'aaaaaaaa-0000-4000-8000-000000000000';
const B = 'bbbbbbbb-0000-4000-8000-000000000000';

function offer(): HybridPreKey & { readonly kemPreKey: Uint8Array } {
  const kemPreKey = crypto.randomBytes(1184);
  return {
    suites: Uint8Array.of(2),
    curve25519PreKey: crypto.randomBytes(32),
    kemPreKeyHash: crypto.sha256(kemPreKey),
    kemPreKey,
  };
}

const plausible = (bundle: VerifiedBundle) =>
  checkBundlePlausibility(crypto, bundle, { now: NOW + 60_000 }).devices;

/** As `Device` merges it: devices, timestamp, and whether it has a strict signature. */
function merge(
  known: ReadonlyMap<string, KnownDevice>,
  bundle: Bundle,
  attestedBy?: string,
): ReturnType<typeof mergeBundle> {
  const verified = verifyBundle(crypto, bundle);
  return mergeBundle(
    known,
    {
      devices: plausible(verified),
      timestamp: bundle.timestamp,
      strict: bundle.strictSignature !== undefined,
    },
    attestedBy,
  );
}

/** The bundle with what one device offers replaced. */
function withOffer(bundle: Bundle, hybrid: HybridPreKey | undefined): Bundle {
  const signedPreKeys = new Map(bundle.signedPreKeys);
  const preKey = signedPreKeys.get(A);
  if (preKey === undefined) throw new Error('no device');
  signedPreKeys.set(A, { ...preKey, hybrid });
  return { ...bundle, signedPreKeys };
}

const withoutStrict = (bundle: Bundle): Bundle => ({ ...bundle, strictSignature: undefined });

describe('the strict signature of an offer', () => {
  it('covers suites, keys and whether there is an offer', () => {
    const hybrid = offer();
    const bundle = bundleOf({ [A]: { ...device(), hybrid } });
    expect(verifyBundle(crypto, bundle)).toBe(bundle);
    const changed: (HybridPreKey | undefined)[] = [
      undefined,
      { ...hybrid, suites: Uint8Array.of(1) },
      { ...hybrid, suites: Uint8Array.of(2, 3) },
      { ...hybrid, curve25519PreKey: crypto.randomBytes(32) },
      { ...hybrid, kemPreKeyHash: crypto.randomBytes(32) },
    ];
    for (const other of changed) {
      expect(codeOf(() => verifyBundle(crypto, withOffer(bundle, other)))).toBe('BUNDLE_SIGNATURE_INVALID');
    }
  });

  it('does not let bytes move between the parts of two devices', () => {
    const hybrid = offer();
    const first = bundleOf({ [A]: { ...device(), hybrid }, [B]: device() });
    const moved = new Map(first.signedPreKeys);
    const [a, b] = [moved.get(A), moved.get(B)];
    if (a === undefined || b === undefined) throw new Error('no devices');
    moved.set(A, { ...a, hybrid: undefined });
    moved.set(B, { ...b, hybrid });
    expect(codeOf(() => verifyBundle(crypto, { ...first, signedPreKeys: moved }))).toBe(
      'BUNDLE_SIGNATURE_INVALID',
    );
  });

  it('is over the text of before where no device offers anything', () => {
    const text = new TextDecoder().decode(strictSignedMaterial(bundleOf({ [A]: device() })));
    expect(text).toMatch(/^sotto bundle v1/);
  });

  it('is over copies: what the caller does with its offer afterwards changes nothing', () => {
    for (const kemPreKey of [crypto.randomBytes(1184), undefined]) {
      const hybrid = { ...offer(), kemPreKey };
      const bundle = bundleOf({ [A]: { ...device(), hybrid } });
      const signed = structuredClone(hybrid);
      expect(bundle.signedPreKeys.get(A)?.hybrid).toEqual(signed);
      for (const bytes of [hybrid.suites, hybrid.curve25519PreKey, hybrid.kemPreKeyHash, kemPreKey]) {
        bytes?.fill(9);
      }
      expect(bundle.signedPreKeys.get(A)?.hybrid).toEqual(signed);
      expect(verifyBundle(crypto, bundle)).toBe(bundle);
    }
    expect('hybrid' in (bundleOf({ [A]: device() }).signedPreKeys.get(A) ?? {})).toBe(false);
  });

  it('stays valid without the ML-KEM prekey', () => {
    const bundle = withoutKemPreKeys(bundleOf({ [A]: { ...device(), hybrid: offer() } }));
    expect(verifyBundle(crypto, bundle)).toBe(bundle);
    expect(bundle.signedPreKeys.get(A)?.hybrid?.kemPreKey).toBeUndefined();
  });
});

describe('the digest of a device', () => {
  it('names its id, prekeys, their version and the suites, and nothing else', () => {
    const hybrid = offer();
    const base = { ...device(), hybrid };
    const digest = (id: string, preKey = base as Parameters<typeof deviceDigest>[2]) =>
      encodeHex(deviceDigest(crypto, id, preKey));
    expect(digest(A, { ...base, hybrid: { ...hybrid, kemPreKey: undefined } })).toBe(digest(A));
    const other = { ...base, protocolVersion: 2 };
    expect(digest(A, other)).toBe(digest(A));
    const others = [
      digest(B),
      digest(A, { ...base, version: 2 }),
      digest(A, { ...base, signedPreKey: device().signedPreKey }),
      digest(A, { ...base, hybrid: { ...hybrid, suites: Uint8Array.of(2, 3) } }),
      digest(A, { ...base, hybrid: { ...hybrid, curve25519PreKey: crypto.randomBytes(32) } }),
      digest(A, { ...base, hybrid: { ...hybrid, kemPreKeyHash: crypto.randomBytes(32) } }),
      digest(A, { ...base, hybrid: undefined }),
    ];
    expect(new Set([digest(A), ...others]).size).toBe(others.length + 1);
  });
});

describe('two offers', () => {
  it('are the same when suites and keys are, whether the ML-KEM prekey itself is there or not', () => {
    const one = offer();
    expect(isSameOffer(one, structuredClone(one))).toBe(true);
    expect(isSameOffer(one, { ...one, kemPreKey: undefined })).toBe(true);
    for (const change of [
      { suites: Uint8Array.of(2, 3) },
      { curve25519PreKey: crypto.randomBytes(32) },
      { kemPreKeyHash: crypto.randomBytes(32) },
    ]) {
      expect(isSameOffer(one, { ...one, ...change })).toBe(false);
      expect(isSameOffer({ ...one, ...change }, one)).toBe(false);
    }
  });
});

describe('checkBundlePlausibility', () => {
  it('believes an offer only under a strict signature', () => {
    const bundle = bundleOf({ [A]: { ...device(), hybrid: offer() } });
    expect(offersHybrid(plausible(bundle)[0]?.hybrid)).toBe(true);
    const stripped = verifyBundle(crypto, withoutStrict(bundle));
    expect(plausible(stripped)[0]?.hybrid).toBeUndefined();
  });

  it('leaves out an ML-KEM prekey that the hash does not name', () => {
    const hybrid = offer();
    const bundle = bundleOf({ [A]: { ...device(), hybrid } });
    const replaced = verifyBundle(crypto, withOffer(bundle, { ...hybrid, kemPreKey: offer().kemPreKey }));
    const [found] = plausible(replaced);
    expect(offersHybrid(found?.hybrid)).toBe(true);
    expect(found?.hybrid?.kemPreKey).toBeUndefined();
  });

  it('refuses keys of another length', () => {
    for (const wrong of [{ curve25519PreKey: new Uint8Array(31) }, { kemPreKeyHash: new Uint8Array(33) }]) {
      const bundle = bundleOf({ [A]: { ...device(), hybrid: { ...offer(), ...wrong } } });
      expect(codeOf(() => plausible(bundle))).toBe('BUNDLE_IMPLAUSIBLE');
    }
  });

  it('passes over suites that it does not know', () => {
    const bundle = bundleOf({ [A]: { ...device(), hybrid: { ...offer(), suites: Uint8Array.of(7) } } });
    expect(plausible(bundle)[0]?.hybrid).toBeUndefined();
  });
});

describe('mergeBundle', () => {
  const first = device(1);
  const hybrid = offer();
  const offered = bundleOf({ [A]: { ...first, hybrid } }, NOW - 5_000);
  const known = merge(new Map(), offered, A).devices;

  it('keeps an offer whoever lists the device without it', () => {
    const later = bundleOf({ [A]: first, [B]: device() }, NOW);
    for (const [speaker, bundle] of [
      [B, later],
      [undefined, later],
      [undefined, withoutStrict(later)],
      [B, bundleOf({ [A]: device(2), [B]: device() }, NOW)],
      [undefined, bundleOf({ [A]: device(2) }, NOW)],
    ] as const) {
      const { devices, lowered } = merge(known, bundle, speaker);
      expect(devices.get(A)).toBe(known.get(A));
      expect(lowered).toEqual([]);
    }
  });

  it('reports a device that withdraws its offer, with the same prekey or a new one', () => {
    for (const preKey of [first, device(2)]) {
      const { devices, lowered } = merge(known, bundleOf({ [A]: preKey }, NOW), A);
      expect(devices.get(A)?.hybrid).toBeUndefined();
      expect(lowered).toEqual([A]);
    }
  });

  it('keeps an offer of sealed messages in the same way, and does not report its end as that of the suite', () => {
    const sealing = { ...hybrid, suites: Uint8Array.of(HYBRID_SUITE, SEALED_SENDER) };
    expect([offersSealed(sealing), offersSealed(hybrid), offersSealed(undefined)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(offersSealed({ ...hybrid, suites: Uint8Array.of(SEALED_SENDER) })).toBe(false);
    const both = merge(new Map(), bundleOf({ [A]: { ...first, hybrid: sealing } }, NOW - 5_000), A).devices;
    const less = bundleOf({ [A]: { ...first, hybrid } }, NOW);
    const lessAndNewer = bundleOf({ [A]: { ...device(2), hybrid: offer() } }, NOW);
    for (const bundle of [less, lessAndNewer]) {
      for (const speaker of [B, undefined]) {
        expect(merge(both, bundle, speaker).devices.get(A)).toBe(both.get(A));
      }
      const { devices, lowered } = merge(both, bundle, A);
      expect([offersHybrid(devices.get(A)?.hybrid), offersSealed(devices.get(A)?.hybrid)]).toEqual([
        true,
        false,
      ]);
      expect(lowered).toEqual([]);
    }
  });

  it('is not lowered by a bundle of the device from before', () => {
    const { devices, lowered } = merge(known, bundleOf({ [A]: first }, NOW - 10_000), A);
    expect(offersHybrid(devices.get(A)?.hybrid)).toBe(true);
    expect(lowered).toEqual([]);
  });

  it('is not raised again by a bundle from before the device withdrew its offer', () => {
    const withdrawn = merge(known, bundleOf({ [A]: first }, NOW), A).devices;
    expect(merge(withdrawn, offered, A).devices.get(A)?.hybrid).toBeUndefined();
  });

  it('adds the ML-KEM prekey that was left out, from an older bundle too', () => {
    const short = merge(new Map(), withoutKemPreKeys(bundleOf({ [A]: { ...first, hybrid } }, NOW)), A);
    expect(short.devices.get(A)?.hybrid?.kemPreKey).toBeUndefined();
    const filled = merge(short.devices, offered).devices.get(A);
    expect(filled?.hybrid?.kemPreKey).toEqual(hybrid.kemPreKey);
    expect(filled?.timestamp).toBe(short.devices.get(A)?.timestamp);
  });

  it('does not forget the ML-KEM prekey when it is left out', () => {
    const { devices } = merge(known, withoutKemPreKeys(bundleOf({ [A]: { ...first, hybrid } }, NOW)), A);
    expect(devices.get(A)?.hybrid?.kemPreKey).toEqual(hybrid.kemPreKey);
  });

  it('takes the offer of a new prekey with it', () => {
    const next = offer();
    const { devices, rotated, lowered } = merge(
      known,
      bundleOf({ [A]: { ...device(2), hybrid: next } }, NOW),
      A,
    );
    expect(rotated).toEqual([A]);
    expect(lowered).toEqual([]);
    expect(devices.get(A)?.hybrid?.kemPreKeyHash).toEqual(next.kemPreKeyHash);
  });

  it('takes an offer that a device begins to make with the same prekey', () => {
    const before = merge(new Map(), bundleOf({ [A]: first }, NOW - 9_000), A).devices;
    expect(offersHybrid(merge(before, offered, A).devices.get(A)?.hybrid)).toBe(true);
  });
});
