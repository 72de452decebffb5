// Runs a command beside a relay on this machine: its address replaces {relay} in the arguments, and is RELAY_URL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { NodeProcess } from '../../../packages/testing/dist/whisper-node.js';

const [command, ...args] = process.argv.slice(2);
const { REHEARSAL_NODE: program } = process.env;
const node = await NodeProcess.start({ program });
try {
  const relay = node.relay;
  const child = spawn(
    command,
    args.map((arg) => arg.replaceAll('{relay}', encodeURIComponent(relay))),
    {
      stdio: 'inherit',
      env: { ...process.env, RELAY_URL: relay },
    },
  );
  const [code] = await once(child, 'exit');
  process.exitCode = code ?? 1;
} finally {
  await node.close();
}
