import type { CryptoProvider, X25519Provider } from '@sotto/core';
import { encodeHex, isSottoError } from '@sotto/core';
import { describeError, expectBytes } from '../support/expectations.js';
import { createDraw } from './draw.js';
import { type Operation, operations } from './operations.js';

/** Options of {@link compareProviders}. */
export interface CompareOptions {
  /** The same seed draws the same inputs. */
  readonly seed: number | string;
  /** How often every operation is run on usual inputs, and as often on hostile ones. */
  readonly rounds: number;
  /** Compares the operations whose names match, as in `/^secp256k1/`. Default: all. */
  readonly only?: RegExp | undefined;
}

/**
 * Runs two providers on the same drawn inputs, usual and hostile. They must return the same bytes or throw
 * the same code, and open, recover and agree on what the other made.
 *
 * @throws a plain Error that names the operation, the inputs and both results at the first difference, or when
 * one of them throws anything but a SottoError
 */
export function compareProviders(a: X25519Provider, b: X25519Provider, options: CompareOptions): void {
  const { rounds, only = /^/ } = options;
  compareOperations(operations(), a, b, options);
  for (let round = 0; round < rounds; round++) {
    for (const [maker, user] of [
      [a, b],
      [b, a],
    ] as const) {
      if (only.test('secp256k1.generateKeyPair')) compareGeneratedKeys('secp256k1', maker, user);
      if (only.test('x25519.generateKeyPair')) compareGeneratedKeys('x25519', maker, user);
    }
  }
}

/** Runs the operations of two providers on the same drawn inputs. @throws as {@link compareProviders} */
export function compareOperations<Provider extends CryptoProvider>(
  list: readonly Operation<Provider>[],
  a: Provider,
  b: Provider,
  { seed, rounds, only = /^/ }: CompareOptions,
): void {
  const compared = list.filter(({ name }) => only.test(name));
  for (let round = 0; round < rounds; round++) {
    for (const operation of compared) {
      const draw = createDraw(`${seed}/${round}/${operation.name}`);
      for (const inputs of [operation.usual(draw), operation.hostile(draw)]) {
        const [fromA, fromB] = [resultOf(operation, a, inputs), resultOf(operation, b, inputs)];
        if (fromA !== fromB) {
          throw new Error(
            `${operation.name}(${inputs.map(showInput).join(', ')}), seed ${seed}, round ${round}: ` +
              `${a.name} gave ${fromA}; ${b.name} gave ${fromB}.`,
          );
        }
      }
    }
  }
}

function resultOf<Provider extends CryptoProvider>(
  operation: Operation<Provider>,
  provider: Provider,
  inputs: readonly unknown[],
): string {
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

function compareGeneratedKeys(curve: 'secp256k1' | 'x25519', maker: X25519Provider, user: X25519Provider) {
  const pair = maker[curve].generateKeyPair();
  expectBytes(
    user[curve].keyPairFromPrivateKey(pair.privateKey).publicKey,
    pair.publicKey,
    `public key of a pair that ${curve}.generateKeyPair of ${maker.name} gave, according to ${user.name}`,
  );
}
