// Starts the node as npx does, and sends a message over its relay.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { talk } from './talk.mjs';

const folder = mkdtempSync(join(tmpdir(), 'sotto-node-'));
const off = ['--p2p', 'off', '--rpc', 'off', '--admin', 'off'];
const node = spawn('sotto-whisper-node', ['--data', join(folder, 'data'), '--relay', '127.0.0.1:0', ...off], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(node, 'exit');
try {
  const [line] = await once(createInterface({ input: node.stdout }), 'line');
  const [url] = /ws:\/\/[^"\s]+/.exec(line) ?? [];
  if (url === undefined) throw new Error(`It says: ${line}`);
  const connect = () => createSealedTransport(createRelayCarrier({ url }));
  await talk({ transports: [connect(), connect()] });
} finally {
  node.kill('SIGTERM');
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
console.log('did: a message over its relay');
