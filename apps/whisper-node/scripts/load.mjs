// Load: so many envelopes a second of mixed topics through the built node, by devp2p or by the relay, with relay clients
// that listen and the archive on. Where `taskset` is there, the node has one core and this has another. Reports what came
// through, CPU and memory of the node; heap at begin and end are of a collected heap. Memory is what the node has for itself
// (RssAnon); LevelDB also maps the files of the archive, pages that the system takes back when it wants them (RssFile).
//   node apps/whisper-node/scripts/load.mjs [--feed relay|devp2p] [--rate 2000] [--seconds 180] [--clients 20] [--peers 1]
//     [--archive-days 30] [--profile DIR]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { defaultProvider } from '@sotto/crypto';
import { EnvelopePool, encodeEnvelope } from '@sotto/whisper-transport';
import { createWhisperHost } from '@sotto/whisper-transport/devp2p';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { WebSocket } from 'ws';
import { withFastKeccak } from '../dist/fast-keccak.js';

const { values } = parseArgs({
  options: {
    feed: { type: 'string', default: 'relay' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '180' },
    clients: { type: 'string', default: '20' },
    peers: { type: 'string', default: '1' },
    'archive-days': { type: 'string', default: '30' },
    profile: { type: 'string' },
  },
});
const [rate, seconds, clients, peers] = [values.rate, values.seconds, values.clients, values.peers].map(
  Number,
);
const TOPICS = 5_000;
const TOPICS_OF_A_CLIENT = 100;
const TTL = 15;
const REPORT_S = 10;
const TICK_MS = 10;
/** Envelopes a second of one who publishes by the relay, below what the node allows by default. */
const RATE_OF_A_PUBLISHER = 80;
const crypto = await withFastKeccak(defaultProvider());
const topics = Array.from({ length: TOPICS }, () => crypto.randomBytes(4));

// The node

const folder = mkdtempSync(join(tmpdir(), 'sotto-load-'));
const program = join(import.meta.dirname, '../dist/main.js');
const ports = ['relay', 'rpc', 'admin', 'p2p'].flatMap((name) => [`--${name}`, '127.0.0.1:0']);
const profiler = values.profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', values.profile];
// The node looks at the work of each envelope as ever; the one who makes them need not do it.
const settings = ['--data', folder, '--min-pow', '0', '--archive-days', values['archive-days'], ...ports];
const command = [
  process.execPath,
  '--expose-gc',
  ...profiler,
  '--import',
  collectOnSignal(),
  program,
  ...settings,
];

/** Collects garbage when told to, so that what is held on to can be seen. */
function collectOnSignal() {
  return `data:text/javascript,${encodeURIComponent("process.on('SIGUSR2', () => globalThis.gc());")}`;
}

