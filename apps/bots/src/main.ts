// A process with its share of many bots, each of which repeats what it is told.
//   node dist/main.js --database postgres://bots@localhost/bots --relay ws://127.0.0.1:8547 --bots 10000 --process 0 --processes 2
// It writes one JSON object a line: what it has, what it answered. A line `code NAME` on stdin has it write a bot's contact code.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { errorName } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { openPostgresDatabase } from '@sotto/store-adapters/postgres';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { Fleet } from './fleet.js';
import { Places } from './places.js';
import { TopicSwitch } from './topic-switch.js';

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    relay: { type: 'string', default: 'ws://127.0.0.1:8547' },
    bots: { type: 'string', default: '100' },
    process: { type: 'string', default: '0' },
    processes: { type: 'string', default: '1' },
    'start-ms': { type: 'string', default: '10000' },
    'idle-ms': { type: 'string', default: '5000' },
    awake: { type: 'string', default: '100' },
  },
});
if (values.database === undefined) {
  console.error('--database: where is PostgreSQL?');
  process.exit(2);
}
const report = (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
};

const database = await openPostgresDatabase({ connection: values.database });
const topics = await TopicSwitch.open(createRelayCarrier({ url: values.relay, callTimeout: 60_000 }));
const places = new Places(Number(values.awake));
const fleet = new Fleet(database, {
  topics,
  crypto: defaultProvider(),
  enter: () => places.enter(),
  idleMs: Number(values['idle-ms']),
  answer: async (messenger, { conversation, payload }) => {
    await messenger.send(conversation, payload);
  },
  report,
});

createInterface({ input: process.stdin }).on('line', async (line) => {
  const bot = fleet.bot(line.slice('code '.length));
  try {
    if (bot !== undefined) report('code', { bot: bot.name, code: await bot.code() });
  } catch (error) {
    report('failed', { error: errorName(error) });
  }
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await fleet.stop();
    await database.close();
    await topics.close();
    process.exit();
  });
}

report('starting');
const names = Array.from({ length: Number(values.bots) }, (_, i) => `bot ${i}`);
await fleet.run(names, {
  process: Number(values.process),
  processes: Number(values.processes),
  startMs: Number(values['start-ms']),
});
