import { contestants, PURE_JAVASCRIPT } from './contestants.js';
import type { ScenarioId } from './library.js';
import type { Results } from './race.js';
import { judge, medianOf } from './report.js';

interface Target {
  readonly scenario: ScenarioId;
  readonly ours: string;
  readonly least: number;
  readonly rivals: readonly string[];
  readonly against: string;
}

const ids = (pick: (id: string) => boolean = () => true) =>
  contestants.filter(({ kind, id }) => kind === 'rival' && pick(id)).map(({ id }) => id);
const BEST = { rivals: ids(), against: 'the best rival' };
const NATIVE = { rivals: ['libsignal-client'], against: 'libsignal-client' };
const OLM = { rivals: ['olm'], against: 'olm' };
const PROTEUS = { rivals: ['proteus'], against: 'proteus' };
const PURE = { rivals: PURE_JAVASCRIPT, against: 'the best in pure JavaScript' };

const fast = 'sotto-accelerated';
const portable = 'sotto-portable';
const webAssembly = 'sotto-webassembly';

const targets: readonly Target[] = [
  { scenario: '1 KiB', ours: fast, least: 1.5, ...BEST },
  { scenario: '1 KiB', ours: fast, least: 4, ...NATIVE },
  { scenario: '1 KiB', ours: portable, least: 3.5, ...PROTEUS },
  { scenario: '1 KiB', ours: portable, least: 1.3, ...NATIVE },
  { scenario: '64 B', ours: fast, least: 1.5, rivals: ids((id) => id !== 'olm'), against: 'all but olm' },
  { scenario: '64 B', ours: fast, least: 0.65, ...OLM },
  { scenario: '64 B', ours: portable, least: 4, ...PROTEUS },
  { scenario: '64 KiB', ours: fast, least: 2, ...BEST },
  { scenario: '64 KiB', ours: portable, least: 0.5, ...PROTEUS },
  { scenario: 'ping-pong', ours: fast, least: 1.2, ...NATIVE },
  { scenario: 'ping-pong', ours: portable, least: 2.5, ...PURE },
  { scenario: 'ping-pong', ours: webAssembly, least: 1, ...OLM },
  { scenario: 'sessions', ours: fast, least: 2, ...NATIVE },
  { scenario: 'sessions', ours: portable, least: 1.3, ...PURE },
  { scenario: 'sessions', ours: webAssembly, least: 1, ...PROTEUS },
  { scenario: 'reverse', ours: fast, least: 1, ...BEST },
  { scenario: 'reverse', ours: portable, least: 10, ...PROTEUS },
];

/** A line per target whose contestants were measured: whether it is met, and by how much. */
export function judgeTargets(results: Results): string[] {
  return targets.flatMap(({ scenario, ours, least, rivals, against }) => {
    const figures = results.get(scenario);
    const own = medianOf(figures, ours);
    const others = rivals.flatMap((id) => medianOf(figures, id) ?? []);
    if (own === undefined || others.length === 0) return [];
    const title = contestants.find(({ id }) => id === ours)?.title ?? ours;
    return [judge({ scenario, title, against }, own / Math.max(...others), least)];
  });
}
