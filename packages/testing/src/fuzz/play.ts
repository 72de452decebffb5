import { randomInt } from 'node:crypto';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { encodeHex } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { repetitions } from '../long.js';
import { readCorpus } from './corpus.js';
import { judge } from './judge.js';
import { dice, mutated } from './mutations.js';
import type { FuzzTarget } from './target.js';

const SEED = Number(process.env['SOTTO_FUZZ_SEED'] ?? randomInt(2 ** 31));

/**
 * Tests of fuzz targets without a fuzzer: with their seeds, with what a fuzzer has found before, and with random changes of both.
 * @param folder URL of the file that calls it; corpora are in `fuzz/` beside it
 */
export function playTargets(folder: string, targets: Readonly<Record<string, FuzzTarget>>): void {
  for (const [name, target] of Object.entries(targets)) {
    describe(`${name}: ${target.about}`, () => {
      const corpus = readCorpus(fileURLToPath(new URL(`./fuzz/${name}.corpus`, folder)));
      const seeds = () => [...target.seeds()];

      it('takes its seeds, at least one of which is valid, and what was found before', async () => {
        let accepted = 0;
        for (const input of [...seeds(), ...corpus]) if (await judge(target, input)) accepted++;
        expect(accepted).toBeGreaterThan(0);
      });

      it(`takes random changes of them (seed ${SEED})`, async () => {
        const roll = dice(SEED);
        const inputs = [...seeds(), ...corpus];
        // Those that play a lot take as long with fewer. Hours of it are a fuzzer's.
        const changes = target.mostMs === undefined ? repetitions(200, 1_000) : repetitions(100, 150);
        for (let i = 0; i < changes; i++) {
          const input = mutated(inputs, roll);
          try {
            await judge(target, input);
          } catch (error) {
            throw new Error(`${error} Input: ${encodeHex(input)}`, { cause: error });
          }
        }
      }, 120_000);
    });
  }
}
