// Load: so many envelopes a second of mixed topics through the built node, by the relay or by devp2p, with relay clients
// that listen and the archive on. Where `taskset` is there, the node has one core and those who send have the others. Reports
// what came through, CPU and memory of the node (JS is its main thread, which waits when others have the core); heap at begin and end are of a collected heap. Memory is what the node has
// for itself (RssAnon); LevelDB also maps the files of the archive, pages that the system takes back when it wants them (RssFile).
//   node apps/whisper-node/scripts/load.mjs [--feed relay|devp2p] [--rate 2000] [--seconds 180] [--feeders 1] [--peers 1]
//     [--clients 20] [--archive-days 30] [--report 10] [--profile DIR] [--garbage N [--chats 1000]]
// With --garbage, so many envelopes are garbage of several kinds (envelopes.mjs says which), and in the midst of it a client with
// many chats is written to once a second.
import { fork } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeClientFrame } from '@sotto/whisper-transport/relay-protocol';
import { WebSocket } from 'ws';
import { startChats, topicsOfChats } from './load/chats.mjs';
import { startNode } from './load/node-under-load.mjs';

const { values } = parseArgs({
  options: {
    feed: { type: 'string', default: 'relay' },
    rate: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '180' },
    feeders: { type: 'string', default: '1' },
    peers: { type: 'string', default: '1' },
    clients: { type: 'string', default: '20' },
    'archive-days': { type: 'string', default: '30' },
    report: { type: 'string', default: '10' },
    profile: { type: 'string' },
    garbage: { type: 'string', default: '0' },
    chats: { type: 'string', default: '1000' },
  },
});
const [rate, seconds, feeders, peers, clients, report, garbage, chats] = [
  values.rate,
  values.seconds,
  values.feeders,
  values.peers,
  values.clients,
  values.report,
  values.garbage,
  values.chats,
].map(Number);
const TOPICS = 5_000;
const TOPICS_OF_A_CLIENT = 100;
const CHAT_EVERY_MS = 1_000;
const say = (line) => process.stdout.write(`${line}\n`);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// The node looks at the work of each envelope as ever; the one who makes them need not do it, but for garbage.
const light = garbage > 0 ? [] : ['--min-pow', '0'];
const node = await startNode([...light, '--archive-days', values['archive-days']], values.profile);
const topics =
  garbage > 0 ? topicsOfChats(chats) : Array.from({ length: TOPICS }, () => new Uint8Array(randomBytes(4)));

// Who listens

let delivered = 0;
const listeners = await Promise.all(
  Array.from({ length: clients }, async () => {
    const socket = new WebSocket(node.relay, { perMessageDeflate: false, skipUTF8Validation: true });
    await once(socket, 'open');
    socket.on('message', () => delivered++);
    const own = Array.from({ length: TOPICS_OF_A_CLIENT }, () => topics[randomInt(topics.length)]);
    socket.send(encodeClientFrame({ kind: 'subscribe', id: 1, topics: own }));
    return socket;
  }),
);

// Who sends

const total = garbage > 0 ? garbage : rate * seconds;
const children = await Promise.all(
  Array.from({ length: feeders }, async () => {
    const child = fork(join(import.meta.dirname, 'load/children/feeder.mjs'));
    process.once('exit', () => child.kill('SIGKILL'));
    child.once('exit', (code) => code !== null && code !== 0 && process.exit(code));
    child.send({
      feed: values.feed,
      garbage: garbage > 0,
      total: Math.floor(total / feeders),
      rate: rate / feeders,
      peers,
      relay: node.relay,
      enode: node.enode,
      topics: topics.map((topic) => Buffer.from(topic).toString('hex')),
    });
    await once(child, 'message');
    return child;
  }),
);

