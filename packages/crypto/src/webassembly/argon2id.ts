import { type Argon2id, copyBytes } from '@sotto/core';
import { argon2id } from 'hash-wasm';

/** Argon2id in WebAssembly (npm `hash-wasm`). */
export const webAssemblyArgon2id: Argon2id = async (password, salt, { memoryKiB, passes }) =>
  copyBytes(
    await argon2id({
      password,
      salt,
      memorySize: memoryKiB,
      iterations: passes,
      parallelism: 1,
      hashLength: 32,
      outputType: 'binary',
    }),
  );
