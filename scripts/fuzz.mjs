/**
 * Coverage-guided fuzzing: npm run fuzz -- [TARGET...] [--minutes N | --seconds N] [--jobs N] [--seed N] [--keep] [--list]
 *
 * Targets are `packages/NAME/test/fuzz/TARGET.ts`; without a name, all are run. Jazzer.js is installed, and its addon compiled, once:
 * that needs g++ and libFuzzer (Debian: libclang-rt-14-dev). Ends with 1 when there was a finding, and prints its input in hex: add it
 * to TARGET.corpus beside the target, and it is a test from then on. With --keep, inputs that reach something new are added there.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleForFuzzer, bundleForNode, FINDING_FILE } from './fuzz/bundle.mjs';
import { keepInCorpus, readCorpus, readInputs, writeInputs } from './fuzz/corpus.mjs';
import { fuzzer } from './fuzz/engine.mjs';
import { root, workspacePackages } from './workspace.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    jobs: { type: 'string' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds ?? 60 * Number(values.minutes ?? 1));
const jobs = Number(values.jobs ?? Math.min(2, availableParallelism()));

const targets = workspacePackages().flatMap(({ folder }) => {
  const path = join(root, folder, 'test', 'fuzz');
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ name: file.slice(0, -3), folder, source: join(path, file) }));
});
if (values.list) {
  for (const { name, folder } of targets) process.stdout.write(`${name.padEnd(28)} ${folder}\n`);
  process.exit();
}
const unknown = positionals.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0 || !(seconds > 0) || !(jobs > 0)) {
  process.stderr.write(
    unknown.length > 0
      ? `Unknown target ${unknown.join(', ')}. Those there are: npm run fuzz -- --list\n`
      : '--minutes, --seconds and --jobs take a number above 0.\n',
  );
  process.exit(2);
}

const program = await fuzzer().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
});
const waiting = targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
let findings = 0;
let runs = 0;
await Promise.all(
  Array.from({ length: jobs }, async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) await run(target);
  }),
);
process.stdout.write(`${runs} targets, ${findings} with a finding\n`);
process.exitCode = findings === 0 ? 0 : 1;

async function run({ name, folder, source }) {
  const work = join(root, folder, '.build', 'fuzz', name);
  rmSync(work, { recursive: true, force: true });
  const inputs = join(work, 'inputs');
  mkdirSync(inputs, { recursive: true });
  const corpus = source.replace(/\.ts$/, '.corpus');
  const forNode = join(work, 'target.mjs');
  await bundleForNode(source, forNode);
  const { default: target } = await import(pathToFileURL(forNode).href);
  const seeds = join(work, 'seeds');
  writeInputs(seeds, [...target.seeds(), ...readCorpus(corpus)]);
  const file = await bundleForFuzzer(source, work);
  const libFuzzer = [
    `-max_total_time=${seconds}`,
    '-max_len=65536',
    ...(values.seed === undefined ? [] : [`-seed=${Number(values.seed)}`]),
    '-timeout=120',
    `-artifact_prefix=${work}/finding-`,
  ];
  const flags = ['--sync', '--includes', file, '--excludes', 'libraries', '--disable_bug_detectors', '.*'];
  const started = Date.now();
  const { code, output } = await ended(
    process.execPath,
    [
      program,
      file,
      ...flags.filter((flag) => flag !== '--sync' || !target.isAsync),
      inputs,
      seeds,
      '--',
      ...libFuzzer,
    ],
    { cwd: work },
  );
  runs++;
  const executions = /Done (\d+) runs/.exec(output)?.[1] ?? /#(\d+)\t(?!.*#\d+\t)/s.exec(output)?.[1] ?? '?';
  // It may die of a signal after a finding, so any other end than that of the time is one.
  const isFound = code !== 0;
  const taken = `${Math.round((Date.now() - started) / 1000)} s, ${executions} runs, ${readdirSync(inputs).length} new inputs`;
  process.stdout.write(`${isFound ? 'FINDING' : 'ok     '} ${name.padEnd(28)} ${taken}\n`);
  if (values.keep) keepInCorpus(corpus, readInputs(inputs));
  if (!isFound) return;
  findings++;
  process.stdout.write(`${output.split('\n').slice(-12).join('\n')}\n`);
  const noted = join(work, FINDING_FILE);
  if (existsSync(noted)) process.stdout.write(`The input, in hex:\n${readFileSync(noted, 'utf8')}\n`);
}

function ended(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-1_000_000);
      });
    }
    child.on('close', (code, signal) => resolve({ code: signal === null ? code : 128, output }));
  });
}
