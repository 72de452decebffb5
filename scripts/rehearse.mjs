// `npm run rehearse`: a release to a registry on this machine, and what somebody would do with it. Each project of
// scripts/rehearse/projects and examples/ is copied, installed from that registry, and built and run.
//   npm run rehearse -- modules next     only these projects
//   --short                              only the projects that say so ("short" of "rehearsal")
//   --keep                               leaves the folder of the projects, and names it
// Prints a line for each row of the table, writes reports/rehearsal.json and .md, and exits with 1 if one fails.
//
// A project's package.json says by `rehearsal.rows` which command proves which row; an example without it has the rows
// `build` and `test`, of its scripts. A command that prints a line `not here: REASON` and ends with 0 was not tried; a line
// `did: WHAT` becomes part of the table.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRegistry } from './rehearse/registry.mjs';
import { copyRepository, publishPackages, versionOf, versionPackages } from './release/steps.mjs';
import { readJson, root, runTool, toolEnvironment } from './workspace.mjs';

const PARENTS = ['scripts/rehearse/projects', 'examples'];
const ROW_LIMIT_MS = 150_000;

const { values: flags, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } },
});

const say = (line) => process.stdout.write(`${line}\n`);
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);

/** `{ name, source, shared, rows, short }` of each project; `rows` are pairs of a name and a command. */
function findProjects() {
  const found = PARENTS.flatMap((parent) => {
    const folder = join(root, parent);
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    return names
      .map((name) => ({ name, source: join(folder, name), own: parent === PARENTS[0] }))
      .filter(({ source }) => existsSync(join(source, 'package.json')));
  });
  return found.map(({ name, source, own }) => {
    const { rehearsal, scripts = {} } = readJson(join(source, 'package.json'));
    const usual = ['build', 'test'].filter((script) => script in scripts);
    const rows = rehearsal?.rows ?? Object.fromEntries(usual.map((s) => [`${name}: ${s}`, `npm run ${s}`]));
    return { name, source, shared: own, rows: Object.entries(rows), short: rehearsal?.short ?? false };
  });
}

