import { describe, expect, it } from 'vitest';
import { directoryCases } from '../src/directory.js';
import { brokenDirectories } from './broken-directories.js';
import { boardFixture, ReferenceDirectory } from './reference-directory.js';

const cases = directoryCases({ interruptible: true });
/** Enough for what works; what hangs is waited for so long. */
const impatient = directoryCases({ interruptible: true, timeout: 300 });

describe('a directory that keeps every promise', () => {
  it.each(cases)('$name', ({ run }) => run(boardFixture()));

  it('passes without a publish of its own, where the fixture publishes', async () => {
    class ReadOnly {
      readonly name = 'read-only';
      readonly capabilities = { publishing: 'none', updatedBy: 'operator', maxBundleBytes: 4096 } as const;
      readonly #inner: ReferenceDirectory;
      constructor(board: ConstructorParameters<typeof ReferenceDirectory>[0]) {
        this.#inner = new ReferenceDirectory(board);
        writer = this.#inner;
      }
      find(...args: Parameters<ReferenceDirectory['find']>) {
        return this.#inner.find(...args);
      }
    }
    let writer: ReferenceDirectory | undefined;
    const readOnly = directoryCases({ publishes: false, interruptible: true });
    expect(readOnly.length).toBeGreaterThan(5);
    for (const { run } of readOnly) {
      await run({ ...boardFixture(ReadOnly), publish: async (one) => writer?.publish(one) });
    }
  });
});

describe('a directory broken on purpose', () => {
  const catches = brokenDirectories.flatMap(({ fault, caughtBy, createFixture }) =>
    caughtBy.map((name) => ({ fault, name, createFixture })),
  );
  it.each(catches)('that $fault is caught by "$name"', async ({ name, createFixture }) => {
    const caught = impatient.find((one) => one.name === name);
    expect(caught).toBeDefined();
    await expect(caught?.run(createFixture())).rejects.toThrow(/./);
  });

  it('exists for every case', () => {
    const needed = new Set(brokenDirectories.flatMap(({ caughtBy }) => caughtBy));
    expect(cases.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
