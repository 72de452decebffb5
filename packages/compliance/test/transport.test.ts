import { describe, expect, it } from 'vitest';
import { transportCases } from '../src/transport.js';
import {
  type BrokenTransport,
  brokenPlainTransports,
  brokenRetainingTransports,
  brokenTransports,
} from './broken-transports.js';
import { ReferenceConnection, RetainingConnection, TransportNetwork } from './reference-transport.js';

const everything = { history: true, interruptible: true, pseudonyms: 'both' } as const;
const cases = transportCases(everything);
/** Enough for what works; what hangs is waited for so long. */
const impatient = transportCases({ ...everything, timeout: 300 });
const impatientPlain = transportCases({ timeout: 300 });

describe('a transport that keeps every promise', () => {
  it.each(cases)('$name', ({ run }) =>
    run(new TransportNetwork(ReferenceConnection, { pseudonyms: 'both' }).place()),
  );

  it('has fewer cases to pass when it can do less', () => {
    const names = transportCases().map(({ name }) => name);
    expect(names.filter((name) => /^(history|interruption):/.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(25);
  });
});

describe('a transport that retains what was sent before', () => {
  it.each(transportCases({ ...everything, retains: true }))('$name', ({ run }) =>
    run(new TransportNetwork(RetainingConnection, { pseudonyms: 'both' }).place()),
  );
});

const eachCatch = (transports: readonly BrokenTransport[]) =>
  transports.flatMap(({ fault, caughtBy, createPlace }) =>
    caughtBy.map((name) => ({ fault, name, createPlace })),
  );

describe('a retaining transport broken on purpose', () => {
  const retaining = transportCases({ ...everything, retains: true, timeout: 300 });
  it.each(eachCatch(brokenRetainingTransports))(
    'that $fault is caught by "$name"',
    async ({ name, createPlace }) => {
      const caught = retaining.find((one) => one.name === name);
      await expect(caught?.run(createPlace())).rejects.toThrow(/./);
    },
  );
});

describe('a transport without pseudonyms', () => {
  const ofPseudonyms = impatientPlain.filter(({ name }) => name.startsWith('pseudonyms:'));
  it.each(ofPseudonyms)('$name', ({ run }) => run(new TransportNetwork(ReferenceConnection).place()));

  it.each(eachCatch(brokenPlainTransports))(
    'that $fault is caught by "$name"',
    async ({ name, createPlace }) => {
      const caught = ofPseudonyms.find((one) => one.name === name);
      await expect(caught?.run(createPlace())).rejects.toThrow(/./);
    },
  );
});

describe('a transport broken on purpose', () => {
  it.each(eachCatch(brokenTransports))('that $fault is caught by "$name"', async ({ name, createPlace }) => {
    const caught = impatient.find((one) => one.name === name);
    await expect(caught?.run(createPlace())).rejects.toThrow(/./);
  });

  it('exists for every case', () => {
    const needed = new Set(brokenTransports.flatMap(({ caughtBy }) => caughtBy));
    expect(cases.map(({ name }) => name).filter((name) => !needed.has(name))).toEqual([]);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
