import { randomInt } from 'node:crypto';
import { encodeUtf8 } from '@sotto/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answerTo, askAll, askOne } from '../src/anti-entropy.js';
import { compareEntries, type Entry, nameOf, Registers } from '../src/registers.js';
import { inMessages, type SyncMessage } from '../src/sync-message.js';

/** How many scenarios; more with SOTTO_MODEL_RUNS, in nightly runs and before a release. */
const RUNS = Number(process.env['SOTTO_MODEL_RUNS'] ?? 300);
/** Printed with each failure; set it to see the same scenarios again. */
const SEED = Number(process.env['SOTTO_MODEL_SEED'] ?? randomInt(2 ** 31));

type Action =
  | { readonly type: 'edit'; readonly who: number; readonly key: number; readonly removes: boolean }
  | { readonly type: 'deliver' | 'drop' | 'repeat'; readonly pick: number }
  | { readonly type: 'crash' | 'ask'; readonly who: number }
  | { readonly type: 'jump'; readonly who: number; readonly hours: number };

const nat = fc.nat({ max: 1_000 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('edit' as const),
      who: nat,
      key: fc.nat({ max: 5 }),
      removes: fc.boolean(),
    }),
  },
  { weight: 12, arbitrary: fc.record({ type: fc.constant('deliver' as const), pick: nat }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constantFrom('drop' as const, 'repeat' as const), pick: nat }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('crash' as const, 'ask' as const), who: nat }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('jump' as const),
      who: nat,
      hours: fc.oneof(fc.integer({ min: -48, max: 48 }), fc.constantFrom(-1e6, 1e6)),
    }),
  },
);

interface Device {
  readonly name: string;
  /** What a commit has stored; a restart begins with it. */
  readonly stored: { entries: Map<string, Entry>; latest: number };
  registers: Registers;
  now: number;
}

/** A device that keeps what it commits. Committing and sending are one step, as in the messenger. */
function newDevice(name: string): Device {
  return {
    name,
    stored: { entries: new Map(), latest: 0 },
    registers: new Registers(name, 0),
    now: 1_000_000,
  };
}

function commit(device: Device, entries: readonly Entry[]): void {
  for (const entry of entries) {
    device.stored.entries.set(nameOf(entry), entry);
    device.registers.set(entry);
  }
  device.stored.latest = device.registers.latest;
}

interface Envelope {
  readonly from: Device;
  readonly to: Device;
  readonly message: SyncMessage;
}

function play(count: number, actions: readonly Action[]): { readonly delivered: number } {
  const devices = Array.from({ length: count }, (_, i) => newDevice(`device ${i}`));
  const way: Envelope[] = [];
  /** Of each edit, the one that the device had seen before. */
  const seenBefore: { readonly earlier: Entry; readonly later: Entry }[] = [];
  let delivered = 0;
  let edits = 0;
  const deviceAt = (index: number) => devices[index % devices.length] as Device;
  const post = (from: Device, messages: readonly SyncMessage[]) => {
    for (const message of messages)
      for (const to of devices) if (to !== from) way.push({ from, to, message });
  };
  const deliver = ({ from, to, message }: Envelope) => {
    delivered++;
    if (message.kind === 'digest') {
      post(to, answerTo(to.registers, message, from.name, to.name, 2));
      return;
    }
    const news = message.entries.filter((entry) => to.registers.isNews(entry));
    commit(to, news);
    if (message.more && news.length > 0) post(to, [askOne(to.registers, from.name)]);
  };
  const take = (pick: number) => way.splice(pick % Math.max(1, way.length), 1)[0];
  for (const one of actions) {
    switch (one.type) {
      case 'edit': {
        const device = deviceAt(one.who);
        const key = `key ${one.key}`;
        const before = device.registers.get(`1 ${key}`);
        const value = one.removes ? undefined : encodeUtf8(`edit ${edits++}`);
        const entry = device.registers.stamp(1, key, value, device.now++);
        if (before !== undefined) seenBefore.push({ earlier: before, later: entry });
        commit(device, [entry]);
        post(device, [{ kind: 'changes', entries: [entry], more: false }]);
        break;
      }
      case 'deliver': {
        const envelope = take(one.pick);
        if (envelope !== undefined) deliver(envelope);
        break;
      }
      case 'drop':
        take(one.pick);
        break;
      case 'repeat': {
        const envelope = way[one.pick % Math.max(1, way.length)];
        if (envelope !== undefined) deliver(envelope);
        break;
      }
      case 'crash': {
        const device = deviceAt(one.who);
        device.registers = new Registers(device.name, device.stored.latest);
        for (const entry of device.stored.entries.values()) device.registers.set(entry);
        break;
      }
      case 'ask':
        post(deviceAt(one.who), [askAll(deviceAt(one.who).registers)]);
        break;
      case 'jump':
        deviceAt(one.who).now += one.hours * 3_600_000;
    }
  }
  // From now on, all messages arrive.
  way.length = 0;
  for (const device of devices) post(device, [askAll(device.registers)]);
  for (let i = 0; way.length > 0; i++) {
    if (i > 100_000) throw new Error('there is no end of messages');
    deliver(way.shift() as Envelope);
  }
  const [first, ...others] = devices.map(({ registers }) =>
    [...registers.all()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
  );
  for (const other of others) expect(other).toEqual(first);
  for (const { earlier, later } of seenBefore) {
    expect(compareEntries(later, earlier)).toBeGreaterThan(0);
    expect(first).not.toContainEqual(earlier);
  }
  // Those that agree say nothing to each other but that.
  for (const device of devices) post(device, [askAll(device.registers)]);
  const questions = way.splice(0);
  for (const envelope of questions) deliver(envelope);
  expect(way).toEqual([]);
  expect(inMessages(first ?? []).flat()).toEqual(first);
  return { delivered };
}

it(`devices agree, and a change of what was seen counts (seed ${SEED}, ${RUNS} runs)`, () => {
  process.stdout.write(`model: seed ${SEED}, ${RUNS} runs\n`);
  let delivered = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.array(action, { minLength: 5, maxLength: 80 }),
      (count, actions) => {
        delivered += play(count, actions).delivered;
      },
    ),
    { numRuns: RUNS, seed: SEED },
  );
  expect(delivered).toBeGreaterThan(0);
}, 3_600_000);
