import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadVectors, unhex } from '../src/vectors/index.js';

describe('loadVectors', () => {
  it.each([
    'account',
    'bundle',
    'dh-key',
    'protocol-session',
    'whisper-envelope',
    'whisper-rpc',
    'x3dh',
  ] as const)('reads at least one case of %s', (name) => {
    expect(loadVectors(name).cases.length).toBeGreaterThan(0);
    expect(loadVectors(name).about).not.toBe('');
  });

  it.each(['double-ratchet-secp256k1', 'double-ratchet-curve25519'] as const)('reads %s', (name) => {
    const { kdf, sessions } = loadVectors(name).cases;
    expect(kdf.length).toBeGreaterThan(0);
    expect(sessions.length).toBeGreaterThan(0);
    for (const { messages, steps } of sessions) {
      for (const step of steps) expect(messages[step.message]).toBeDefined();
    }
  });

  it('reads what a mailserver said', () => {
    const { archive, clientReads, completions, requests } = loadVectors('status-mailserver').cases;
    for (const part of [archive, clientReads, completions, requests]) expect(part.length).toBeGreaterThan(0);
  });

  it('reads topics', () => {
    const { channels, identities } = loadVectors('topic').cases;
    expect(channels.length).toBeGreaterThan(0);
    expect(identities.length).toBeGreaterThan(0);
  });

  // The same digits as in the file's text, which a detour through number would lose.
  it.each([
    ['bundle', 'timestamp'],
    ['whisper-envelope', 'nonce'],
  ] as const)('reads the 64-bit field of %s exactly', (name, field) => {
    const text = readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8');
    const digits = [...text.matchAll(new RegExp(`"${field}":\\s*"?(\\d+)"?`, 'g'))].map((match) => match[1]);
    const values = loadVectors(name).cases.map((one) => (one as unknown as Record<string, unknown>)[field]);
    expect(values.every((value) => typeof value === 'bigint')).toBe(true);
    expect(values.map(String)).toEqual(digits);
  });
});

describe('unhex', () => {
  it('reads hex of either case and nothing else', () => {
    expect(unhex('00aAfF')).toEqual(Uint8Array.of(0, 0xaa, 0xff));
    expect(() => unhex('0x00')).toThrow();
    expect(() => unhex('123')).toThrow();
  });
});
