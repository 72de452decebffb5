import { temporaryDirectory } from '@sotto/testing/files';
import { describe, expect, it } from 'vitest';
import { powContestants } from '../src/proof-of-work/contestants.js';
import { type Results, race } from '../src/race.js';
import { figureOf } from '../src/statistics.js';
import { DEPLOYED_POW, wholeContestants } from '../src/whole/contestants.js';
import { startConversation, wholeScenarios } from '../src/whole/conversation.js';
import type { Setup, WholeScenarioId } from '../src/whole/library.js';
import { formatRatios, judgeWhole } from '../src/whole/report.js';

const setups: readonly Setup[] = [
  { provider: 'accelerated', store: 'leveldb', minimumPow: DEPLOYED_POW },
  { provider: 'webassembly', store: 'sqlite', minimumPow: 0 },
];

describe('a conversation of whole messages', () => {
  it.each(setups)('goes both ways in a session, %o', async (setup) => {
    const { alice, bob, bring } = await startConversation(setup, temporaryDirectory());
    const read: string[] = [];
    for (const messenger of [alice, bob]) {
      messenger.on('message', ({ payload, protection }) => {
        read.push(`${protection} ${new TextDecoder().decode(payload)}`);
      });
    }
    await bring(alice, bob, new TextEncoder().encode('one'));
    await bring(bob, alice, new TextEncoder().encode('two'));
    expect(read).toEqual(['dr one', 'dr two']);
    for (const { measure } of Object.values(wholeScenarios)) {
      const before = read.length;
      const { operations, run } = measure({ alice, bob, bring });
      await run();
      expect(read.length - before).toBe(operations);
    }
    expect(await alice.outbox.pending()).toEqual(new Set());
    await Promise.all([alice.close(), bob.close()]);
  });
});

describe('a race of whole messages', () => {
  it('has a figure for each scenario', async () => {
    const contestants = wholeContestants.filter(({ title }) => title === 'Sotto, accelerated, LevelDB');
    const scenarios = Object.keys(wholeScenarios) as WholeScenarioId[];
    const results = await race({ contestants, scenarios, rounds: 1, milliseconds: 1, onProgress: () => {} });
    for (const scenario of scenarios) {
      expect([...(results.get(scenario)?.values() ?? [])]).toEqual([
        expect.objectContaining({ median: expect.any(Number) }),
      ]);
    }
  });

  it('is held against the recorded Go client, and a rival where that was measured', () => {
    const steady = (value: number) => figureOf(Array(6).fill(value));
    const figure = steady(1710);
    const [ours] = wholeContestants.filter(({ title }) => title === 'Sotto, accelerated, LevelDB');
    const id = ours?.id ?? '';
    const alone: Results<WholeScenarioId> = new Map([['1 KiB', new Map([[id, figure]])]]);
    expect(judgeWhole(alone, wholeContestants)).toEqual([
      expect.stringMatching(/^met .* 10x \(10x to 10x\) of the recorded/),
    ]);
    expect(formatRatios(alone, wholeContestants)).toMatch(/accelerated, LevelDB +\| 10x +\| - /);
    const rival = new Map([...(alone.get('1 KiB') ?? []), ['libsignal-client', steady(3420)] as const]);
    expect(formatRatios(new Map([['1 KiB', rival]]), wholeContestants)).toMatch(
      /LevelDB +\| 10x +\| 0\.50x /,
    );
  });
});

describe('proof of work', () => {
  it('has a figure for each miner of ours', async () => {
    const contestants = powContestants.filter(({ kind }) => kind === 'sotto');
    const scenarios = ['256 B', '1.5 KiB'] as const;
    const results = await race({ contestants, scenarios, rounds: 1, milliseconds: 1, onProgress: () => {} });
    for (const scenario of scenarios) {
      expect([...(results.get(scenario)?.values() ?? [])]).toEqual(
        contestants.map(() => expect.objectContaining({ median: expect.any(Number) })),
      );
    }
  });
});
