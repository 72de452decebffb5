// `npm run release`: versions and change logs from .changeset/, a commit and tags, a clean build, a look into the tarballs,
// and all packages to the registry, with provenance. A release that broke off is resumed by the same command.
//   --dry-run              all of it in a copy; nothing is published, pushed or changed here
//   --without-provenance   from a machine that is not CI, which can't state provenance
// NPM_TOKEN is the registry's token. Without it, npm's own login is used, or what the registry trusts CI for.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { placeholderAddress } from './release/metadata.mjs';
import { writeSbom } from './release/sbom.mjs';
import {
  buildPackages,
  checkTarballs,
  copyRepository,
  mustRun,
  publishPackages,
  versionOf,
  versionPackages,
} from './release/steps.mjs';
import { root, toolEnvironment } from './workspace.mjs';

const { values } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    'without-provenance': { type: 'boolean', default: false },
  },
});

const say = (line) => process.stdout.write(`${line}\n`);

function hasChangesets(folder) {
  return readdirSync(join(folder, '.changeset')).some((file) => /[.]md$/.test(file) && file !== 'README.md');
}

/** What stands in the way of a real release, in lines for people. */
async function obstacles() {
  const branch = (await mustRun('git', ['rev-parse', '--abbrev-ref', 'HEAD'])).trim();
  const changed = (await mustRun('git', ['status', '--porcelain'])).trim();
  const placeholder = placeholderAddress();
  return [
    placeholder &&
      `package.json still has the placeholder ${placeholder}: put the address of the repository there`,
    branch !== 'main' && `releases are made from main, and this is ${branch}`,
    changed !== '' && 'there are changes that are not committed',
    process.env.CI !== 'true' &&
      !values['without-provenance'] &&
      'only CI can state provenance: run the workflow, or add --without-provenance',
  ].filter(Boolean);
}

/** The environment for publishing, with the token in a file that only lives as long as it. */
async function withToken(work) {
  const { NPM_TOKEN: token } = process.env;
  if (!token) return work(toolEnvironment);
  const registry = new URL((await mustRun('npm', ['config', 'get', 'registry'])).trim());
  const folder = mkdtempSync(join(tmpdir(), 'sotto-npmrc-'));
  try {
    const file = join(folder, 'npmrc');
    const line = `//${registry.host}${registry.pathname}:_authToken=\${NPM_TOKEN}\n`;
    writeFileSync(file, line, { mode: 0o600 });
    return await work({ ...toolEnvironment, NPM_CONFIG_USERCONFIG: file });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function tryRelease() {
  say('Copying the working tree...');
  const copy = await copyRepository();
  try {
    const version = hasChangesets(copy) ? await versionPackages(copy) : versionOf(copy);
    say(`The version is ${version}. Building, and looking into the tarballs...`);
    await buildPackages(copy);
    await checkTarballs(copy);
    await publishPackages(copy, ['--dry-run'], toolEnvironment);
    say(`${await writeSbom()} components in the bill of materials`);
    const left = await obstacles();
    say(
      `Nothing was published. ${left.length === 0 ? 'Nothing stands in the way.' : 'A real release is refused:'}`,
    );
    for (const line of left) say(`- ${line}`);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function release() {
  const left = await obstacles();
  if (left.length > 0) throw new Error(`Not released:\n${left.map((line) => `- ${line}`).join('\n')}`);
  if (hasChangesets(root)) {
    const version = await versionPackages(root);
    await mustRun('git', ['add', '--all', '.changeset', 'packages']);
    await mustRun('git', ['commit', '--message', `Release ${version}`]);
  }
  const version = versionOf(root);
  say(`Releasing ${version}. Building, and looking into the tarballs...`);
  await buildPackages(root);
  await checkTarballs(root);
  say(`${await writeSbom()} components in the bill of materials`);
  const provenance = values['without-provenance'] ? [] : ['--provenance'];
  say(await withToken((env) => publishPackages(root, provenance, env)));
  say(await mustRun('changeset', ['tag']));
  await mustRun('git', ['push', '--follow-tags', 'origin', 'HEAD:main']);
  await mustRun('git', ['push', '--tags', 'origin']);
  say(`Released ${version}.`);
}

try {
  await (values['dry-run'] ? tryRelease() : release());
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