function pinnedToOneCore() {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-apc', '1', String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const oneCore = pinnedToOneCore();
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

/** Seconds of CPU that the node has had, all threads. */
function cpuSeconds() {
  const fields = readFileSync(`/proc/${node.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Bytes of the node's memory that are its own, and of files that it has mapped; none where there is no /proc. */
function residentMemory() {
  const status = readFileSync(`/proc/${node.pid}/status`, 'utf8');
  const read = (name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { own: read('RssAnon'), mapped: read('RssFile') };
}

async function figures() {
  // A connection of its own: one that is kept is closed by the node after five seconds, and this loop may be too busy
  // to notice before it uses it again.
  const [response] = await once(get(`${started.admin}/metrics`, { agent: false }), 'response');
  const text = await textOf(response);
  const read = (name) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1] ?? 0,
    );
  return {
    taken: read(`whisper_node_envelopes_total{from="${values.feed === 'relay' ? 'relay' : 'peers'}"}`),
    pool: read('whisper_node_pool_envelopes'),
    archived: read('whisper_node_archive_envelopes'),
    ...residentMemory(),
    heap: read('nodejs_heap_size_used_bytes'),
    committed: read('nodejs_heap_size_total_bytes'),
    // Of sockets and of hash tables: what a heap does not show.
    external: read('nodejs_external_memory_bytes'),
  };
}

async function collectedHeap() {
  node.kill('SIGUSR2');
  const { heap, own, mapped } = await figures();
  const [heapMB, ownMB, mappedMB] = [heap, own, mapped].map((bytes) => Math.round(bytes / 1e6));
  return `${heapMB} MB of heap, RSS ${ownMB} MB and ${mappedMB} MB of mapped files`;
}

// Who listens

let delivered = 0;
async function openSocket() {
  const socket = new WebSocket(started.relay, { perMessageDeflate: false, skipUTF8Validation: true });
  await once(socket, 'open');
  return socket;
}

const listeners = await Promise.all(
  Array.from({ length: clients }, async () => {
    const socket = await openSocket();
    socket.on('message', () => delivered++);
    const own = Array.from({ length: TOPICS_OF_A_CLIENT }, () => topics[Math.floor(Math.random() * TOPICS)]);
    socket.send(encodeClientFrame({ kind: 'subscribe', id: 1, topics: own }));
    return socket;
  }),
);

// Who sends

/** One envelope a topic, made before the clock starts; what differs from one to the next is written into a copy. */
const templates = topics.map((topic, i) =>
  encodeEnvelope({
    expiry: Math.floor(Date.now() / 1000) + TTL,
    ttl: TTL,
    topic,
    data: crypto.randomBytes(284 + 256 * (i % 3)),
    nonce: 0n,
  }),
);
/** RLP of a list of 256 bytes or more: its head has three bytes, the expiry's one. */
const EXPIRY_AT = 4;
/** Somewhere in the data. */
const SERIAL_AT = 64;
let sent = 0;

/** @param head bytes to leave free before it */
function nextEnvelope(head) {
  const template = templates[Math.floor(Math.random() * TOPICS)];
  const bytes = new Uint8Array(head + template.length);
  bytes.set(template, head);
  const view = new DataView(bytes.buffer, head);
  view.setUint32(EXPIRY_AT, Math.floor(Date.now() / 1000) + TTL);
  view.setUint32(SERIAL_AT, sent++);
  return bytes;
}

async function feedByRelay() {
  const publish = encodeClientFrame({ kind: 'publish', id: 7, envelope: new Uint8Array(0) });
  const sockets = await Promise.all(
    Array.from({ length: Math.ceil(rate / RATE_OF_A_PUBLISHER) }, openSocket),
  );
  let turn = 0;
  return {
    send() {
      const frame = nextEnvelope(publish.length);
      frame.set(publish);
      sockets[turn++ % sockets.length].send(frame);
    },
    close: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
}

async function feedByDevp2p() {
  const hosts = await Promise.all(Array.from({ length: peers }, openPeer));
  let turn = 0;
  return {
    send() {
      // Resolves when the socket has it; what is behind is sent together.
      const host = hosts[turn++ % hosts.length];
      void host.publish(nextEnvelope(0)).catch((error) => process.stderr.write(`${error}\n`));
    },
    close: () => Promise.all(hosts.map((host) => host.close())),
  };
}

async function openPeer() {
  let onPeer;
  const there = new Promise((resolve) => {
    onPeer = resolve;
  });
  const pool = new EnvelopePool({ crypto, policy: { minimumPow: 0 } });
  // Wants no topic, so that the node need not send it what the others bring.
  const bloom = new Uint8Array(64);
  const host = await createWhisperHost({ crypto, peers: [started.enode], bloom, onPeer, pool });
  await there;
  return host;
}

const feed = await (values.feed === 'relay' ? feedByRelay() : feedByDevp2p());

// The run

const columns = [
  's',
  'sent/s',
  'taken/s',
  'archived',
  'delivered/s',
  'alive',
  'CPU %',
  'RSS MB',
  'mapped MB',
  'heap MB',
  'of MB',
  'ext. MB',
];
const row = (cells) => process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join('')}\n`);
process.stdout.write(
  `${rate}/s for ${seconds} s by ${values.feed}, ${clients} relay clients, ${oneCore ? 'the node on one core' : 'all cores'}; load average ${loadavg()[0].toFixed(1)}\n`,
);
process.stdout.write(`At the begin, collected: ${await collectedHeap()}.\n`);
row(columns);

const begin = performance.now();
let before = { at: 0, sent: 0, taken: 0, delivered, cpu: cpuSeconds() };
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
      perSecond(now.taken, before.taken),
      now.archived,
      perSecond(delivered, before.delivered),
      now.pool,
      Math.round((100 * (cpu - before.cpu)) / span),
      ...[now.own, now.mapped, now.heap, now.committed, now.external].map((bytes) => Math.round(bytes / 1e6)),
    ]);
    before = { at: elapsed, sent, taken: now.taken, delivered, cpu };
    nextReport += REPORT_S;
    if (elapsed >= seconds) break;
  }
  const due = Math.min(Math.floor(elapsed * rate) - sent, rate);
  for (let i = 0; i < due; i++) feed.send();
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
const took = (performance.now() - begin) / 1000;
const { taken } = await figures();
process.stdout.write(
  `Sent ${sent}, taken ${taken}: ${Math.round(taken / took)} a second over ${Math.round(took)} s.\n`,
);
process.stdout.write(
  `At the end, collected: ${await collectedHeap()}; load average ${loadavg()[0].toFixed(1)}.\n`,
);

for (const socket of listeners) socket.terminate();
await feed.close();
const ended = once(node, 'exit');
node.kill('SIGTERM');
const [code] = await ended;
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`The node ended with ${code}.\n`);
