import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHex, isSottoError, type KeyPair, type PublicKey, systemClock } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { bundlePath } from '@sotto/testing/bundle';
import { manualClock } from '@sotto/testing/clock';
import { temporaryDirectory } from '@sotto/testing/files';
import { killWhenHung } from '@sotto/testing/kills';
import { expect } from 'vitest';
import { type Node, newNode, read } from '../world.js';
import { openStore } from './killable.js';

const CHILD = bundlePath(join(import.meta.dirname, '../..'), 'test/crash/child.mjs');
/** Bursts of a life, each when the one before was taken: what comes and goes together shares its commits. */
const BURSTS_A_LIFE = 4;
const PINGS_A_BURST = 3;
const SAYS_A_BURST = 2;

/**
 * How a life ends before its work does: at a write, counted from 1, or some time after it began. A process that is frozen goes on when
 * the next one has begun its work.
 */
type Death =
  | { readonly at: number; readonly when: 'before' | 'after' }
  | { readonly afterMs: number }
  | { readonly frozenAfterMs: number }
  | undefined;

/** The other side: it keeps all that it sent, and sees all that the killed process lets out. */
export class World {
  readonly directory = temporaryDirectory();
  readonly pings: { readonly id: number; readonly payload: string; taken: boolean }[] = [];
  readonly said: string[] = [];
  readonly heard: string[] = [];
  readonly #published = new Set<string>();
  readonly #numbers = new Map<string, string>();
  #frozen: ChildProcess[] = [];
  readonly #thawed: Promise<void>[] = [];
  #attempts = 0;

  constructor(
    readonly kind: string,
    readonly alice: Node,
    readonly bob: KeyPair,
    /** Where the store is, if not in the directory. */
    readonly address?: string,
  ) {}

  get #place(): string {
    return this.address ?? this.directory;
  }

  /** One life of the process; whether it lived to the end. @param whenReady called when its work begins */
  async life(death: Death, whenReady = () => {}): Promise<boolean> {
    const { alice, bob, kind, directory } = this;
    const argument = {
      kind,
      directory,
      place: this.#place,
      privateKey: encodeHex(bob.privateKey),
      ...(death && 'at' in death && { killAt: death.at, killWhen: death.when }),
    };
    const child = fork(CHILD, [JSON.stringify(argument)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const throwIfHung = killWhenHung(child);
    let trouble = '';
    child.stderr?.on('data', (data) => {
      trouble += data;
    });
    if (death && 'afterMs' in death) setTimeout(() => child.kill('SIGKILL'), death.afterMs).unref();
    let frozen = false;
    const gone = new Promise<void>((resolve) => {
      child.on('close', () => resolve());
      if (death === undefined || !('frozenAfterMs' in death)) return;
      setTimeout(() => {
        frozen = child.kill('SIGSTOP');
        if (frozen) this.#frozen.push(child);
        resolve();
      }, death.frozenAfterMs).unref();
    });
    let ended = false;
    let work = Promise.resolve();
    const waiting = { taken: 0, said: 0, bursts: 0, asked: false };
    const tell = (message: object) => {
      if (child.connected) child.send(message, () => {});
    };
    const burst = async () => {
      waiting.bursts++;
      // Out of order, and half of what was taken before once more: the other half has to be kept.
      const again = this.pings.filter(({ id, taken }) => !taken || id % 2 === 0);
      const before = waiting.bursts === 1 ? again : [];
      for (let i = 0; i < PINGS_A_BURST; i++) before.push(await this.#ping());
      for (const { id, payload } of before.reverse()) {
        waiting.taken++;
        tell({ type: 'deliver', id, sender: encodeHex(alice.identity.publicKey), payload });
      }
      // Without them no commit that has to be durable comes with the messages.
      for (let i = 0; i < SAYS_A_BURST && waiting.bursts % 2 === 0; i++) {
        waiting.said++;
        tell({ type: 'say', to: encodeHex(alice.identity.publicKey), text: `say ${this.#attempts++}` });
      }
    };
    child.on('message', (raw) => {
      const message = raw as { type: string; id: number; text: string; payload: string };
      work = work.then(async () => {
        if (message.type === 'ready') {
          this.#thaw();
          whenReady();
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
    await gone;
    throwIfHung();
    await work;
    if (!ended && !frozen && child.signalCode !== 'SIGKILL')
      throw new Error(`the process ended by itself: ${trouble}`);
    return ended;
  }

  /** Lets the frozen processes go on. */
  #thaw(): void {
    for (const child of this.#frozen) {
      this.#thawed.push(new Promise((resolve) => child.on('close', () => resolve())));
      child.kill('SIGCONT');
    }
    this.#frozen = [];
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
    await Promise.all(this.#thawed);
    const lines = readFileSync(join(this.directory, 'application.txt'), 'utf8').trim().split('\n');
    const texts = lines.map((line) => line.slice(65));
    expect(texts.toSorted()).toEqual(this.pings.map(({ id }) => `ping ${id}`).toSorted());
    expect(new Set(this.heard).size).toBe(this.heard.length);
    expect(this.heard).toEqual(expect.arrayContaining(this.said));
    if (!this.kind.startsWith('encrypted')) await this.#checkStore();
  }

  async #checkStore(): Promise<void> {
    const store = await openStore(this.kind, this.#place);
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

/** @param address where the store is, if not in a directory of its own */
export async function newWorld(kind: string, address?: string): Promise<World> {
  const alice = await newNode('alice-1', { clock: { ...manualClock(), ...systemClock } });
  const bob = await newNode('unused');
  return new World(kind, alice, bob.identity, address);
}
