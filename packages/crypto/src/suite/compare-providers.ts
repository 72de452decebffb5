import { encodeHex, isSottoError } from '@sotto/core';
import type { CryptoProvider } from '../provider.js';
import { createDraw } from './draw.js';
import { describeError, expectBytes } from './expectations.js';
import { type Operation, operations } from './operations.js';

/** Options of {@link compareProviders}. */
export interface CompareOptions {
  /** The same seed draws the same inputs. */
  readonly seed: number | string;
  /** How often every operation is run on usual, and again on hostile, inputs. */
  readonly rounds: number;
}

/**
 * Runs two providers over the same drawn inputs, usual and hostile. They must give the same bytes or refuse with
 * the same code, and open, recover and agree on what the other made.
 *
 * @throws a plain Error that names the operation, the inputs and both results at the first difference, or when
 * one of them throws anything but a SottoError
 */
export function compareProviders(a: CryptoProvider, b: CryptoProvider, options: CompareOptions): void {
  for (let round = 0; round < options.rounds; round++) {
    for (const operation of operations()) {
      const draw = createDraw(`${options.seed}/${round}/${operation.name}`);
      for (const inputs of [operation.usual(draw), operation.hostile(draw)]) {
        const [fromA, fromB] = [resultOf(operation, a, inputs), resultOf(operation, b, inputs)];
        if (fromA !== fromB) {
          throw new Error(
            `${operation.name}(${inputs.map(showInput).join(', ')}), seed ${options.seed}, round ${round}: ` +
              `${a.name} gave ${fromA}; ${b.name} gave ${fromB}.`,
          );
        }
      }
    }
    compareGeneratedKeys(a, b);
    compareGeneratedKeys(b, a);
  }
}

function resultOf(operation: Operation, provider: CryptoProvider, inputs: readonly unknown[]): string {
  // Copies, so that a provider that writes to its inputs doesn't pass that on to the other.
  const own = inputs.map((input) => (input instanceof Uint8Array ? Uint8Array.from(input) : input));
  try {
    return operation
      .run(provider, own)
      .map((output) => encodeHex(output) || 'nothing')
      .join(' and ');
  } catch (error) {
    if (isSottoError(error)) return error.code;
    throw new Error(`${provider.name} threw ${describeError(error)}, in ${operation.name}.`, {
      cause: error,
    });
  }
}

function showInput(input: unknown): string {
  return input instanceof Uint8Array ? encodeHex(input) || 'nothing' : String(input);
}

function compareGeneratedKeys(maker: CryptoProvider, user: CryptoProvider): void {
  const what = `public key of a pair that ${maker.name} generated, by ${user.name}`;
  const pair = maker.secp256k1.generateKeyPair();
  expectBytes(user.secp256k1.keyPairFromPrivateKey(pair.privateKey).publicKey, pair.publicKey, what);
  const x = maker.x25519.generateKeyPair();
  expectBytes(user.x25519.keyPairFromPrivateKey(x.privateKey).publicKey, x.publicKey, what);
}
