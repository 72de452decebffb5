import type { EnvelopeSizes } from './sizes.js';

/** How people behave, a day. All of it is assumed; change it to your own figures. */
export interface Behaviour {
  /** Contacts of a person: the median, and the standard deviation of the logarithm. */
  readonly contactsMedian: number;
  readonly contactsSpread: number;
  /** Share of people who use it on a given day. */
  readonly active: number;
  /** Texts written by someone active, to one person or to a group. */
  readonly texts: number;
  /** Share of them that goes to a group, and how many others read it. */
  readonly toGroups: number;
  readonly groupReaders: number;
  /** First messages to strangers. */
  readonly strangers: number;
  /** Contact codes published by each device that is on: every six hours. */
  readonly contactCodes: number;
  /** Messages of the busiest hour, to those of an average one. */
  readonly peak: number;
  /** Days in the history. */
  readonly days: number;
  /** Copies of each stored envelope. */
  readonly replicas: number;
}

export const ASSUMED: Behaviour = {
  contactsMedian: 30,
  contactsSpread: 0.8,
  active: 0.6,
  texts: 40,
  toGroups: 0.2,
  groupReaders: 7,
  strangers: 0.1,
  contactCodes: 4,
  peak: 3,
  days: 30,
  replicas: 3,
};

/** What a number of people causes. */
export interface Outcome {
  readonly users: number;
  /** Envelopes published a second, in the busiest hour. */
  readonly publishedPeak: number;
  /** Envelopes delivered a second, in the busiest hour. */
  readonly deliveredPeak: number;
  /** Bytes that one person receives a day: the mean, and what one in a hundred exceeds. */
  readonly receivedMean: number;
  readonly receivedP99: number;
  /** Of the mean, the share that is for others: strangers' first messages on the partitioned topic, and topics that collide. */
  readonly foreignShare: number;
  /** Bytes sent by one person a day, mean. */
  readonly sentMean: number;
  /** Topics that one person subscribes to: the mean, and what one in a hundred exceeds. */
  readonly topicsMean: number;
  readonly topicsP99: number;
  /** Bytes in the history, all copies. */
  readonly stored: number;
  /** Bytes a second on the shard, if all of it is one shard of a relay: on average. */
  readonly shardRate: number;
  /** People who share a partitioned topic. */
  readonly partition: number;
  /** Other topics in use that have the same four bytes as one of ours. */
  readonly collisions: number;
  /** Topics a second asked of the history, when everyone who is active comes back twice a day, in the busiest hour. */
  readonly historyPeak: number;
}

const PARTITIONS = 5_000;
const TOPICS = 2 ** 32;
const DAY = 86_400;
/** Envelope and message around the text in the store, as a NATS stream adds them. */
const STORE_OVERHEAD = 152;

/** Plays a day of a sample of people, with random numbers of its own that are the same each time. */
export function simulate(
  users: number,
  sizes: EnvelopeSizes,
  behaviour: Behaviour = ASSUMED,
  sample = 20_000,
): Outcome {
  const random = generator(users);
  const people = Array.from({ length: Math.min(users, sample) }, () =>
    playDay(random, users, sizes, behaviour),
  );
  const mean = (of: (day: Day) => number) => people.reduce((sum, day) => sum + of(day), 0) / people.length;
  const p99 = (of: (day: Day) => number) =>
    people.map(of).sort((a, b) => a - b)[Math.floor(people.length * 0.99)] as number;
  const { peak, days, replicas, active } = behaviour;
  const sentMean = mean(({ sent }) => sent);
  const published = mean(({ published }) => published);
  const receivedMean = mean(({ received }) => received);
  const topicsMean = mean(({ topics }) => topics);
  return {
    users,
    publishedPeak: (users * published * peak) / DAY,
    deliveredPeak: (users * mean(({ delivered }) => delivered) * peak) / DAY,
    receivedMean,
    receivedP99: p99(({ received }) => received),
    foreignShare: mean(({ foreign }) => foreign) / receivedMean,
    sentMean,
    topicsMean,
    topicsP99: p99(({ topics }) => topics),
    stored: users * (sentMean + published * STORE_OVERHEAD) * days * replicas,
    shardRate: (users * sentMean) / DAY,
    partition: users / PARTITIONS,
    collisions: topicsInUse(users, behaviour) / TOPICS,
    historyPeak: (users * active * 2 * topicsMean * peak) / DAY,
  };
}

interface Day {
  readonly sent: number;
  readonly published: number;
  readonly received: number;
  readonly delivered: number;
  readonly foreign: number;
  readonly topics: number;
}

function playDay(random: () => number, users: number, sizes: EnvelopeSizes, behaviour: Behaviour): Day {
  const { texts, toGroups, groupReaders, strangers, contactCodes, active } = behaviour;
  const contacts = Math.max(
    1,
    Math.round(behaviour.contactsMedian * Math.exp(behaviour.contactsSpread * normal(random))),
  );
  const isActive = random() < active;
  // Busy people have more contacts: what is received grows with them, as what is sent does.
  const busy = contacts / (behaviour.contactsMedian * Math.exp(behaviour.contactsSpread ** 2 / 2));
  const copies = (count: number) => count * (1 - toGroups + toGroups * groupReaders);
  const written = isActive ? copies(poisson(random, texts * busy)) : 0;
  const first = isActive ? poisson(random, strangers) : 0;
  const codes = isActive ? contactCodes : 0;
  const toUs = copies(poisson(random, texts * active * busy));
  const codesToUs = contacts * contactCodes * active;
  const onPartition = poisson(random, (users / PARTITIONS) * strangers * active);
  const topics = 3 + 2 * contacts;
  const own = toUs * sizes.text + codesToUs * sizes.contactCode;
  // Each of ours is listened to by those of the topics that have the same bytes, and theirs by us.
  const collisions = topicsInUse(users, behaviour) / TOPICS;
  const foreign = onPartition * sizes.first + collisions * own;
  return {
    sent: written * sizes.text + first * sizes.first + codes * sizes.contactCode,
    published: written + first + codes,
    received: own + foreign,
    delivered: (1 + collisions) * (toUs + codesToUs) + onPartition,
    foreign,
    topics,
  };
}

/** A negotiated topic for each pair, a contact code and a discovery topic for each person. */
function topicsInUse(users: number, { contactsMedian, contactsSpread }: Behaviour): number {
  const contacts = Math.min(users - 1, contactsMedian * Math.exp(contactsSpread ** 2 / 2));
  return users * (contacts / 2 + 2);
}

/** Uniform in [0, 1): the same sequence for the same seed, and of no use for secrets. */
function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function poisson(random: () => number, mean: number): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  let count = 0;
  for (let product = random(); product > Math.exp(-mean); product *= random()) count++;
  return count;
}
