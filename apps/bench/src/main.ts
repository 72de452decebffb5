// Measures Sotto and its rivals in the same run. See README.md.
import { parseArgs } from 'node:util';
import { measureBare } from './bare.js';
import { contestants } from './contestants.js';
import { growthParts, measureGrowth } from './growth/report.js';
import { measurePostQuantum } from './post-quantum/report.js';
import { measureProofOfWork } from './proof-of-work/report.js';
import type { Pace } from './report.js';
import { reportScale } from './scale/report.js';
import { scenarios } from './scenarios.js';
import { measureTiming } from './timing/report.js';
import { measureWhole } from './whole/report.js';

const USAGE = `npm run bench -- [options]
  --whole          whole messages instead: messenger, store on disk, sealed envelopes
  --growth         instead: curves of time and memory, by sessions, group size, devices, body size, topics
  --pow            proof of work instead
  --post-quantum   instead: what post-quantum sessions cost beside today's, by processor time; about 4 minutes
  --scale          instead: what 1,000 to 100,000,000 people cause, simulated; see docs/scaling.md
  --timing         instead: whether secrets show in the time of each provider's operations; about 3 minutes
  --short          a moment for each: checks that all of it runs, the figures mean nothing
  --rounds N       times that each is measured (6); those with an undecided target more often
  --ms N           milliseconds of each measurement (500)
  --scenario NAME  only this one; may be repeated: ${scenarios.map(({ id }) => `"${id}"`).join(', ')}
  --only ID        only this contestant; may be repeated: ${contestants.map(({ id }) => id).join(', ')};
                   with --whole a part of a title, such as "accelerated, LevelDB"
  With --growth, --scenario is one of: ${Object.keys(growthParts).join(', ')}; --ms is not used
`;

const { values: options } = parseArgs({
  options: {
    whole: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    pow: { type: 'boolean', default: false },
    'post-quantum': { type: 'boolean', default: false },
    scale: { type: 'boolean', default: false },
    timing: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    scenario: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
});

const { short, only, scenario } = options;
const pace: Pace = {
  short,
  rounds: Number(options.rounds ?? (short ? 1 : 6)),
  milliseconds: Number(options.ms ?? (short ? 10 : 500)),
};

if (options.help) process.stdout.write(USAGE);
else if (options.whole) await measureWhole(pace, { only, scenario });
else if (options.growth) await measureGrowth(pace, { scenario });
else if (options.pow) await measureProofOfWork(pace);
else if (options['post-quantum']) await measurePostQuantum(pace);
else if (options.timing) await measureTiming(pace);
else if (options.scale) await reportScale();
else await measureBare(pace, { only, scenario });
