import { encodeHex } from '@sotto/core';
import { createPortableProvider } from '@sotto/crypto';
import { describe, expect, it } from 'vitest';
import { NegotiatedSecrets } from '../src/negotiated-secrets.js';

const portable = createPortableProvider();
const identity = portable.secp256k1.generateKeyPair();
const peers = Array.from({ length: 24 }, () => portable.secp256k1.generateKeyPair().publicKey);

function secretsOf(most?: number) {
  let agreements = 0;
  const ecdh: typeof portable.secp256k1.ecdh = (...keys) => {
    agreements++;
    return portable.secp256k1.ecdh(...keys);
  };
  const crypto = { ...portable, secp256k1: { ...portable.secp256k1, ecdh } };
  return { secrets: new NegotiatedSecrets(crypto, identity, most), agreements: () => agreements };
}

describe('negotiated secrets', () => {
  it('are agreed on once each, and given out as copies', () => {
    const { secrets, agreements } = secretsOf();
    const first = peers.map((peer) => encodeHex(secrets.get(peer)));
    expect(first).toEqual(peers.map((peer) => encodeHex(portable.secp256k1.ecdh(identity.privateKey, peer))));
    for (const peer of peers) secrets.get(peer).fill(1);
    expect(peers.map((peer) => encodeHex(secrets.get(peer)))).toEqual(first);
    expect(agreements()).toBe(peers.length);
  });

  it('are right although older ones were evicted, whose places are used again', () => {
    const { secrets, agreements } = secretsOf(16);
    const all = () => peers.map((peer) => encodeHex(secrets.get(peer)));
    const first = all();
    expect(all()).toEqual(first);
    expect(all()).toEqual(first);
    const before = agreements();
    // The last ones are kept.
    expect(peers.slice(-8).map((peer) => encodeHex(secrets.get(peer)))).toEqual(first.slice(-8));
    expect(agreements()).toBe(before);
    secrets.get(peers[0]!);
    expect(agreements()).toBe(before + 1);
  });

  it('are evicted some at a time when there is no room: those that were agreed on first', () => {
    const { secrets, agreements } = secretsOf(16);
    for (const peer of peers.slice(0, 23)) secrets.get(peer);
    const kept = peers.slice(8, 23);
    for (const peer of kept) secrets.get(peer);
    expect(agreements()).toBe(23);
    secrets.get(peers[7]!);
    expect(agreements()).toBe(24);
  });
});
