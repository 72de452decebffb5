// Measures Sotto and its rivals beside each other. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { drawChart } from './chart.js';
import { contestants } from './contestants.js';
import { describeMachine } from './machine.js';
import { race } from './race.js';
import { installRivals } from './rivals.js';
import { scenarios } from './scenarios.js';
import { formatTable } from './table.js';
import { judgeTargets } from './targets.js';

const USAGE = `npm run bench -- [options]
  --short          a moment for each: checks that all of it runs, the figures mean nothing
  --rounds N       times that each is measured (5)
  --ms N           milliseconds of each measurement (500)
  --scenario NAME  only this one; may be repeated: ${scenarios.map(({ id }) => `"${id}"`).join(', ')}
  --only ID        only this contestant; may be repeated: ${contestants.map(({ id }) => id).join(', ')}
`;

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    scenario: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) {
  process.stdout.write(USAGE);
} else {
  await main();
}

async function main(): Promise<void> {
  const chosen = contestants.filter(({ id }) => options.only?.includes(id) ?? true);
  const wanted = scenarios.filter(({ id }) => options.scenario?.includes(id) ?? true);
  if (chosen.length === 0 || wanted.length === 0) throw new Error(`Nothing of that name.\n${USAGE}`);
  if (chosen.some(({ kind }) => kind === 'rival')) installRivals();
  const rounds = Number(options.rounds ?? (options.short ? 1 : 5));
  const milliseconds = Number(options.ms ?? (options.short ? 10 : 500));
  const results = await race({
    contestants: chosen,
    scenarios: wanted.map(({ id }) => id),
    rounds,
    milliseconds,
    onProgress: (text) => process.stderr.write(`\r\x1b[K${text}`),
  });
  process.stderr.write('\r\x1b[K');

  const machine = describeMachine();
  const lines = [
    `${machine}. Medians of ${rounds} interleaved rounds of ${milliseconds} ms, with their spread.`,
    '',
    formatTable(results),
    '',
    ...wanted.map(({ id, about }) => `${id}: ${about}`),
    '',
    ...chosen.flatMap(({ title, note }) => (note === undefined ? [] : [`${title}: ${note}.`])),
    '',
    ...(options.short ? [] : judgeTargets(results)),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  const failures = [...results].flatMap(([scenario, figures]) =>
    [...figures].flatMap(([id, figure]) =>
      typeof figure === 'string' ? [`${scenario}: ${id} ${figure}`] : [],
    ),
  );
  for (const failure of failures) process.stderr.write(`${failure}\n`);
  if (failures.length > 0) process.exitCode = 1;

  const folder = fileURLToPath(new URL('../reports/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const plain = Object.fromEntries(
    [...results].map(([scenario, figures]) => [scenario, Object.fromEntries(figures)]),
  );
  writeFileSync(
    `${folder}bench.json`,
    `${JSON.stringify({ machine, rounds, milliseconds, results: plain }, null, 2)}\n`,
  );
  writeFileSync(`${folder}bench.svg`, drawChart(results, machine));
  process.stderr.write(`Also in ${folder}: bench.json, bench.svg\n`);
}
