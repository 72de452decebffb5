import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, isSottoError, type KeyPair, type PublicKey, systemClock } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { createLevelDbStore } from '@sotto/store-adapters/leveldb';
import { createSqliteStore } from '@sotto/store-adapters/sqlite';
import { bundlePath } from '@sotto/testing/bundle';
import { manualClock } from '@sotto/testing/clock';
import { temporaryDirectory } from '@sotto/testing/files';
import { repetitions } from '@sotto/testing/long';
import { describe, expect, it } from 'vitest';
import { type Node, newNode, read } from '../world.js';

/** Kills at random moments for each store; more with SOTTO_CRASH_KILLS, before a release. */
const RANDOM_KILLS = Number(process.env['SOTTO_CRASH_KILLS'] ?? 4);
/** Between two kills. Each write is killed before and after it with SOTTO_LONG; otherwise before one, and after the next. */
const WRITES_APART = repetitions(2, 1);
const CHILD = bundlePath(join(import.meta.dirname, '../..'), 'test/crash/child.mjs');
/** Bursts of a life, each when the one before was taken: what comes and goes together shares its commits. */
const BURSTS_A_LIFE = 4;
const PINGS_A_BURST = 3;
const SAYS_A_BURST = 2;

const KINDS = ['leveldb', 'sqlite', 'encrypted leveldb', 'encrypted sqlite'] as const;
type Kind = (typeof KINDS)[number];
type Death =
  | { readonly at: number; readonly when: 'before' | 'after' }
  | { readonly afterMs: number }
  | undefined;

/** The other side: it keeps all that it sent, and sees all that the killed process lets out. */
class World {
  readonly directory = temporaryDirectory();
  readonly pings: { readonly id: number; readonly payload: string; taken: boolean }[] = [];
  readonly said: string[] = [];
  readonly heard: string[] = [];
  readonly #published = new Set<string>();
  readonly #numbers = new Map<string, string>();
  #attempts = 0;

  constructor(
    readonly kind: Kind,
    readonly alice: Node,
    readonly bob: KeyPair,
  ) {}