/** What was sent so far, and refused by the relay, with the reasons. */
async function sentSoFar() {
  const counts = await Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message');
      child.send('how much?');
      return (await answer)[0];
    }),
  );
  const refused = {};
  for (const one of counts) {
    for (const [why, count] of Object.entries(one.refused)) refused[why] = (refused[why] ?? 0) + count;
  }
  return { sent: counts.reduce((sum, one) => sum + one.sent, 0), refused };
}

const talk = garbage > 0 ? await startChats(node.relay, chats, CHAT_EVERY_MS) : undefined;

// The run

const columns = [
  's',
  'sent/s',
  'taken/s',
  'busy',
  'archived',
  'delivered/s',
  'alive',
  'CPU %',
  'JS %',
  'waits %',
  'lag ms',
  'RSS MB',
  'mapped MB',
  'heap MB',
  'of MB',
  'ext. MB',
];
const row = (cells) => say(cells.map((cell) => String(cell).padStart(11)).join(' '));
const load = () => `load average ${loadavg()[0].toFixed(1)}`;
const what = garbage > 0 ? `${garbage} of garbage, ${rate}/s` : `${rate}/s for ${seconds} s`;
const cores = node.oneCore ? 'the node on one core' : 'all cores';
say(`${what} by ${values.feed} from ${feeders} processes, ${clients} relay clients, ${cores}; ${load()}`);
say(`At the begin, collected: ${await node.collectedHeap()}.`);
row(columns);
const begin = performance.now();
for (const child of children) child.send('go');
let before = { at: 0, sent: 0, taken: 0, busy: 0, delivered, cpu: node.cpuSeconds() };
for (let ended = false; !ended; ) {
  const wanted = before.at + report;
  for (let elapsed = 0; elapsed < wanted && !ended; ) {
    await sleep(100);
    elapsed = (performance.now() - begin) / 1000;
    const allSent =
      elapsed * rate >= total && (await sentSoFar()).sent >= feeders * Math.floor(total / feeders);
    ended = allSent || (garbage === 0 && elapsed >= seconds);
  }
  const now = await node.figures();
  const { sent } = await sentSoFar();
  const cpu = node.cpuSeconds();
  const at = (performance.now() - begin) / 1000;
  const span = at - before.at;
  const perSecond = (value, earlier) => Math.round((value - earlier) / span);
  row([
    Math.round(at),
    perSecond(sent, before.sent),
    perSecond(now.taken, before.taken),
    now.busy - before.busy,
    now.archived,
    perSecond(delivered, before.delivered),
    now.pool,
    ...['all', 'main', 'waited'].map((what) => Math.round((100 * (cpu[what] - before.cpu[what])) / span)),
    Math.round(now.lag),
    ...[now.own, now.mapped, now.heap, now.committed, now.external].map((bytes) => Math.round(bytes / 1e6)),
  ]);
  before = { at, sent, taken: now.taken, busy: now.busy, delivered, cpu };
}

// What is on its way may arrive.
await sleep(2_000);
const { sent, refused } = await sentSoFar();
const { taken, repeated, refusedOfPeers, bans } = await node.figures();
say(
  `Sent ${sent}, taken ${taken}: ${Math.round(taken / before.at)} a second over ${Math.round(before.at)} s.`,
);
if (values.feed === 'devp2p') say(`Of peers: ${repeated} repeated, ${refusedOfPeers} refused, ${bans} bans.`);
for (const [why, count] of Object.entries(refused).sort(([, a], [, b]) => b - a)) {
  say(`Refused by the relay: ${count}, ${why}.`);
}
if (talk !== undefined) {
  const { sent, refused, lost, repeated } = await talk.close();
  say(
    `The client with ${chats} chats was sent ${sent} messages: ${lost} did not come, ${repeated} came more than once.`,
  );
  if (refused > 0) say(`${refused} more were given up by who sent them, after waiting for the relay.`);
}
say(`At the end, collected: ${await node.collectedHeap()}; ${load()}.`);
for (const socket of listeners) socket.terminate();
for (const child of children) {
  child.removeAllListeners('exit');
  child.kill();
}
say(`The node ended with ${await node.stop()}.`);
