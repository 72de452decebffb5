import type { ConnectOptions, Transport } from '@sotto/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jumpingClock } from './jumping-clock.js';
import { newParty, type Party } from './party.js';
import { manualClock, rest } from './support.js';
import { bytesOf, DAY, HOUR, MINUTE, newNode, START } from './world.js';

/**
 * A node that keeps everything, by the right time.
 * @param tellsTime whether it tells what time it is: never, before each message, or only when it is asked to
 */
function keepingNode(
  right: ReturnType<typeof manualClock>,
  tellsTime: boolean | 'when asked',
  own: { now(): number },
) {
  const kept: { readonly sentAt: number; readonly sender: Uint8Array; readonly payload: Uint8Array }[] = [];
  let line: { readonly party: ConnectOptions; lost: boolean } | undefined;
  let told: number | undefined;
  const give = (party: ConnectOptions, message: (typeof kept)[number], fromHistory: boolean) =>
    party.onMessage({
      ...message,
      sender: message.sender as never,
      payload: message.payload.slice(),
      channel: { kind: 'public', name: 'cats' },
      fromHistory,
    });
  /** As a sealed transport does it: the first time, and when it has changed. */
  const tellTime = () => {
    const skewMs = own.now() - right.now();
    if (!tellsTime || told === skewMs) return;
    told = skewMs;
    line?.party.onClock?.({ skewMs, source: 'node', corrected: true });
  };
  const correctionNow = () => (told !== undefined && Math.abs(told) <= DAY ? told : 0);
  const transport: Transport = {
    capabilities: { maxPayloadBytes: 1 << 20, history: true, confirmsSend: true },
    async connect(party) {
      line = { party, lost: false };
      const mine = line;
      told = undefined;
      tellTime();
      return {
        send: async () => {},
        subscribe: async () => {},
        async history({ from, to }) {
          // The node's list, as far as it has what is asked for; by its time as well, as a sealed transport asks.
          const correction = correctionNow();
          const begin = Math.min(from, from - correction);
          const end = Math.max(to, to - correction);
          const found = kept.filter(({ sentAt }) => sentAt >= begin && sentAt <= end);
          await node.historyTakes;
          for (const message of found) await give(party, message, true);
        },
        close: async () => {
          if (line === mine) line = undefined;
        },
      };
    },
  };
  const node = {
    transport,
    /** How long a query takes. */
    historyTakes: Promise.resolve(),
    async publish(sender: Uint8Array, payload: Uint8Array) {
      const message = { sentAt: right.now(), sender, payload };
      kept.push(message);
      if (tellsTime === true) tellTime();
      // What comes at the wrong time is dropped, as far as that isn't made up for.
      const off = own.now() - right.now();
      const isInTime = Math.min(Math.abs(off), Math.abs(off - correctionNow())) <= 10_000;
      if (line !== undefined && !line.lost && isInTime) await give(line.party, message, false);
    },
    tellTime,
    lose() {
      if (line === undefined || line.lost) return;
      line.lost = true;
      line.party.onStatus?.('reconnecting');
    },
    regain() {
      if (!line?.lost) return;
      line.lost = false;
      tellTime();
      line.party.onStatus?.('connected');
    },
  };
  return node;
}

async function settle(bob: Party): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await bob.messenger.flushed();
    await new Promise(setImmediate);
  }
}

type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'set'; readonly ms: number }
  | { readonly do: 'say' | 'lose' | 'regain' | 'stop' | 'start' };

/** Bob lives through a story, has his clock set right in the end, and starts again: what he did not get then. */
async function missedIn(story: readonly Step[], tellsTime: boolean): Promise<readonly string[]> {
  const right = manualClock(START);
  const own = jumpingClock(START);
  const node = keepingNode(right, tellsTime, own);
  const alice = await newNode('alice-1', { clock: right });
  const bob = await newParty(undefined as never, 'bob-1', { clock: own, transport: node.transport });
  await bob.messenger.chats.join('cats');
  await settle(bob);
  const said: string[] = [];
  let off = 0;
  let runs = true;
  const restart = async () => {
    await (runs ? bob.messenger.close() : undefined);
    runs = true;
    await bob.restart();
    await settle(bob);
  };
  for (const step of story) {
    switch (step.do) {
      case 'pass':
        right.advance(step.ms);
        own.advance(step.ms);
        break;
      case 'set':
        own.jump(step.ms - off);
        off = step.ms;
        break;
      case 'say': {
        const text = `${said.length}`;
        said.push(text);
        const message = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf(text)));
        await node.publish(alice.identity.publicKey, message);
        break;
      }
      case 'lose':
        node.lose();
        break;
      case 'regain':
        node.regain();
        break;
      case 'stop':
        if (runs) await bob.messenger.close();
        runs = false;
        break;
      case 'start':
        if (!runs) await restart();
    }
    await settle(bob);
  }
  own.jump(-off);
  await restart();
  const heard = new Set(bob.texts.map((text) => text.split(': ')[1]));
  await bob.messenger.close();
  return said.filter((text) => !heard.has(text));
}

const pass = (ms: number): Step => ({ do: 'pass', ms });
const set = (ms: number): Step => ({ do: 'set', ms });
const [say, lose, regain, stop, start] = (['say', 'lose', 'regain', 'stop', 'start'] as const).map(
  (one): Step => ({ do: one }),
) as [Step, Step, Step, Step, Step];

