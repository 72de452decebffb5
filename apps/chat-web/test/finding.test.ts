import { describe, expect, it } from 'vitest';
import { type FindingSettings, parseFindingSettings } from '../src/finding.js';

const nobody = { chain: '', registry: '', gateway: '', ipfsNode: '', ownName: '' };
const parse = (changed: Partial<FindingSettings>) => parseFindingSettings({ ...nobody, ...changed });

describe('the settings for names and keys', () => {
  it('are trimmed, and empty by default', () => {
    expect(parse({})).toEqual(nobody);
    expect(
      parse({ chain: ' https://rpc.example/key/ ', ipfsNode: 'http://127.0.0.1:5001', ownName: ' a.eth ' }),
    ).toEqual({
      ...nobody,
      chain: 'https://rpc.example/key',
      ipfsNode: 'http://127.0.0.1:5001',
      ownName: 'a.eth',
    });
  });

  it.each([
    'example.org',
    'ws://example.org',
    'http://example.org',
    'http://127.0.0.1.example.org',
    'javascript:alert(1)',
    'https://user:password@example.org',
    'https://example.org/?key=1',
    'https://example.org/#x',
  ])('take no server that the policy of the page refuses, or that has a password: %s', (gateway) => {
    expect(() => parse({ gateway })).toThrow(TypeError);
  });

  it('take a registry as an address only', () => {
    expect(() => parse({ registry: 'alice.eth' })).toThrow(TypeError);
    expect(parse({ registry: `0x${'0a'.repeat(20)}` }).registry).toHaveLength(42);
  });
});
