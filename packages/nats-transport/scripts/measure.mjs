// What a NATS server, or cluster, does for the carrier: node scripts/measure.mjs nats://host:4222[,...] [--replicas 3] [--bytes 1100]
// It creates a stream of its own on the subjects `sotto-measure.*`, and deletes it.
import { parseArgs } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createNatsCarrier, natsStreamConfig } from '../dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { replicas: { type: 'string', default: '1' }, bytes: { type: 'string', default: '1100' } },
});
const servers = (positionals[0] ?? 'nats://127.0.0.1:4222').split(',');
const [stream, prefix] = ['SOTTO_MEASURE', 'sotto-measure'];
const PUBLISHED = 20_000;
const TOPICS = 10_000;
const IN_FLIGHT = 256;
const HISTORY_TOPICS = 200;

const operator = await connect({ servers });
const manager = await jetstreamManager(operator);
await manager.streams.delete(stream).catch(() => undefined);
const config = { stream, prefix, replicas: Number(values.replicas), maxAgeDays: 1 };
await manager.streams.add({ ...natsStreamConfig(config), deny_delete: false, deny_purge: false });

const carrier = createNatsCarrier({ connect: () => connect({ servers }), stream, prefix });
const topicOf = (n) => Uint8Array.of(0, n >> 16, (n >> 8) & 0xff, n & 0xff);
const envelopeOf = (n) => {
  const envelope = new Uint8Array(Number(values.bytes));
  new DataView(envelope.buffer).setUint32(0, n);
  return envelope;
};
const report = (what, value) => process.stdout.write(`${what.padEnd(58)} ${Math.round(value)}\n`);
const seconds = async (run) => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
};

let received = 0;
let done = () => {};
const reader = await carrier.open({
  onEnvelope() {
    if (++received === PUBLISHED) done();
  },
});
const writer = await carrier.open({ onEnvelope() {} });
const topics = Array.from({ length: TOPICS }, (_, n) => topicOf(n));
report(
  'ms to subscribe one connection to 10,000 topics',
  1000 * (await seconds(() => reader.subscribe(topics))),
);

const arrived = new Promise((resolve) => {
  done = resolve;
});
let next = 0;
const publisher = async () => {
  while (next < PUBLISHED) {
    const n = next++;
    await writer.publish(topicOf(n % TOPICS), envelopeOf(n));
  }
};
const time = await seconds(async () => {
  await Promise.all(Array.from({ length: IN_FLIGHT }, publisher));
  await arrived;
});
report('envelopes/s stored and delivered to one subscriber', PUBLISHED / time);
const { state } = await manager.streams.info(stream);
report('bytes stored for each envelope, on each replica', state.bytes / state.messages);

const offline = await carrier.open({ onEnvelope() {} });
await offline.subscribe(topics.slice(0, HISTORY_TOPICS));
const from = Date.now() - 3_600_000;
const query = await seconds(() => offline.history(topics.slice(0, HISTORY_TOPICS), from, Date.now()));
report('topics/s read by one client from history', HISTORY_TOPICS / query);

await Promise.all([reader, writer, offline].map((connection) => connection.close()));
await manager.streams.delete(stream);
await operator.close();
