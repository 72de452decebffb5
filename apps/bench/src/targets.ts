import { contestants, PURE_JAVASCRIPT } from './contestants.js';
import type { ScenarioId } from './library.js';
import type { Results } from './race.js';
import { judge, measuredOf, verdictOn } from './report.js';
import { type Figure, ratioOf } from './statistics.js';

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

interface Judged {
  readonly target: Target;
  readonly ratio: Figure;
}

/** The targets whose contestants were measured. */
function judged(results: Results): Judged[] {
  return targets.flatMap((target) => {
    const figures = results.get(target.scenario);
    const own = measuredOf(figures, target.ours);
    const others = target.rivals.flatMap((id) => measuredOf(figures, id) ?? []);
    const ratio = own && others.length > 0 ? ratioOf(own, others) : undefined;
    return ratio === undefined ? [] : [{ target, ratio }];
  });
}

/** A line per target whose contestants were measured: whether it is met, and by how much. */
export function judgeTargets(results: Results): string[] {
  return judged(results).map(({ target: { scenario, ours, against, least }, ratio }) => {
    const title = contestants.find(({ id }) => id === ours)?.title ?? ours;
    return judge({ scenario, title, against }, ratio, least);
  });
}

/** The contestants that have to be measured again, by scenario, for targets that are undecided. */
export function undecidedOf(results: Results): ReadonlyMap<ScenarioId, readonly string[]> {
  const again = new Map<ScenarioId, Set<string>>();
  for (const { target, ratio } of judged(results)) {
    const { scenario, ours, rivals, least } = target;
    if (verdictOn(ratio, least) !== 'undecided') continue;
    const measured = rivals.filter((id) => measuredOf(results.get(scenario), id) !== undefined);
    again.set(scenario, new Set([...(again.get(scenario) ?? []), ours, ...measured]));
  }
  return new Map([...again].map(([scenario, ids]) => [scenario, [...ids]]));
}
