// `npm run chat`: starts a node and the page on this machine, prints the address, and stops both on Ctrl-C.
//   --port N         of the page. Messages belong to the address with its port, so keep it. Default 8546
//   --relay-port N   of the node. Default 8547
//   --data DIR       where the node keeps envelopes for anyone offline. Default .chat-node
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { serveSite } from '../apps/chat-web/scripts/serve.mjs';
import { root } from './workspace.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8546' },
    'relay-port': { type: 'string', default: '8547' },
    data: { type: 'string', default: join(root, '.chat-node') },
  },
});

/** The node: `{ relay, admin, ended, stop }`. */
function startNode() {
  const settings = {
    data: values.data,
    relay: `127.0.0.1:${values['relay-port']}`,
    admin: '127.0.0.1:0',
    rpc: 'off',
    p2p: 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const program = join(root, 'apps', 'whisper-node', 'dist', 'main.js');
  // In a group of its own: a Ctrl-C comes to us, and we stop it in order.
  const child = spawn(process.execPath, [program, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: process.platform !== 'win32',
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    let reason = 'it gave no reason';
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line);
      if (entry.event === 'node.not-started') reason = entry.reason;
      if (entry.event === 'node.started') {
        resolve({ relay: entry.relay, admin: entry.admin, ended, stop: () => child.kill('SIGTERM') });
      }
    });
    void ended.then(() => reject(new Error(`The node did not start: ${reason}`)));
  });
}

function fail(error) {
  const taken = /EADDRINUSE/.test(error.message);
  const advice = taken ? 'Is it running already? Else choose another --port or --relay-port.\n' : '';
  process.stderr.write(`${error.message}\n${advice}`);
  process.exitCode = 1;
}

async function run() {
  const node = await startNode();
  let site;
  try {
    const health = await fetch(`${node.admin}/health`);
    if (!health.ok) throw new Error(`The node is not well: ${await health.text()}`);
    site = await serveSite({ node: node.relay, port: Number(values.port) });
  } catch (error) {
    node.stop();
    fail(error);
    return;
  }
  process.stdout.write(
    [
      '',
      `  Open ${site.url}`,
      '',
      '  and again in another browser, or in a private window: that is somebody else.',
      `  The node is at ${node.relay}. Ctrl-C stops both.`,
      '',
      '',
    ].join('\n'),
  );
  const stop = async () => {
    await site.close();
    node.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stop());
  const code = await node.ended;
  await site.close();
  if (code !== 0) fail(new Error('The node has stopped'));
}

run().catch((error) => fail(error));