  /** One life of the process; whether it lived to the end. */
  async life(death: Death): Promise<boolean> {
    const { alice, bob, kind, directory } = this;
    const argument = {
      kind,
      directory,
      privateKey: encodeHex(bob.privateKey),
      ...(death && 'at' in death && { killAt: death.at, killWhen: death.when }),
    };
    const child = fork(CHILD, [JSON.stringify(argument)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let trouble = '';
    child.stderr?.on('data', (data) => {
      trouble += data;
    });
    if (death && 'afterMs' in death) setTimeout(() => child.kill('SIGKILL'), death.afterMs).unref();
    let ended = false;
    let work = Promise.resolve();
    const waiting = { taken: 0, said: 0, bursts: 0, asked: false };
    const tell = (message: object) => {
      if (child.connected) child.send(message, () => {});
    };
    const burst = async () => {
      waiting.bursts++;
      // Out of order, and what was taken before once more.
      const before = waiting.bursts === 1 ? [...this.pings] : [];
      for (let i = 0; i < PINGS_A_BURST; i++) before.push(await this.#ping());
      for (const { id, payload } of before.reverse()) {
        waiting.taken++;
        tell({ type: 'deliver', id, sender: encodeHex(alice.identity.publicKey), payload });
      }
      for (let i = 0; i < SAYS_A_BURST; i++) {
        waiting.said++;
        tell({ type: 'say', to: encodeHex(alice.identity.publicKey), text: `say ${this.#attempts++}` });
      }
    };
    child.on('message', (raw) => {
      const message = raw as { type: string; id: number; text: string; payload: string };
      work = work.then(async () => {
        if (message.type === 'ready') {
          await burst();
        } else if (message.type === 'taken') {
          waiting.taken--;
          const ping = this.pings.find(({ id }) => id === message.id);
          if (ping) ping.taken = true;
        } else if (message.type === 'said') {
          waiting.said--;
          this.said.push(message.text);
        } else if (message.type === 'publish') {
          await this.#hear(message.payload);
          tell({ type: 'published', id: message.id });
        } else if (message.type === 'ended') ended = true;
        if (waiting.bursts === 0 || waiting.asked || waiting.taken + waiting.said > 0) return;
        if (waiting.bursts < BURSTS_A_LIFE) await burst();
        else {
          waiting.asked = true;
          tell({ type: 'end' });
        }
      });
    });
    await exitOf(child);
    await work;
    if (!ended && child.signalCode !== 'SIGKILL') throw new Error(`the process ended by itself: ${trouble}`);
    return ended;
  }

  async #ping(): Promise<World['pings'][number]> {
    const id = this.pings.length;
    const { message } = await this.alice.device.transaction((tx) =>
      this.alice.device.encryptDirect(tx, this.bob.publicKey, new TextEncoder().encode(`ping ${id}`)),
    );
    const ping = { id, payload: encodeHex(message), taken: false };
    this.pings.push(ping);
    return ping;
  }

  /** What the process let out: read once, refused when it comes again, and never a number used twice. */
  async #hear(payload: string): Promise<void> {
    const message = Uint8Array.from(Buffer.from(payload, 'hex'));
    const again = this.#published.has(payload);
    this.#published.add(payload);
    for (const [device, { drHeader }] of decodeProtocolMessage(message).directMessages) {
      if (drHeader === undefined) continue;
      const number = `${device} ${encodeHex(drHeader.key)}/${drHeader.n}`;
      expect(this.#numbers.get(number) ?? payload, 'one number for two messages').toBe(payload);
      this.#numbers.set(number, payload);
    }
    try {
      const outcome = await read(this.alice, this.bob.publicKey as PublicKey, message);
      if (outcome.kind !== 'message' || outcome.payload.length === 0) return;
      expect(again, 'read a second time').toBe(false);
      this.heard.push(new TextDecoder().decode(outcome.payload));
    } catch (error) {
      if (!isSottoError(error, 'DUPLICATE_MESSAGE')) throw error;
      expect(again, 'refused the first time').toBe(true);
    }
  }

  /** Nothing lost, nothing twice, nothing left over. */
  async check(): Promise<void> {
    expect(await this.life(undefined)).toBe(true);
    const lines = readFileSync(join(this.directory, 'application.txt'), 'utf8').trim().split('\n');
    const texts = lines.map((line) => line.slice(65));
    expect(texts.toSorted()).toEqual(this.pings.map(({ id }) => `ping ${id}`).toSorted());
    expect(new Set(this.heard).size).toBe(this.heard.length);
    expect(this.heard).toEqual(expect.arrayContaining(this.said));
    if (!this.kind.startsWith('encrypted')) await this.#checkStore();
  }

  async #checkStore(): Promise<void> {
    const store =
      this.kind === 'leveldb'
        ? await createLevelDbStore({ path: join(this.directory, 'level') })
        : await createSqliteStore({ path: join(this.directory, 'store.sqlite') });
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    await store.close();
    const sessions = new Set(
      keys.filter((key) => key.startsWith('session/')).map((key) => key.split('/')[1]),
    );
    for (const key of keys) {
      expect(key).not.toMatch(/^(inbox|outbox|skipped|fanout)\//);
      if (key.startsWith('chain/')) expect(sessions).toContain(key.split('/')[1]);
    }
  }
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.on('close', () => resolve()));
}

async function newWorld(kind: Kind): Promise<World> {
  const alice = await newNode('alice-1', { clock: { ...manualClock(), ...systemClock } });
  const bob = await newNode('unused');
  return new World(kind, alice, bob.identity);
}

describe('hostile cases: crash and storage', () => {
  it.each(KINDS)(
    'killed at any write, then redelivered: exactly once, on %s',
    async (kind) => {
      const world = await newWorld(kind);
      let kills = 0;
      // Dying before a write differs from dying after the one before it by what left the process in between.
      const moments = kind.startsWith('encrypted') ? (['after'] as const) : (['before', 'after'] as const);
      for (const [index, when] of moments.entries()) {
        for (
          let at = WRITES_APART === 1 ? 1 : index + 1;
          !(await world.life({ at, when }));
          at += WRITES_APART
        )
          kills++;
      }
      await world.check();
      process.stdout.write(`crash: ${kills} kills at writes on ${kind}\n`);
      // How many writes there are depends on what shares a commit, and that on how fast the disk is.
      expect(kills).toBeGreaterThan((5 * moments.length) / WRITES_APART);
    },
    3_600_000,
  );

  it.each(KINDS)(
    'killed at any moment, then redelivered: exactly once, on %s',
    async (kind) => {
      const world = await newWorld(kind);
      await world.life(undefined);
      let kills = 0;
      for (let i = 0; i < RANDOM_KILLS; i++) {
        if (!(await world.life({ afterMs: randomInt(50, 600) }))) kills++;
      }
      await world.check();
      process.stdout.write(`crash: ${kills} kills at random on ${kind}\n`);
    },
    3_600_000,
  );
});
