import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { decodeHex } from '@sotto/core';
import { decodeProtocolMessage } from '@sotto/protocol-codec';
import { temporaryDirectory } from '@sotto/testing/files';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { HOUR, hex, NOW, Speaker } from './conversation.js';
import { PeerProcess } from './peer-process.js';

/** `SOTTO_SEED=123 vitest run scenario` plays one scenario again. */
const SEEDS =
  process.env['SOTTO_SEED'] === undefined ? [1, 2, randomInt(2 ** 31)] : [Number(process.env['SOTTO_SEED'])];
const STEPS = 100;
/** Fewer than a device keeps sessions, so that nothing on its way is too old. */
const MOST_ROTATIONS = 5;

/** A message on its way to one device. */
interface Letter {
  readonly sender: Seat;
  readonly message: string;
  readonly payload: string;
  readonly reader: Seat;
}

/** A device that is restarted now and then, in a process of its own. */
interface Seat {
  readonly name: string;
  readonly owner: string;
  readonly db: string;
  speaker: Speaker;
  /** Read and not confirmed. */
  readonly unconfirmed: Map<string, Letter>;
  /** Read, and given in this run or confirmed. */
  readonly done: Letter[];
}

class Scenario {
  readonly #generator;
  readonly #seats: Seat[] = [];
  readonly #onTheirWay: Letter[] = [];
  readonly #log: string[] = [];
  #now = NOW;
  #rotations = 0;
  #count = 0;
  #read = 0;
  #addressed = 0;
  #lost = 0;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  async play(folder: string): Promise<void> {
    for (const name of ['alice-1', 'alice-2', 'bob-1', 'bob-2', 'carol-1']) {
      await this.#sitDown(name, join(folder, name));
    }
    const actions: readonly (readonly [number, string, () => Promise<unknown>])[] = [
      [30, 'send', () => this.#send()],
      [30, 'deliver', () => this.#deliver(this.#pick(this.#onTheirWay))],
      [5, 'repeat', () => this.#repeat()],
      [3, 'forge', () => this.#forge()],
      [3, 'lose', () => this.#lose()],
      [4, 'restart', () => this.#restart(this.#pick(this.#seats))],
      [2, 'crash while reading', () => this.#crashWhileReading()],
      [3, 'confirm', () => this.#confirm()],
      [3, 'pair', () => this.#pair()],
      [1, 'a day later', () => this.#aDayLater()],
    ];
    const urn = actions.flatMap(([weight, what, run]) =>
      Array.from({ length: weight }, () => ({ what, run })),
    );
    try {
      for (let step = 0; step < STEPS; step++) {
        const { what, run } = this.#pick(urn) as (typeof urn)[number];
        this.#log.push(what);
        await run();
      }
      while (this.#onTheirWay.length > 0) await this.#deliver(this.#pick(this.#onTheirWay));
    } catch (error) {
      throw new Error(`Last steps: ${this.#log.slice(-12).join('; ')}`, { cause: error });
    }
    expect(this.#read).toBe(this.#addressed - this.#lost);
    expect(this.#read).toBeGreaterThan(STEPS / 10);
    for (const seat of this.#seats) for (const letter of seat.done) await this.#isRefused(letter);
  }

  #below(end: number): number {
    return uniformInt(this.#generator, 0, end - 1);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.#below(items.length)];
  }

  async #sitDown(name: string, db: string): Promise<void> {
    const owner = name.split('-')[0] as string;
    const key = this.#seats.find((seat) => seat.owner === owner)?.speaker.key;
    const options = { db, now: this.#now, ...(key && { key }) };
    const speaker = await Speaker.open(new PeerProcess(), name, options);
    this.#seats.push({ name, owner, db, speaker, unconfirmed: new Map(), done: [] });
  }

  /** Someone says something to someone else, with or without knowing his devices. */
  async #send(): Promise<void> {
    const sender = this.#pick(this.#seats) as Seat;
    const recipient = this.#pick(this.#seats.filter(({ owner }) => owner !== sender.owner)) as Seat;
    const payload = hex(`message ${++this.#count} ${'.'.repeat(this.#below(40))}`);
    const cmd = this.#below(10) === 0 ? 'dh' : 'direct';
    const sent = await sender.speaker.ask(cmd, { to: recipient.speaker.identity, payload });
    this.#post(sender, recipient.owner, sent['message'], payload);
    if (sent['own'] !== '') this.#post(sender, sender.owner, sent['own'], payload);
    this.#log.push(`${sender.name} to ${recipient.owner}: ${sent['installations'].join(', ') || 'dh'}`);
  }

  #post(sender: Seat, owner: string, message: string, payload: string): void {
    const addressed = decodeProtocolMessage(decodeHex(message)).directMessages;
    for (const reader of this.#seats) {
      if (reader.owner !== owner || reader === sender) continue;
      if (!addressed.has(reader.name) && !addressed.has('none')) continue;
      this.#onTheirWay.push({ sender, message, payload, reader });
      this.#addressed++;
    }
  }

  #take(letter: Letter): void {
    this.#onTheirWay.splice(this.#onTheirWay.indexOf(letter), 1);
  }

  async #deliver(letter: Letter | undefined): Promise<void> {
    if (letter === undefined) return;
    this.#take(letter);
    const { reader } = letter;
    await this.#handle(letter);
    this.#read++;
    if (this.#below(3) > 0) {
      await reader.speaker.ask('confirm', { msgId: letter.message });
      reader.done.push(letter);
    } else {
      reader.unconfirmed.set(letter.message, letter);
    }
  }

  async #handle({ sender, message, payload, reader }: Letter): Promise<void> {
    this.#log.push(`${reader.name} reads from ${sender.name}`);
    const from = sender.speaker.identity;
    const answer = await reader.speaker.ask('handle', { from, message, msgId: message });
    expect(answer['payload']).toBe(payload);
  }

  async #isRefused({ sender, message, reader }: Letter): Promise<void> {
    expect(await reader.speaker.cannotRead(sender.speaker, message)).toBe('DUPLICATE_MESSAGE');
  }

  async #repeat(): Promise<void> {
    const seat = this.#pick(this.#seats) as Seat;
    const letter = this.#pick([...seat.done, ...seat.unconfirmed.values()]);
    if (letter !== undefined) await this.#isRefused(letter);
  }

  /** A bit of a ciphertext is flipped on its way; the message itself comes later. */
  async #forge(): Promise<void> {
    const letter = this.#pick(this.#onTheirWay);
    if (letter === undefined) return;
    const { message, reader, sender } = letter;
    const forged = Buffer.from(message, 'hex');
    const entries = decodeProtocolMessage(forged).directMessages;
    const { payload } = entries.get(reader.name) ?? entries.get('none') ?? { payload: forged };
    const at = forged.indexOf(payload) + this.#below(payload.length);
    forged[at] = (forged[at] as number) ^ (1 << this.#below(8));
    expect(await reader.speaker.cannotRead(sender.speaker, forged.toString('hex'))).toBe(
      'AUTHENTICATION_FAILED',
    );
  }

  async #lose(): Promise<void> {
    const letter = this.#pick(this.#onTheirWay);
    if (letter === undefined) return;
    this.#take(letter);
    this.#lost++;
  }

  async #confirm(): Promise<void> {
    const seat = this.#pick(this.#seats) as Seat;
    const letter = this.#pick([...seat.unconfirmed.values()]);
    if (letter === undefined) return;
    await seat.speaker.ask('confirm', { msgId: letter.message });
    seat.unconfirmed.delete(letter.message);
    seat.done.push(letter);
  }

  /** The device stops, orderly or not; what was not confirmed is given once more. */
  async #restart(seat: Seat | undefined): Promise<void> {
    if (seat === undefined) return;
    let { peer } = seat.speaker;
    if (this.#below(2) === 0) {
      await seat.speaker.ask('close');
    } else {
      await peer.kill();
      peer = new PeerProcess();
    }
    const { key } = seat.speaker;
    seat.speaker = await Speaker.open(peer, seat.name, { db: seat.db, now: this.#now });
    expect(seat.speaker.key).toBe(key);
    for (const letter of seat.unconfirmed.values()) await this.#handle(letter);
  }

  /** The process is killed with a message in its hands, which is delivered again afterwards. */
  async #crashWhileReading(): Promise<void> {
    const letter = this.#pick(this.#onTheirWay);
    if (letter === undefined) return;
    const { reader, sender, message } = letter;
    const { peer } = reader.speaker;
    const fields = { from: sender.speaker.identity, message, msgId: message };
    const answer = peer.request(reader.name, 'handle', fields).catch(() => {});
    if (this.#below(2) === 0) await answer;
    await peer.kill();
    await answer;
    reader.speaker = await Speaker.open(new PeerProcess(), reader.name, { db: reader.db, now: this.#now });
    for (const unconfirmed of reader.unconfirmed.values()) await this.#handle(unconfirmed);
    await this.#deliver(letter);
  }

  /** A device learns another of its owner, and pairs with it or not any more. */
  async #pair(): Promise<void> {
    const seat = this.#pick(this.#seats) as Seat;
    const other = this.#seats.find((one) => one !== seat && one.owner === seat.owner);
    if (other === undefined) return;
    await seat.speaker.meet(other.speaker);
    await seat.speaker.ask(this.#below(4) === 0 ? 'disable' : 'enable', { install: other.name });
  }

  async #aDayLater(): Promise<void> {
    if (this.#rotations++ >= MOST_ROTATIONS) return;
    this.#now += 25 * HOUR;
    for (const { speaker } of this.#seats) await speaker.ask('clock', { now: this.#now });
  }
}

describe('random scenarios between processes', () => {
  it.each(SEEDS)(
    'every message is read exactly once by each device addressed (SOTTO_SEED=%i)',
    { timeout: 120_000 },
    async (seed) => {
      const folder = temporaryDirectory();
      await new Scenario(seed).play(folder);
    },
  );
});