/** Publishes a release made of the working tree. @returns its version */
async function publishTo(registry) {
  const copy = await copyRepository();
  try {
    await versionPackages(copy);
    // Any token will do, but npm wants one.
    writeFileSync(join(copy, 'rehearsal.npmrc'), `//${registry.authority}/:_authToken=anybody\n`);
    await publishPackages(copy, ['--registry', registry.url], {
      ...toolEnvironment,
      NPM_CONFIG_USERCONFIG: join(copy, 'rehearsal.npmrc'),
    });
    return versionOf(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Copies a project, and installs it with the published version of our packages. */
async function install({ name, source, shared }, folder, registry, version) {
  const project = join(folder, name);
  const isSource = (path) => !/[\\/](node_modules|dist|[.]next)$/.test(path);
  cpSync(source, project, { recursive: true, filter: isSource });
  if (shared) cpSync(join(root, 'scripts', 'rehearse', 'shared'), project, { recursive: true });
  const file = join(project, 'package.json');
  const manifest = readJson(file);
  for (const kind of ['dependencies', 'devDependencies']) {
    for (const dependency of Object.keys(manifest[kind] ?? {})) {
      if (dependency.startsWith('@sotto/')) manifest[kind][dependency] = version;
    }
  }
  writeFileSync(file, JSON.stringify(manifest, null, 2));
  writeFileSync(join(project, '.npmrc'), `@sotto:registry=${registry.url}\n`);
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  const { ok, output } = await runTool('npm', args, { cwd: project, env: process.env });
  return { ok, output, project };
}

/** Runs a command in a process group of its own, all of which ends when the time is up. */
function runInGroup(command, options) {
  return new Promise((resolve) => {
    const child = spawn(command, {
      ...options,
      shell: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    const timer = setTimeout(() => {
      output += `\nended after ${ROW_LIMIT_MS / 1000} s\n`;
      process.kill(-child.pid, 'SIGKILL');
    }, ROW_LIMIT_MS);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ ok: code === 0, output });
    });
  });
}

/** Runs the command of a row. @returns `{ ok, output, absent, did }`; `absent` is why it was not tried */
async function runRow(command, project) {
  const path = `${join(project, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  const env = {
    ...process.env,
    PATH: path,
    REHEARSAL_TOOLS: join(root, 'scripts', 'rehearse', 'tools'),
    REHEARSAL_NODE: join(root, 'apps', 'whisper-node', 'dist', 'main.js'),
    NEXT_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
  const outcome = await runInGroup(command, { cwd: project, env });
  const said = (what) => new RegExp(`^${what}: (.*)$`, 'm').exec(outcome.output)?.[1];
  return { ...outcome, absent: outcome.ok ? said('not here') : undefined, did: said('did') };
}

async function rehearse(project, folder, registry, version) {
  const began = performance.now();
  const installed = await install(project, folder, registry, version);
  const results = [];
  if (!installed.ok) {
    say(`FAIL  ${project.name}: npm install\n${installed.output}`);
    return project.rows.map(([row]) => ({ project: project.name, row, outcome: 'failed', seconds: 0 }));
  }
  say(`      ${project.name}: installed in ${seconds(began)} s`);
  for (const [row, command] of project.rows) {
    const start = performance.now();
    const { ok, output, absent, did } = await runRow(command, installed.project);
    const outcome = absent !== undefined ? 'not tried' : ok ? 'works' : 'failed';
    const mark = { works: 'pass', failed: 'FAIL', 'not tried': 'skip' }[outcome];
    say(`${mark}  ${row.padEnd(44)} ${seconds(start).padStart(5)} s  ${absent ?? did ?? ''}`);
    if (!ok) say(output.trimEnd().replace(/^/gm, '      '));
    results.push({
      project: project.name,
      row,
      outcome,
      note: absent ?? did,
      seconds: Number(seconds(start)),
    });
  }
  if (!flags.keep) rmSync(installed.project, { recursive: true, force: true });
  return results;
}

function asMarkdown(version, results) {
  const lines = results.map(
    ({ row, outcome, note = '' }) => `| ${row} | ${outcome} | ${note.replaceAll('|', '\\|')} |`,
  );
  return [
    `Installed from a registry as version ${version}, Node ${process.version}, ${process.platform}.`,
    '',
    '| With | Outcome | What it did |',
    '| ---- | ------- | ----------- |',
    ...lines,
    '',
  ].join('\n');
}

async function main() {
  const projects = findProjects().filter(
    ({ name, short }) => (wanted.length === 0 || wanted.includes(name)) && (!flags.short || short),
  );
  const unknown = wanted.filter((name) => !projects.some((project) => project.name === name));
  if (unknown.length > 0) throw new Error(`Unknown project ${unknown.join(', ')}`);
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'sotto-rehearsal-'));
  const registry = await startRegistry(folder);
  const results = [];
  try {
    say('Building and publishing to a registry on this machine...');
    const version = await publishTo(registry);
    say(`      published ${version} in ${seconds(began)} s`);
    for (const project of projects) results.push(...(await rehearse(project, folder, registry, version)));
    mkdirSync(join(root, 'reports'), { recursive: true });
    writeFileSync(
      join(root, 'reports', 'rehearsal.json'),
      `${JSON.stringify({ version, results }, null, 2)}\n`,
    );
    const table = asMarkdown(version, results);
    writeFileSync(join(root, 'reports', 'rehearsal.md'), table);
    say(`\n${table}`);
  } finally {
    await registry.stop();
    if (flags.keep) say(`The projects are in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
  const failed = results.filter(({ outcome }) => outcome === 'failed');
  say(`${results.length - failed.length} of ${results.length} rows, ${seconds(began)} s`);
  return failed.length === 0 && results.length > 0;
}

process.exitCode = (await main()) ? 0 : 1;
