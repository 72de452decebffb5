import { join } from 'node:path';
import { decodeUtf8, encodeUtf8 } from '@sotto/core';
import { defaultProvider } from '@sotto/crypto';
import { createMessenger } from '@sotto/messenger';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { bundlePath } from '@sotto/testing/bundle';
import { LineProcess } from '@sotto/testing/line-process';
import { PostgresServer } from '@sotto/testing/postgres';
import type {} from '@sotto/testing/postgres/setup';
import { NodeProcess } from '@sotto/testing/whisper-node';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import { describe, expect, inject, it, onTestFinished } from 'vitest';

const programs = inject('postgres');
const PROGRAM = bundlePath(join(import.meta.dirname, '../..'), 'dist/main.js');
const NODE_PROGRAM = bundlePath(join(import.meta.dirname, '../../../whisper-node'), 'dist/main.js');
/** 10,000 for the figures in the README: an hour at most. */
const BOTS = Number(process.env['SOTTO_BOTS'] ?? 50);
/** Bots that are asked something. */
const ASKED = 8;
const LONG = 3_600_000;

type Line = Readonly<Record<string, unknown>>;

/** A process of the example. */
class Fleet {
  readonly process: LineProcess;
  readonly #flags: string;

  constructor(url: string, relay: string, number: number) {
    const options = {
      database: url,
      relay,
      bots: BOTS,
      process: number,
      processes: 2,
      'start-ms': 2_000,
      'idle-ms': 1_000,
    };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#flags = `process ${number}`;
    this.process = new LineProcess(process.execPath, [PROGRAM, ...flags]);
    onTestFinished(() => void this.process.kill());
  }

  get lines(): Line[] {
    return this.process.lines.map((line) => JSON.parse(line) as Line);
  }

  /** The first line that fits, from the beginning or yet to come. */
  async line(fits: (line: Line) => boolean): Promise<Line> {
    return JSON.parse(await this.process.line((line) => fits(JSON.parse(line) as Line))) as Line;
  }

  /** Resolves when it has had, for so many times, all the stores that it waited for. */
  async open(times: number): Promise<void> {
    await this.line(() => this.lines.filter(({ event }) => event === 'open').length >= times);
  }

  async code(bot: string): Promise<string> {
    this.process.write(`code ${bot}\n`);
    const { code } = await this.line(({ event, bot: name }) => event === 'code' && name === bot);
    return code as string;
  }

  /** Resolves when it has so many bots. */
  async has(bots: number): Promise<void> {
    const begin = performance.now();
    const line = await this.line(({ event, bots: all }) => event === 'complete' && all === bots);
    const ms = Math.round(performance.now() - begin);
    process.stdout.write(`bots: ${this.#flags} has ${bots} after ${ms} ms: ${JSON.stringify(line)}\n`);
  }
}

/** Somebody who asks bots. */
async function newPerson(relay: string) {
  const identity = defaultProvider().secp256k1.generateKeyPair();
  const transport = createSealedTransport(createRelayCarrier({ url: relay }));
  const messenger = await createMessenger({ identity, store: createMemoryStore(), transport });
  onTestFinished(() => messenger.close());
  const heard: string[] = [];
  messenger.on('message', async ({ payload, acknowledge }) => {
    heard.push(decodeUtf8(payload));
    await acknowledge();
  });
  await messenger.start();
  return { messenger, heard };
}

describe.skipIf(programs === undefined)('bots in one database, over two processes', () => {
  it(
    'share them, and when one process is killed the other has all of them, and answers for them',
    async () => {
      const server = await PostgresServer.start(programs as string);
      onTestFinished(() => server.close());
      const topics = String(Math.max(2_000, 4 * BOTS));
      const flags = ['--relay-topics', topics, '--relay-rate', '2000'];
      const node = await NodeProcess.start({ program: NODE_PROGRAM, flags });
      onTestFinished(() => node.close());
      const url = await server.createDatabase();
      const [first, second] = [new Fleet(url, node.relay, 0), new Fleet(url, node.relay, 1)];
      await Promise.all([first.has(BOTS / 2), second.has(BOTS / 2)]);

      const person = await newPerson(node.relay);
      const peers: Uint8Array[] = [];
      for (let i = 0; i < ASKED; i++) {
        const code = await (i % 2 === 0 ? first : second).code(`bot ${i}`);
        peers.push((await person.messenger.contacts.add(code)).identity);
      }
      const ask = (round: string) =>
        Promise.all(peers.map((peer, i) => person.messenger.send(peer, encodeUtf8(`${round} ${i}`))));
      const answers = (round: string) => peers.map((_, i) => `${round} ${i}`);
      await ask('both are there');
      await expect
        .poll(() => [...person.heard].sort(), { timeout: LONG, interval: 200 })
        .toEqual(answers('both are there'));

      const begin = performance.now();
      const since = () => `${Math.round(performance.now() - begin)} ms`;
      await first.process.kill();
      // Asked while nobody has half of them.
      await ask('one is gone');
      await second.open(2);
      process.stdout.write(`bots: ${BOTS / 2} stores taken over after ${since()}\n`);
      await second.has(BOTS);
      process.stdout.write(`bots: all ${BOTS / 2} listen, and were looked back for, after ${since()}\n`);
      // An answer comes twice if its process is killed between sending it and acknowledging the question: none was in progress.
      await expect
        .poll(() => [...person.heard].sort(), { timeout: LONG, interval: 200 })
        .toEqual([...answers('both are there'), ...answers('one is gone')]);

      // The first comes back: it gets no store that the second has.
      const again = new Fleet(url, node.relay, 0);
      await again.line(({ event }) => event === 'starting');
      await ask('it is back');
      await expect.poll(() => person.heard.length, { timeout: LONG, interval: 200 }).toBe(3 * ASKED);
      expect(again.lines.filter(({ event }) => event === 'took')).toEqual([]);
      expect([first, second].flatMap(({ lines }) => lines.filter(({ event }) => event === 'failed'))).toEqual(
        [],
      );
    },
    LONG,
  );
});
