// `npm run demo:names`: the chapter on names, on a real chain on this machine. Installs the chain at the first time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installChain, startChain } from '@sotto/testing/chain';
import { foundOnChain } from './chapters/found-on-chain.js';
import { Checks } from './checks.js';
import { terminal } from './screen.js';
import { playTour } from './tour.js';

const chain = await startChain(await installChain());
const folder = await mkdtemp(join(tmpdir(), 'sotto-demo-'));
const checks = new Checks(terminal);
try {
  await playTour([foundOnChain(chain)], { screen: terminal, checks, folder, seed: 1, verbose: false });
} finally {
  await rm(folder, { recursive: true, force: true });
  await chain.close();
}
checks.summary();
process.exitCode = checks.failed ? 1 : 0;
