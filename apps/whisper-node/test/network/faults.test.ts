import process from 'node:process';
import { repetitions } from '@sotto/testing/long';
import { type LinkFaults, TwoHosts } from '@sotto/testing/network';
import type {} from '@sotto/testing/network/setup';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type NodeProcess, startNode } from '../node-process.js';
import { Participant } from './participant.js';

const link = inject('link');
const MESSAGES = Number(process.env['SOTTO_NETWORK_MESSAGES'] ?? repetitions(500, 2_000));
/** Messages of each side in a test of one fault. */
const A_FEW = 20;
const HOUR = 3_600_000;

/** A mobile network on a bad day. It is never better than that here. */
const ALWAYS: LinkFaults = { delayMs: 20, loss: 0.02, duplicate: 0.01, corrupt: 0.01, reorder: 0.03 };

describe.skipIf(link === undefined)('two messengers and a relay, over a network with faults', () => {
  let hosts: TwoHosts;
  let node: NodeProcess;
  let alice: Participant;
  let bob: Participant;
  let count = 0;
  /** The first test that failed. What it lost would be missing in every other, each of which would wait for it. */
  let failed: string | undefined;

  beforeAll(async () => {
    hosts = await TwoHosts.open(link as string);
    const { address, prefix } = hosts.first;
    node = await startNode(['--rpc', 'off', '--p2p', 'off'], {}, { address, prefix });
    alice = new Participant(hosts.second, node.relay, 'sqlite');
    bob = new Participant(hosts.second, node.relay, 'leveldb');
    await hosts.setFaults(ALWAYS);
    await Promise.all([alice.start(), bob.start()]);
    await alice.add(bob);
  });
  afterAll(async () => {
    const counts = await hosts?.setFaults({});
    process.stdout.write(
      `network: ${alice?.said.length} and ${bob?.said.length} messages, seed ${hosts?.seed}, losses of the ` +
        `connection ${alice?.losses} and ${bob?.losses}, packets ${JSON.stringify(counts)}\n`,
    );
    await alice?.close();
    await bob?.close();
    await node?.close();
    await hosts?.close();
  });

  beforeEach(({ skip }) => skip(failed !== undefined, `“${failed}” failed`));
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failed ??= task.name;
  });

  /** Both send so many messages. */
  async function talk(each: number): Promise<void> {
    const texts = Array.from({ length: each }, () => `message ${count++}`);
    await Promise.all([alice.say(bob, texts), bob.say(alice, texts)]);
  }

  /** Nothing lost, nothing twice, and nobody was troubled. */
  async function allArrived(): Promise<void> {
    const missing = (said: readonly string[], got: readonly string[]) => {
      const there = new Set(got);
      return said.filter((text) => !there.has(text));
    };
    const wrong = () => ({
      missing: [...missing(alice.said, bob.got), ...missing(bob.said, alice.got)],
      trouble: [...alice.trouble, ...bob.trouble],
    });
    await expect.poll(wrong, { timeout: 90_000 }).toEqual({ missing: [], trouble: [] });
    expect(bob.got.toSorted()).toEqual(alice.said.toSorted());
    expect(alice.got.toSorted()).toEqual(bob.said.toSorted());
  }

  /** Resolves when both have noticed that their connection is lost. */
  async function bothLost(): Promise<void> {
    const before = [alice.losses, bob.losses] as const;
    await expect
      .poll(() => alice.losses > before[0] && bob.losses > before[1], { timeout: 30_000 })
      .toBe(true);
  }

  async function bothOnline(): Promise<void> {
    await hosts.setFaults(ALWAYS);
    await expect.poll(() => alice.isOnline && bob.isOnline, { timeout: 30_000 }).toBe(true);
  }

  async function restartNode(): Promise<void> {
    await node.kill();
    await node.start();
  }

  async function restartBob(): Promise<void> {
    await bob.kill();
    await hosts.setFaults(ALWAYS);
    await bob.start();
  }

  it('delay, loss, repetition, corruption and reordering of packets', async () => {
    await talk(A_FEW);
    await allArrived();
  });

  it('each sent when the one before was accepted: in this order', async () => {
    const begin = bob.got.length;
    const texts = Array.from({ length: A_FEW }, () => `message ${count++}`);
    for (const text of texts) {
      await alice.say(bob, [text]);
      await alice.flush();
    }
    await allArrived();
    expect(bob.got.slice(begin)).toEqual(texts);
  });

  it('a partition', async () => {
    const lost = bothLost();
    await hosts.setFaults({ ...ALWAYS, cut: 'both' });
    await talk(A_FEW);
    await lost;
    await talk(A_FEW);
    await hosts.setFaults(ALWAYS);
    await talk(A_FEW);
    await allArrived();
  });

  it.each([
    ['from the relay', 'first'],
    ['to the relay', 'second'],
  ] as const)('a partition of one direction: nothing %s arrives', async (_, cut) => {
    const lost = bothLost();
    await hosts.setFaults({ ...ALWAYS, cut });
    await talk(A_FEW);
    await lost;
    await hosts.setFaults(ALWAYS);
    await allArrived();
  });

  it('a path that swallows large packets, and tells nobody', async () => {
    const lost = bothLost();
    await hosts.setFaults({ ...ALWAYS, largestBytes: 400 });
    await talk(A_FEW);
    await lost;
    await hosts.setFaults(ALWAYS);
    await allArrived();
  });

  it('a small MTU', async () => {
    const { first, second } = hosts;
    await Promise.all([first.setMtu(576), second.setMtu(576)]);
    await talk(A_FEW);
    await allArrived();
    await Promise.all([first.setMtu(1_500), second.setMtu(1_500)]);
  });

  it('another address for the people: their sockets are left half-open on both sides', async () => {
    const port = Number(new URL(node.relay).port);
    const lost = bothLost();
    await hosts.second.moveTo('10.77.0.3');
    await talk(A_FEW);
    await lost;
    await allArrived();
    // The node pings every 30 seconds, and gives up who has not answered by the next time.
    await expect.poll(() => hosts.first.connectionsAt(port), { timeout: 90_000 }).toBe(2);
  });

  it('the node restarted while nobody could tell: half-open for the people alone', async () => {
    await hosts.setFaults({ ...ALWAYS, cut: 'both' });
    await node.kill();
    await talk(A_FEW);
    await node.start();
    await hosts.setFaults(ALWAYS);
    await allArrived();
  });

  it('the node restarted in the middle', async () => {
    const talking = talk(3 * A_FEW);
    await restartNode();
    await talking;
    await allArrived();
  });

  it('a person killed while nobody could tell, and started again', async () => {
    await hosts.setFaults({ ...ALWAYS, cut: 'both' });
    await talk(A_FEW);
    await restartBob();
    await talk(A_FEW);
    await allArrived();
  });

  it.each([2, -2, 20, -20])('clocks that jump by %i hours, and back', async (hours) => {
    const set = async (ahead: number) => {
      await Promise.all([alice.setClockAhead(ahead * HOUR), bob.setClockAhead(-ahead * HOUR)]);
      // Before and after they notice.
      await talk(3);
      await expect.poll(() => alice.knowsTheTime && bob.knowsTheTime, { timeout: 30_000 }).toBe(true);
      await talk(3);
      await allArrived();
    };
    await set(hours);
    await set(0);
  });

  it.each([3, -3])('clocks that jump by %i hours while the connection is lost', async (hours) => {
    const lost = bothLost();
    await hosts.setFaults({ ...ALWAYS, cut: 'both' });
    await talk(3);
    await lost;
    await alice.setClockAhead(hours * HOUR);
    await bob.setClockAhead(-hours * HOUR);
    await talk(3);
    await hosts.setFaults(ALWAYS);
    await allArrived();
    await alice.setClockAhead(0);
    await bob.setClockAhead(0);
    await expect.poll(() => alice.knowsTheTime && bob.knowsTheTime, { timeout: 30_000 }).toBe(true);
  });

  it(
    `${MESSAGES} messages, with all of it`,
    async () => {
      const isNoticed = true;
      const faults: readonly { readonly begin: () => Promise<unknown>; readonly isNoticed?: boolean }[] = [
        { begin: () => hosts.setFaults({ ...ALWAYS, cut: 'both' }), isNoticed },
        { begin: () => hosts.setFaults(ALWAYS) },
        { begin: () => hosts.setFaults({ ...ALWAYS, cut: 'first' }), isNoticed },
        { begin: () => alice.setClockAhead(5 * HOUR) },
        { begin: () => hosts.setFaults({ ...ALWAYS, delayMs: 100, loss: 0.1 }) },
        { begin: () => hosts.second.moveTo('10.77.0.4'), isNoticed },
        { begin: () => hosts.setFaults({ ...ALWAYS, cut: 'second' }), isNoticed },
        { begin: restartNode },
        { begin: () => hosts.setFaults({ ...ALWAYS, largestBytes: 300 }), isNoticed },
        { begin: () => alice.setClockAhead(0) },
        { begin: () => hosts.setFaults(ALWAYS) },
        { begin: restartBob },
        { begin: () => hosts.second.moveTo('10.77.0.2') },
      ];
      const rounds = Math.max(faults.length, Math.round(MESSAGES / 100));
      for (let round = 0; round < rounds; round++) {
        const fault = faults[round % faults.length] as (typeof faults)[number];
        if (fault.isNoticed) await bothOnline();
        const lost = fault.isNoticed ? bothLost() : undefined;
        await fault.begin();
        await talk(Math.ceil(MESSAGES / 2 / rounds));
        await lost;
      }
      await hosts.setFaults(ALWAYS);
      await allArrived();
    },
    300_000 + 100 * MESSAGES,
  );
});
