import { existsSync, readFileSync } from 'node:fs';
import { decodeHex } from '@sotto/core';

/** Inputs that are kept beside a target, a line of hex each: what the fuzzer found worth keeping, and what was a finding once. */
export function readCorpus(file: string): readonly Uint8Array[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => decodeHex(line));
}
