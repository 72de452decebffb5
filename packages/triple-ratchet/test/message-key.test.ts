import { describe, expect, it } from 'vitest';
import { authenticatedData } from '../src/message-key.js';

describe('what a message authenticates beside its header', () => {
  it.each([0, 1, 300])(
    "is the handshake's hash, the length of the caller's data, the data, %i bytes",
    (length) => {
      const [handshake, ofCaller] = [new Uint8Array(32).fill(7), new Uint8Array(length).fill(9)];
      expect([...authenticatedData(handshake, ofCaller)]).toEqual([
        ...handshake,
        ...[0, 0, length >> 8, length & 0xff],
        ...ofCaller,
      ]);
    },
  );
});
