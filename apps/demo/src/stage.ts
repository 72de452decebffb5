import { join } from 'node:path';
import { encodeHex, encodeUtf8, isSottoError, type KeyPair } from '@sotto/core';
import { type CryptoProvider, defaultProvider } from '@sotto/crypto';
import type { Pbkdf2 } from '@sotto/whisper-transport';
import { createMemoryNetwork, type MemoryNetwork } from '@sotto/whisper-transport/memory';
import type { Checks } from './checks.js';
import { Device, type Finding } from './device.js';
import { type Screen, styled, WIDTH, wrapped } from './screen.js';
import { viewWire } from './wire-view.js';
import { type Overheard, Wiretap } from './wiretap.js';

/** Options of a {@link Stage}. */
export interface StageOptions {
  readonly screen: Screen;
  readonly checks: Checks;
  /** An empty directory for the stores of this stage. */
  readonly folder: string;
  /** Seed of the network's random faults. */
  readonly seed: number;
  /** Whether to show every envelope on the network. */
  readonly verbose: boolean;
}

/** Columns where details of messages and codes of errors start. */
export const DETAIL_COLUMN = 42;
const CODE_COLUMN = 48;
/** Milliseconds for what takes time by itself. */
const PATIENCE_MS = 10_000;

/** The setting of a chapter: a network of its own, the devices on it, and the output for the reader. */
export class Stage {
  readonly crypto: CryptoProvider = defaultProvider();
  readonly network: MemoryNetwork;
  readonly #options: StageOptions;
  /** Deriving a channel key is slow, so all devices of a stage share derived keys. */
  readonly #pbkdf2: Pbkdf2 = async (request) => {
    const name = encodeHex(request.password);
    const key = this.#channelKeys.get(name) ?? this.crypto.pbkdf2Sha256(request);
    this.#channelKeys.set(name, key);
    return key;
  };
  readonly #channelKeys = new Map<string, Uint8Array>();
  readonly #devices: Device[] = [];
  readonly #closing = new AbortController();

  constructor(options: StageOptions) {
    this.#options = options;
    this.network = createMemoryNetwork({ seed: options.seed });
  }

  get seed(): number {
    return this.#options.seed;
  }

  get verbose(): boolean {
    return this.#options.verbose;
  }

  // The cast

  /** Switches on a new device, of a new identity or an existing one. */
  async device(
    name: string,
    identity: KeyPair = this.crypto.secp256k1.generateKeyPair(),
    finding?: Finding,
    history?: 'plain' | 'status',
  ): Promise<Device> {
    const device = this.unpack(name, identity, finding, history);
    await device.switchOn();
    return device;
  }

  /** Switches on a new device that keeps a history, as `@sotto/conversations` does it. */
  async deviceWithHistory(name: string, language: 'plain' | 'status'): Promise<Device> {
    return this.device(name, this.crypto.secp256k1.generateKeyPair(), undefined, language);
  }

  /** Switches on a new device that offers post-quantum sessions. */
  async postQuantumDevice(name: string): Promise<Device> {
    const device = this.unpack(name, this.crypto.secp256k1.generateKeyPair());
    device.postQuantum = true;
    await device.switchOn();
    return device;
  }

  /** Waits until something is so, for some seconds at most. @returns whether it is */
  async soon(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      if (await isSo()) return true;
      if (Date.now() > until) return false;
      this.#closing.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Creates a device without switching it on: its store is empty. */
  unpack(name: string, identity: KeyPair, finding?: Finding, history?: 'plain' | 'status'): Device {
    const device: Device = new Device(name, identity, {
      folder: join(this.#options.folder, `device-${this.#devices.length + 1}`),
      network: this.network,
      place: this.crypto.secp256k1.generateKeyPair().publicKey,
      finding,
      history,
      closing: this.#closing.signal,
      tap: new Wiretap(this.#pbkdf2, (overheard) => this.#showWire(device, overheard)),
    });
    this.#devices.push(device);
    return device;
  }

  /** Waits until no envelope is in transit and every device has processed what it received. */
  async settled(): Promise<void> {
    const published = () => this.#devices.reduce((sum, { tap }) => sum + tap.published, 0);
    // A device may answer in the next round.
    for (let quiet = 0, before = published(); quiet < 2; before = published()) {
      for (const device of this.#devices) if (device.isOn) await device.messenger.flushed();
      await this.network.idle();
      quiet = published() === before ? quiet + 1 : 0;
    }
  }

  /** Switches everything off. A chapter that is still running ends at its next line. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#devices.map((device) => device.switchOff()));
  }

  // What the reader sees

  /** Explains what happens, in a line or two. */
  tell(text: string): void {
    for (const line of wrapped(text, WIDTH - 3)) this.#open.screen.line(`   ${styled(line, 'gray')}`);
  }

  /** A line of the story itself. */
  show(text: string): void {
    this.#open.screen.line(`     ${text}`);
  }

  /** A claim of the tour, and whether it holds. */
  check(what: string, fulfilled: boolean): void {
    this.#open.checks.expect(what, fulfilled);
  }

  /** Like {@link check}, for a limitation. */
  limit(what: string, fulfilled: boolean): void {
    this.#open.checks.expect(what, fulfilled, '!');
  }

  /** Like {@link check}, but shown only when it does not hold. */
  count(what: string, fulfilled: boolean): void {
    if (fulfilled) this.#open.checks.count(what, true);
    else this.check(what, false);
  }

  /** Sends a text and checks that the other device reads exactly it, once. */
  async deliver(from: Device, to: Device, text: string, detail: () => string = () => ''): Promise<void> {
    await from.messenger.send(to.key, encodeUtf8(text));
    await this.settled();
    const line = `${from.name} → ${to.name}: "${text}"`;
    await this.expectRead(to, [text], `${line.padEnd(DETAIL_COLUMN)}${detail()}`.trimEnd());
  }

  /** Checks that a device now reads exactly these texts, each once, in any order. */
  async expectRead(device: Device, texts: readonly string[], what?: string): Promise<void> {
    const read = await device.read();
    const quoted = (list: readonly string[]) => list.map((text) => `"${text}"`).join(' and ') || 'nothing';
    const right = read.toSorted().join('\n') === texts.toSorted().join('\n');
    this.check(what ?? `${device.name} reads ${quoted(texts)}`, right);
    if (!right) this.show(`${device.name} has read ${quoted(read)}.`);
  }

  /** Checks that something is refused, with this code. */
  async expectRefused(what: string, code: string, attempt: () => unknown): Promise<void> {
    let got = 'not refused';
    try {
      await attempt();
    } catch (error) {
      got = isSottoError(error) ? error.code : String(error);
    }
    this.checkCode(what, code, got);
  }

  /** Checks a code that is known already, and shows it in a column of its own. */
  checkCode(what: string, expected: string, got: string | undefined): void {
    const column = what.padEnd(CODE_COLUMN);
    this.check(`${column} ${styled(got ?? 'not refused', 'yellow')}`, got === expected);
  }

  get #open(): StageOptions {
    this.#closing.signal.throwIfAborted();
    return this.#options;
  }

  #showWire(device: Device, { topic, envelope, payload }: Overheard): void {
    if (!this.verbose || this.#closing.signal.aborted) return;
    const { kind, key, number, devices } = viewWire(payload);
    const inside = [kind, key, number && `no. ${number}`, devices > 1 && `×${devices}`];
    const outside = `${device.name}: ${envelope.length} bytes on ${encodeHex(topic)}`;
    this.#options.screen.line(styled(`     ~ ${outside}; ${inside.filter(Boolean).join(' ')}`, 'magenta'));
  }
}

/** Introduces devices to each other by contact codes. Chapter `card` shows how people do it. */
export async function befriend(...devices: readonly Device[]): Promise<void> {
  for (const one of devices) {
    const code = await one.messenger.contacts.ownCode();
    for (const other of devices) {
      if (!other.is(one.key)) await other.messenger.contacts.add(code);
    }
  }
}
