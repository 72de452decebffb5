// Load: so many envelopes a second of mixed topics by devp2p through the built node, on one core where `taskset` is
// there, with relay clients that listen. Reports what came through, CPU and memory of the node.
//   node apps/whisper-node/scripts/load.mjs [--rate 2000] [--seconds 180] [--clients 20] [--profile DIR]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { defaultProvider } from '@sotto/crypto';
import { EnvelopePool, encodeEnvelope } from '@sotto/whisper-transport';
import { createWhisperHost } from '@sotto/whisper-transport/devp2p';
import { relay } from '@sotto/whisper-transport/node';
import { withFastKeccak } from '../dist/fast-keccak.js';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '180' },
    clients: { type: 'string', default: '20' },
    profile: { type: 'string' },
  },
});
const [rate, seconds, clients] = [values.rate, values.seconds, values.clients].map(Number);
const TOPICS = 5_000;
const TOPICS_OF_A_CLIENT = 100;
const REPORT_S = 10;
const TICK_MS = 50;
const crypto = await withFastKeccak(defaultProvider());

const topics = Array.from({ length: TOPICS }, () => crypto.randomBytes(4));
const folder = mkdtempSync(join(tmpdir(), 'sotto-load-'));
const program = join(import.meta.dirname, '../dist/main.js');
const ports = ['relay', 'rpc', 'admin', 'p2p'].flatMap((name) => [`--${name}`, '127.0.0.1:0']);
// The node looks at the work of each envelope as ever; the one who makes them need not do it.
const profiler = values.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', values.profile];
const command = [process.execPath, ...profiler, program, '--data', folder, '--min-pow', '0', ...ports];

function hasTaskset() {
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const oneCore = hasTaskset();
const [file, ...args] = oneCore ? ['taskset', '-c', '0', ...command] : command;
const node = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
process.once('exit', () => node.kill('SIGKILL'));
const started = await new Promise((resolve, reject) => {
  node.once('exit', () => reject(new Error('the node ended')));
  createInterface({ input: node.stdout }).on('line', (line) => {
    const entry = JSON.parse(line);
    if (entry.event === 'node.started') resolve(entry);
    else if (entry.level !== 'info') process.stderr.write(`${line}\n`);
  });
});

let delivered = 0;
const listeners = await Promise.all(
  Array.from({ length: clients }, async () => {
    const connection = await relay({ url: started.relay }).open({
      onEnvelope: () => {
        delivered++;
      },
    });
    await connection.subscribe(
      Array.from({ length: TOPICS_OF_A_CLIENT }, () => topics[Math.floor(Math.random() * TOPICS)]),
    );
    return connection;
  }),
);
let ready;
const there = new Promise((resolve) => {
  ready = resolve;
});
const pool = new EnvelopePool({ crypto, policy: { minimumPow: 0 } });
const host = await createWhisperHost({ crypto, peers: [started.enode], onPeer: () => ready(), pool });
await there;

function makeEnvelope() {
  const ttl = 15;
  return encodeEnvelope({
    expiry: Math.floor(Date.now() / 1000) + ttl,
    ttl,
    topic: topics[Math.floor(Math.random() * TOPICS)],
    data: crypto.randomBytes(284 + 256 * Math.floor(Math.random() * 3)),
    nonce: 0n,
  });
}

/** Seconds of CPU that the node has had, all threads. */
function cpuSeconds() {
  const fields = readFileSync(`/proc/${node.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function figures() {
  const text = await (await fetch(`${started.admin}/metrics`, { headers: { connection: 'close' } })).text();
  const read = (name) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  return {
    received: read('whisper_node_peers_received'),
    pool: read('whisper_node_pool_envelopes'),
    archived: read('whisper_node_archive_envelopes'),
    rss: read('process_resident_memory_bytes'),
    heap: read('nodejs_heap_size_used_bytes'),
  };
}

const columns = ['s', 'sent/s', 'taken/s', 'archived', 'delivered/s', 'alive', 'CPU %', 'RSS MB', 'heap MB'];
const row = (cells) => process.stdout.write(`${cells.map((cell) => String(cell).padStart(11)).join('')}\n`);
process.stdout.write(
  `${rate}/s for ${seconds} s, ${clients} relay clients, ${oneCore ? 'one core' : 'no taskset here: all cores'}\n`,
);
row(columns);

const begin = performance.now();
let sent = 0;
let before = { at: 0, sent: 0, received: 0, delivered: 0, cpu: cpuSeconds() };
for (let nextReport = REPORT_S; ; ) {
  const elapsed = (performance.now() - begin) / 1000;
  if (elapsed >= nextReport) {
    const now = await figures();
    const cpu = cpuSeconds();
    const span = elapsed - before.at;
    const perSecond = (value, earlier) => Math.round((value - earlier) / span);
    row([
      Math.round(elapsed),
      perSecond(sent, before.sent),
      perSecond(now.received, before.received),
      now.archived,
      perSecond(delivered, before.delivered),
      now.pool,
      Math.round((100 * (cpu - before.cpu)) / span),
      Math.round(now.rss / 1e6),
      Math.round(now.heap / 1e6),
    ]);
    before = { at: elapsed, sent, received: now.received, delivered, cpu };
    nextReport += REPORT_S;
    if (elapsed >= seconds) break;
  }
  const due = Math.min(Math.floor(elapsed * rate) - sent, rate);
  for (let i = 0; i < due; i++) {
    // Resolves when the socket has it; what is behind is sent together.
    void host.publish(makeEnvelope()).catch((error) => process.stderr.write(`${error}\n`));
    sent++;
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}

await Promise.all(listeners.map((connection) => connection.close()));
await host.close();
pool.close();
const ended = once(node, 'exit');
node.kill('SIGTERM');
const [code] = await ended;
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`The node ended with ${code}.\n`);
