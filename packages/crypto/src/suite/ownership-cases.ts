import { createDraw } from './draw.js';
import { expectBytes, expectTrue } from './expectations.js';
import { operations } from './operations.js';
import type { ProviderCase } from './provider-case.js';

/** Bytes in are borrowed and never changed; bytes out are fresh, plain and belong to the caller. */
export function ownershipCases(): readonly ProviderCase[] {
  return operations().flatMap((operation) => {
    const inputs = () => operation.usual(createDraw(`ownership of ${operation.name}`));
    return [
      {
        name: `${operation.name}: leaves its inputs as they were, wherever in memory they lie`,
        run(provider) {
          const expected = operation.run(provider, inputs());
          for (const placed of [inputs().map(inLargerBuffer), inputs().map(asPooledBytes)]) {
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
          for (const input of given) if (input instanceof Uint8Array) input.fill(0xee);
          expectOutputs(second, kept, 'outputs, after the inputs were overwritten');
        },
      },
    ] satisfies ProviderCase[];
  });
}

function expectOutputs(actual: readonly Uint8Array[], expected: readonly Uint8Array[], what: string): void {
  expected.forEach((output, index) => {
    expectBytes(actual[index] as Uint8Array, output, what);
  });
}

function expectFresh(outputs: readonly Uint8Array[], others: readonly unknown[]): void {
  outputs.forEach((output, index) => {
    // Not a Buffer, whose `slice` doesn't copy.
    expectTrue(output.constructor.name === 'Uint8Array', 'what comes out is a plain Uint8Array');
    for (const other of [...others, ...outputs.slice(index + 1)]) {
      expectTrue(
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

/** A view at an odd offset, with other bytes before and behind. */
function inLargerBuffer(input: unknown): unknown {
  if (!(input instanceof Uint8Array)) return input;
  const larger = new Uint8Array(input.length + 8).fill(0x77);
  larger.set(input, 3);
  return larger.subarray(3, 3 + input.length);
}

/** Like Node's Buffer: a subclass whose `slice` is a view of the same memory. */
class PooledBytes extends Uint8Array<ArrayBuffer> {
  override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
    return this.subarray(start, end);
  }
}

function asPooledBytes(input: unknown): unknown {
  return input instanceof Uint8Array ? PooledBytes.from(input) : input;
}

/** A copy of all the memory that an input is a view of. */
function surroundings(input: unknown): Uint8Array | undefined {
  return input instanceof Uint8Array ? Uint8Array.from(new Uint8Array(input.buffer)) : undefined;
}
