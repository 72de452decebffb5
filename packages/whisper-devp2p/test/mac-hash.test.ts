import { expect, it } from 'vitest';
import { macHashes, newPortableMacHash } from '../src/rlpx/mac-hash.js';
import { crypto } from './envelopes.js';

it('hashes for many connections by turns, and goes on where it was asked', async () => {
  const newHash = macHashes();
  const inJavaScript = newPortableMacHash().constructor;
  await expect.poll(() => newHash().constructor === inJavaScript).toBe(false);
  const connections = Array.from({ length: 3 }, (_, i) => {
    const hash = newHash();
    return { hash, said: [Uint8Array.of(i)] as Uint8Array[] };
  });
  for (const { hash, said } of connections) for (const bytes of said) hash.update(bytes);
  for (const length of [0, 1, 135, 136, 137, 20_000]) {
    for (const { hash, said } of connections) {
      const bytes = crypto.randomBytes(length);
      said.push(bytes);
      hash.update(bytes);
      expect(hash.clone().digest()).toEqual(crypto.keccak256(...said));
    }
  }
});
