import { type CryptoProvider, isBytes } from '@sotto/core';
import { expectBytes, expectRefusal, expectThat } from '../support/expectations.js';
import { notBytes, SharingBytes } from '../support/odd-bytes.js';
import { createDraw } from './draw.js';
import { type Operation, operations } from './operations.js';
import type { ProviderCase } from './provider-case.js';

/** Bytes in are borrowed and never changed; bytes out are fresh, plain and belong to the caller. */
export function ownershipCases(): readonly ProviderCase[] {
  return ownershipCasesOf(operations());
}

/** The same for operations of any kind of provider. */
export function ownershipCasesOf<Provider extends CryptoProvider>(
  list: readonly Operation<Provider>[],
): readonly ProviderCase<Provider>[] {
  return list.flatMap((operation) => {
    const inputs = () => operation.usual(createDraw(`ownership of ${operation.name}`));
    return [
      {
        name: `${operation.name}: leaves its inputs as they were, wherever in memory they lie`,
        run(provider) {
          const expected = operation.run(provider, inputs());
          for (const place of [inLargerBuffer, asPooledBytes, inSharedMemory]) {
            const placed = inputs().map(place);
            const before = placed.map(surroundings);
            expectOutputs(operation.run(provider, placed), expected, 'the same inputs elsewhere');
            placed.forEach((input, index) => {
              const [was, is] = [before[index], surroundings(input)];
              if (was && is) expectBytes(is, was, `input ${index} and the bytes around it, afterwards`);
            });
          }
        },
      },
      {
        name: `${operation.name}: gives fresh, plain bytes`,
        run(provider) {
          const given = inputs().map(asPooledBytes);
          const first = operation.run(provider, given);
          const kept = first.map((output) => Uint8Array.from(output));
          expectFresh(first, given);

          const second = operation.run(provider, given);
          expectFresh(second, [...given, ...first]);
          expectOutputs(first, kept, 'outputs, after another call');

          for (const output of first) output.fill(0xee);
          expectOutputs(operation.run(provider, given), kept, 'outputs, after earlier ones were overwritten');
          for (const input of given) if (isBytes(input)) input.fill(0xee);
          expectOutputs(second, kept, 'outputs, after the inputs were overwritten');
        },
      },
      {
        name: `${operation.name}: what is not a Uint8Array is refused by name`,
        run(provider) {
          const given = inputs();
          given.forEach((input, index) => {
            if (!isBytes(input)) return;
            for (const [kind, other] of notBytes(input)) {
              // An optional argument may be missing.
              if (other === undefined) continue;
              const spoilt = given.map((one, i) => (i === index ? other : one));
              expectRefusal(
                () => operation.run(provider, spoilt),
                'INVALID_ARGUMENT',
                `input ${index}: ${kind}`,
              );
            }
          });
        },
      },
    ] satisfies ProviderCase<Provider>[];
  });
}

function expectOutputs(actual: readonly Uint8Array[], expected: readonly Uint8Array[], what: string): void {
  expected.forEach((output, index) => {
    expectBytes(actual[index] as Uint8Array, output, what);
  });
}

export function expectFresh(outputs: readonly Uint8Array[], others: readonly unknown[]): void {
  outputs.forEach((output, index) => {
    // Not a Buffer, whose `slice` doesn't copy.
    expectThat(output.constructor.name === 'Uint8Array', 'what comes out is a plain Uint8Array');
    for (const other of [...others, ...outputs.slice(index + 1)]) {
      expectThat(
        !(other instanceof Uint8Array && overlap(output, other)),
        'what comes out shares no memory with anything else',
      );
    }
  });
}

function overlap(a: Uint8Array, b: Uint8Array): boolean {
  return (
    a.buffer === b.buffer &&
    a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength
  );
}

/**
 * That every operation accepts further kinds of bytes, which a suite without Node can't create, such
 * as bytes of another realm.
 * @param kinds by name, a function that makes one with the same content
 */
export function byteKindCases(
  kinds: ReadonlyMap<string, (bytes: Uint8Array) => Uint8Array>,
): readonly ProviderCase[] {
  return operations().flatMap((operation) =>
    [...kinds].map(([kind, make]) => ({
      name: `${operation.name}: takes bytes of ${kind} as any others`,
      run(provider) {
        const inputs = operation.usual(createDraw(operation.name));
        const placed = inputs.map((input) => (isBytes(input) ? make(input) : input));
        const outputs = operation.run(provider, placed);
        expectOutputs(outputs, operation.run(provider, inputs), 'the same inputs of the usual kind');
        expectFresh(outputs, placed);
      },
    })),
  );
}

/** A view at an odd offset, with other bytes before and after it. */
function inLargerBuffer(input: unknown): unknown {
  if (!isBytes(input)) return input;
  const larger = new Uint8Array(input.length + 8).fill(0x77);
  larger.set(input, 3);
  return larger.subarray(3, 3 + input.length);
}

/** Shared memory, where available. */
function inSharedMemory(input: unknown): unknown {
  if (!isBytes(input) || typeof SharedArrayBuffer !== 'function') return input;
  const shared = new Uint8Array(new SharedArrayBuffer(input.length));
  shared.set(input);
  return shared;
}

function asPooledBytes(input: unknown): unknown {
  return isBytes(input) ? new SharingBytes(input) : input;
}

/** A copy of all the memory that an input is a view of. */
function surroundings(input: unknown): Uint8Array | undefined {
  return isBytes(input) ? Uint8Array.from(new Uint8Array(input.buffer)) : undefined;
}
