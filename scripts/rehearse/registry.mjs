// A registry on this machine, with nothing in it but what is published to it.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { mustRun } from '../release/steps.mjs';
import { root } from '../workspace.mjs';

/** Verdaccio with what it needs is 58 MB, so it is installed beside the dependencies, and only for this. */
async function loadVerdaccio() {
  const cwd = join(root, 'node_modules', '.cache', 'rehearsal-registry');
  if (!existsSync(join(cwd, 'node_modules', 'verdaccio', 'package.json'))) {
    mkdirSync(cwd, { recursive: true });
    cpSync(join(root, 'scripts', 'rehearse', 'registry', 'package.json'), join(cwd, 'package.json'));
    await mustRun('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'], {
      cwd,
    });
  }
  return createRequire(join(cwd, 'package.json'))('verdaccio');
}

/**
 * Starts it.
 * @param folder in which it keeps what is published
 * @returns `{ url, authority, stop() }`; `authority` is host and port
 */
export async function startRegistry(folder) {
  const { runServer } = await loadVerdaccio();
  const server = await runServer({
    storage: join(folder, 'storage'),
    self_path: folder,
    web: { enable: false },
    auth: {},
    uplinks: {},
    max_body_size: '50mb',
    packages: { '@sotto/*': { access: ['$all'], publish: ['$anonymous'] } },
    log: { type: 'stdout', level: 'fatal' },
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const authority = `127.0.0.1:${server.address().port}`;
  return {
    url: `http://${authority}/`,
    authority,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