it.each([
  ['ahead', HOUR],
  ['behind', -HOUR],
  ['ahead by a minute', MINUTE],
])('set %s: what came before the node told the time comes when it does', async (_, off) => {
  const right = manualClock(START);
  const own = jumpingClock(START);
  const node = keepingNode(right, 'when asked', own);
  const alice = await newNode('alice-1', { clock: right });
  const bob = await newParty(undefined as never, 'bob-1', { clock: own, transport: node.transport });
  await bob.messenger.chats.join('cats');
  await settle(bob);
  const say = async (text: string) => {
    const message = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf(text)));
    await node.publish(alice.identity.publicKey, message);
    await settle(bob);
  };
  await say('before');
  own.jump(off);
  await say('dropped');
  node.tellTime();
  await settle(bob);
  await say('after');
  expect(bob.texts.map((text) => text.split(': ')[1])).toEqual(['before', 'dropped', 'after']);
  await bob.messenger.close();
});

it.each([
  ['tells', true],
  ['does not tell', false],
])(
  'lost for a while during a query that takes hours, from a node that %s the time: what was sent meanwhile comes',
  async (_, tellsTime) => {
    const clock = manualClock(START);
    const node = keepingNode(clock, tellsTime, clock);
    const alice = await newNode('alice-1', { clock });
    const bob = await newParty(undefined as never, 'bob-1', { clock, transport: node.transport });
    await bob.messenger.chats.join('cats');
    await settle(bob);
    const say = async (text: string) => {
      const message = await alice.device.transaction((tx) => alice.device.encodePublic(tx, bytesOf(text)));
      await node.publish(alice.identity.publicKey, message);
      await rest();
    };
    const pass = async (minutes: number) => {
      for (let minute = 0; minute < minutes; minute++) {
        clock.advance(MINUTE);
        await rest();
      }
    };
    await bob.messenger.close();
    await say('before');
    let end = () => {};
    node.historyTakes = new Promise((resolve) => {
      end = resolve;
    });
    await bob.restart();
    const heard = () => new Set(bob.texts.map((text) => text.split(': ')[1]));
    await pass(60);
    node.lose();
    await say('lost');
    node.regain();
    await pass(60);
    await say('live');
    end();
    await pass(1);
    expect(heard()).toEqual(new Set(['before', 'lost', 'live']));
    await bob.messenger.close();
  },
);

describe('what is sent while we are away comes at the start after it, whatever our clock said', () => {
  it.each([
    [
      'set ahead while we run, after the node has told that it is right',
      [say, pass(HOUR), set(DAY), pass(5 * MINUTE), lose, stop, pass(HOUR), say, pass(DAY), pass(HOUR)],
    ],
    [
      'set ahead a moment before the connection is lost',
      [say, pass(HOUR), set(6 * HOUR), lose, pass(MINUTE), stop, pass(HOUR), say, pass(DAY)],
    ],
    [
      'set ahead while the connection is lost, and right before it is back',
      [say, set(3 * HOUR), pass(MINUTE), lose, pass(HOUR), say, pass(3 * HOUR), set(0), regain, pass(MINUTE)],
    ],
    [
      'behind for one start',
      [say, stop, pass(HOUR), say, set(-100 * DAY), start, pass(HOUR), say, stop, pass(HOUR)],
    ],
  ] as [string, Step[]][])('%s', async (_, story) => {
    expect(await missedIn(story, true)).toEqual([]);
    expect(await missedIn(story, false)).toEqual([]);
  });

  it('any story, in a quiet network, with a node that tells the time or not', async () => {
    const time = fc.constantFrom(MINUTE / 2, 5 * MINUTE, HOUR, 5 * HOUR, DAY);
    const off = fc.constantFrom(0, 0, HOUR, 5 * HOUR, DAY, 3 * DAY, -HOUR, -DAY, -40 * DAY);
    const step: fc.Arbitrary<Step> = fc.oneof(
      time.map(pass),
      time.map(pass),
      off.map(set),
      fc.constantFrom(say, lose, regain, stop, start),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.boolean(), async (story, tellsTime) => {
        expect(await missedIn(story, tellsTime)).toEqual([]);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 150) },
    );
  }, 120_000);
});

it('a node or peers that keep saying another time have history queried once a minute, and once more for the last one', async () => {
  const clock = manualClock(START);
  let queries = 0;
  let party: ConnectOptions | undefined;
  const transport: Transport = {
    capabilities: { maxPayloadBytes: 1 << 20, history: true, confirmsSend: true },
    async connect(options) {
      party = options;
      return {
        send: async () => {},
        subscribe: async () => {},
        history: async () => void queries++,
        close: async () => {},
      };
    },
  };
  const bob = await newParty(undefined as never, 'bob-1', { clock, transport });
  await settle(bob);
  const before = queries;
  for (let i = 1; i <= 50; i++) {
    party?.onClock?.({ skewMs: i * 3_000, source: 'peers', corrected: true });
    await settle(bob);
  }
  expect(queries - before).toBe(1);
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(MINUTE);
    await settle(bob);
  }
  expect(queries - before).toBe(2);
});
