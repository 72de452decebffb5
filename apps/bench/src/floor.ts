import { isBytes } from '@sotto/core';
import type { Measured } from './measuring.js';
import type { Scenario } from './scenarios.js';
import { createSotto } from './sotto.js';

/** Before the id of one of ours: the contestant that only calls its primitives. */
export const FLOOR = 'floor-';

/**
 * The calls into the provider that a scenario makes, without anything between them: what is left when the protocol itself takes no time.
 * They are recorded once, and then repeated with the same arguments.
 *
 * @param id of one of ours
 */
export async function prepareFloor(id: string, scenario: Scenario): Promise<Measured> {
  const calls: (() => unknown)[] = [];
  let isRecording = false;
  const record = (call: () => unknown) => {
    if (isRecording) calls.push(call);
  };
  const { operations, run } = await scenario.prepare(
    await createSotto(id, (provider) => watched(provider, record)),
  );
  await run();
  isRecording = true;
  await run();
  isRecording = false;
  return {
    operations,
    async run() {
      for (const call of calls) call();
    },
  };
}

/** The provider, or a part of it, that hands out each call as it makes it. */
function watched<Part extends object>(part: Part, record: (call: () => unknown) => void): Part {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value === 'function') {
        return (...given: unknown[]) => {
          const kept = given.map(copyOf);
          const call = () => value.apply(target, kept);
          try {
            const result = value.apply(target, given);
            record(call);
            return result;
          } catch (error) {
            // A key that is tried, and isn't the right one.
            record(() => attempt(call));
            throw error;
          }
        };
      }
      return typeof value === 'object' && value !== null ? watched(value, record) : value;
    },
  });
}

function attempt(call: () => unknown): void {
  try {
    call();
  } catch {
    // As when it was recorded.
  }
}

/** Protocol code wipes secrets after their use. */
function copyOf(value: unknown): unknown {
  if (isBytes(value)) return value.slice();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copyOf(part)]));
}
