import { formatCount } from '../statistics.js';
import { markdownTable } from '../table.js';
import { ASSUMED, type Outcome, simulate } from './simulation.js';
import { measureSizes } from './sizes.js';

/** Envelopes a second that a cluster of three servers stores: measured, see docs/scaling.md; at half load. */
const CLUSTER_RATE = 4_000 / 2;
/** The same that one server hands out, at half load. */
const DELIVERY_RATE = 7_000 / 2;

/** Memory of a NATS server for a connection, and for a subscription of it, in bytes: measured. */
const CONNECTION_BYTES = 19 * 1024;
const SUBSCRIPTION_BYTES = 770;
/** Share of all people who are connected at the same time: assumed. */
const CONNECTED = 0.2;
/** Euros a month, assumed: a server with 24 GB for connections, a terabyte stored, a terabyte sent. */
const PRICE = { server: 60, serverBytes: 24e9, storedTerabyte: 50, sentTerabyte: 1 };

const USERS = [1e3, 1e5, 1e6, 1e8];

const ROWS: readonly (readonly [string, (outcome: Outcome) => string])[] = [
  ['envelopes/s published, busiest hour', ({ publishedPeak }) => formatCount(publishedPeak)],
  ['envelopes/s delivered, busiest hour', ({ deliveredPeak }) => formatCount(deliveredPeak)],
  ['clusters of three as measured, to store', ({ publishedPeak }) => least(publishedPeak / CLUSTER_RATE)],
  ['servers as measured, to deliver', ({ deliveredPeak }) => least(deliveredPeak / DELIVERY_RATE)],
  ['memory of servers for those connected', (outcome) => bytes(memoryOf(outcome))],
  ['euros a month, by assumed prices', (outcome) => formatCount(priceOf(outcome))],
  ['stored in 30 days, three copies', ({ stored }) => bytes(stored)],
  ['sent by a person a day, mean', ({ sentMean }) => bytes(sentMean)],
  ['received by a person a day, mean', ({ receivedMean }) => bytes(receivedMean)],
  ['received by a person a day, P99', ({ receivedP99 }) => bytes(receivedP99)],
  ["of it others' envelopes", ({ foreignShare }) => `${(foreignShare * 100).toPrecision(2)} %`],
  [
    'topics of a person, mean and P99',
    ({ topicsMean, topicsP99 }) => `${formatCount(topicsMean)}, ${topicsP99}`,
  ],
  ['history: topics/s asked for, busiest hour', ({ historyPeak }) => formatCount(historyPeak)],
  ['people who share a partitioned topic', ({ partition }) => formatCount(partition)],
  ['other topics with the same four bytes', ({ collisions }) => collisions.toPrecision(2)],
  ['all on one shard of a relay, mean', ({ shardRate }) => `${bytes(shardRate)}/s`],
];

/** Prints what numbers of people cause, by the sizes of real envelopes and assumed behaviour. */
export async function reportScale(): Promise<void> {
  const sizes = await measureSizes();
  const outcomes = USERS.map((users) => simulate(users, sizes));
  const lines = [
    `Envelopes, bytes: text ${sizes.text}, first message ${sizes.first}, contact code ${sizes.contactCode}.`,
    `Assumed: ${JSON.stringify(ASSUMED)}`,
    '',
    markdownTable(
      ['By number of people', ...USERS.map((users) => users.toLocaleString('en'))],
      ROWS.map(([title, format]) => [title, ...outcomes.map(format)]),
    ),
    '',
  ];
  process.stdout.write(lines.join('\n'));
}

function memoryOf({ users, topicsMean }: Outcome): number {
  return users * CONNECTED * (CONNECTION_BYTES + topicsMean * SUBSCRIPTION_BYTES);
}

function priceOf(outcome: Outcome): number {
  const { publishedPeak, deliveredPeak, stored, users, receivedMean } = outcome;
  const servers = Math.max(
    3,
    (3 * publishedPeak) / CLUSTER_RATE,
    deliveredPeak / DELIVERY_RATE,
    memoryOf(outcome) / PRICE.serverBytes,
  );
  const sentTerabytes = (users * receivedMean * 30) / 1e12;
  return (
    Math.ceil(servers) * PRICE.server +
    (stored / 1e12) * PRICE.storedTerabyte +
    sentTerabytes * PRICE.sentTerabyte
  );
}

function least(count: number): string {
  return Math.max(1, Math.ceil(count)).toLocaleString('en');
}

function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(count) / 3)));
  return `${(count / 1000 ** at).toPrecision(3)} ${units[at]}`;
}
