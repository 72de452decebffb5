// The suite for stores with few records: fast enough for mutation testing, which plays it again and again.
import { storeCases } from '@sotto/compliance/store';
import { randomBytes } from '@sotto/testing/random';
import { describe, it } from 'vitest';
import { createEncryptedStore, ENCRYPTED_VALUE_MAX_BYTES } from '../src/encrypted.js';
import { createMemoryStore } from '../src/memory.js';

const passphraseCost = { memoryKiB: 8, passes: 1 };
const open = () =>
  createEncryptedStore({
    store: createMemoryStore(),
    passphrase: 'correct horse',
    randomBytes,
    passphraseCost,
  });

describe('encrypted, on memory, few records', () => {
  it.each(storeCases({ records: 100, durable: false, maxValueBytes: ENCRYPTED_VALUE_MAX_BYTES }))(
    '$name',
    async ({ run }) => run({ open }),
  );
});
