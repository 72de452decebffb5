import { join } from 'node:path';
import { Crowd } from './crowd.js';
import type { Extent, Growth } from './curve.js';
import { Notebook, type Place } from './notebook.js';
import type { Providers } from './providers.js';
import type { Spent } from './stopwatch.js';
import { GROWTH_STORES, type GrowthStore } from './stores.js';

/** Members other than ourselves; the last is a full group. */
const SIZES = [2, 10, 100, 999];
/** Group size and devices per member of the targets. */
const AIMED = { size: 100, devices: 2 };
/** Members that receive a single message, for comparison; fewer in smaller groups. */
const SINGLES = 100;
/** Small groups receive several messages per round, so that the time is measurable. */
const LEAST_COPIES = 64;
const SHORT_COPIES = 2;

const along = 'members';
const CURVES = {
  member: { id: 'groups-member', title: 'Send 1 KiB to a group, µs a member', along },
  ratio: { id: 'groups-ratio', title: 'A member of a group, to a single send', along },
  untold: { id: 'groups-untold', title: 'Before members have answered, to a single send', along },
  memory: { id: 'groups-memory', title: 'Most memory held while sending to a group, KiB', along },
  devices: { id: 'devices-send', title: 'Send 1 KiB to one person, µs', along: 'devices of that person' },
} as const;

interface Plan {
  readonly provider: keyof Providers;
  readonly kind: GrowthStore;
  readonly devices: number;
  readonly sizes: readonly number[];
}

/** Cost of a group message per member, compared with single messages to the same people. */
export async function measureGroups(providers: Providers, extent: Extent): Promise<Growth> {
  const sizes = extent.short ? SIZES.slice(0, 2) : SIZES;
  const { devices } = AIMED;
  const aimed = Math.min(AIMED.size, sizes.at(-1) as number);
  const [fewer, largest] = sizes.slice(-2) as [number, number];
  // The size of the target, and a smaller one for comparison.
  const ends = [2, aimed];
  const plans: readonly Plan[] = [
    ...(['LevelDB', 'SQLite'] as const).flatMap((kind) =>
      [1, 2, 3].map((count): Plan => ({ provider: 'accelerated', kind, devices: count, sizes })),
    ),
    { provider: 'accelerated', kind: 'encrypted LevelDB', devices, sizes: ends },
    { provider: 'accelerated', kind: 'encrypted SQLite', devices, sizes: ends },
    ...GROWTH_STORES.map((kind): Plan => ({ provider: 'portable', kind, devices, sizes: ends })),
  ];
  const notebook = new Notebook();
  for (const plan of plans) {
    const line = lineOf(plan);
    extent.onProgress(`groups, ${line}: meeting people`);
    const path = join(extent.folder, `groups-${line.replaceAll(/\W+/g, '-')}`);
    const crowd = await Crowd.gather(providers[plan.provider], { ...plan, path });
    await measureCrowd(crowd, plan, notebook, extent);
    await crowd.close();
  }
  const at = (curve: string, plan: Plan, size: number): Place => ({ curve, line: lineOf(plan), at: size });
  const aimedAt = plans.filter((plan) => plan.devices === devices);
  const ofProvider = (provider: keyof Providers) => aimedAt.filter((plan) => plan.provider === provider);
  return {
    curves: notebook.curves(),
    aims: [
      ...(['accelerated', 'portable'] as const).map((provider) => ({
        what: `a member of a group of ${aimed} with ${devices} devices each, to a single send, ${provider}`,
        most: 1.2,
        unit: 'x',
        values: ofProvider(provider).map(
          (plan) => [plan.kind, notebook.median(at(CURVES.ratio.id, plan, aimed))] as const,
        ),
      })),
      {
        what: `most memory held while sending to ${largest} members with ${devices} devices each, to ${fewer}`,
        most: 1.5,
        unit: 'x',
        values: ofProvider('accelerated')
          .filter(({ sizes: all }) => all.includes(largest))
          .map((plan) => {
            const memory = (size: number) => notebook.median(at(CURVES.memory.id, plan, size));
            return [plan.kind, memory(largest) / memory(fewer)] as const;
          }),
      },
    ],
  };
}

async function measureCrowd(
  crowd: Crowd,
  plan: Plan,
  notebook: Notebook,
  { short, rounds, onProgress }: Extent,
): Promise<void> {
  const line = lineOf(plan);
  const copies = short ? SHORT_COPIES : LEAST_COPIES;
  const measureRounds = async (note: (size: number, group: Spent, single: Spent) => void) => {
    // The first round is a warm-up.
    for (let round = 0; round <= rounds; round++) {
      for (const size of plan.sizes) {
        onProgress(`groups, ${line}: ${size} members, round ${round} of ${rounds}`);
        const group = await crowd.timeGroup(size, copies);
        const single = await crowd.timeSingles(Math.min(SINGLES, size), copies);
        if (round > 0) note(size, group, single);
      }
    }
  };
  await measureRounds((size, group, single) =>
    notebook.note(CURVES.untold, line, size, group.processor / single.processor),
  );
  await crowd.hearAll();
  await measureRounds((size, group, single) => {
    notebook.note(CURVES.member, line, size, group);
    notebook.note(CURVES.ratio, line, size, group.processor / single.processor);
    notebook.note(CURVES.devices, storeOf(plan), plan.devices, single);
  });
  for (let round = 0; round < rounds; round++) {
    for (const size of plan.sizes) {
      notebook.note(CURVES.memory, line, size, Math.max(0, await crowd.mostMemory(size)) / 1024);
    }
  }
}

function storeOf({ provider, kind }: Plan): string {
  return provider === 'accelerated' ? kind : `${kind}, ${provider}`;
}

function lineOf(plan: Plan): string {
  return `${storeOf(plan)}, ${plan.devices} ${plan.devices === 1 ? 'device' : 'devices'}`;
}
