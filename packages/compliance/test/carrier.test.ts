import { describe, expect, it } from 'vitest';
import { carrierCases } from '../src/carrier.js';
import { type BrokenCarrier, brokenCarriers, brokenRetainingCarriers } from './broken-carriers.js';
import {
  CarrierNetwork,
  ReferenceCarrierConnection,
  RetainingCarrierConnection,
} from './reference-carrier.js';

const everything = { history: true, interruptible: true };
const cases = carrierCases(everything);
/** Enough for what works; what hangs is waited for so long. */
const impatient = carrierCases({ ...everything, timeout: 300 });

describe('a carrier that keeps every promise', () => {
  it.each(cases)('$name', ({ run }) => run(new CarrierNetwork(ReferenceCarrierConnection).place()));

  it('has fewer cases to pass when it says that it is bad, or can do less', () => {
    const names = carrierCases({ loses: true, repeats: true, reorders: true }).map(({ name }) => name);
    expect(
      names.filter((name) => /^(history|interruption):|none is lost|comes once|order/.test(name)),
    ).toEqual([]);
    expect(names.length).toBeGreaterThan(20);
  });
});

describe('a carrier that retains what was sent before', () => {
  it.each(carrierCases({ ...everything, retains: true }))('$name', ({ run }) =>
    run(new CarrierNetwork(RetainingCarrierConnection).place()),
  );
});

const eachCatch = (carriers: readonly BrokenCarrier[]) =>
  carriers.flatMap(({ fault, caughtBy, createPlace }) =>
    caughtBy.map((name) => ({ fault, name, createPlace })),
  );

describe('a retaining carrier broken on purpose', () => {
  const retaining = carrierCases({ ...everything, retains: true, timeout: 300 });
  it.each(eachCatch(brokenRetainingCarriers))(
    'that $fault is caught by "$name"',
    async ({ name, createPlace }) => {
      const caught = retaining.find((one) => one.name === name);
      await expect(caught?.run(createPlace())).rejects.toThrow(/./);
    },
  );
});

describe('a carrier broken on purpose', () => {
  it.each(eachCatch(brokenCarriers))('that $fault is caught by "$name"', async ({ name, createPlace }) => {
    const caught = impatient.find((one) => one.name === name);
    await expect(caught?.run(createPlace())).rejects.toThrow(/./);
  });

  it('exists for every case', () => {
    const needed = new Set(brokenCarriers.flatMap(({ caughtBy }) => caughtBy));
    expect(cases.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
