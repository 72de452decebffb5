import type { Answer, PeerProcess } from './peer-process.js';

export const NOW = 1_795_435_200_000;
export const HOUR = 3_600_000;

export const hex = (text: string) => Buffer.from(text).toString('hex');
const unhex = (text: string) => Buffer.from(text, 'hex').toString();

/** A device of a peer process, in the words of a test. */
export class Speaker {
  readonly peer: PeerProcess;
  readonly name: string;
  readonly identity: string;
  readonly key: string;

  private constructor(peer: PeerProcess, name: string, { identity, key }: Answer) {
    this.peer = peer;
    this.name = name;
    this.identity = identity;
    this.key = key;
  }

  /** Opens a device whose name is its installation id. */
  static async open(peer: PeerProcess, name: string, options: object = {}): Promise<Speaker> {
    return new Speaker(peer, name, await peer.ask(name, 'open', { install: name, now: NOW, ...options }));
  }

  ask(cmd: string, fields: object = {}): Promise<Answer> {
    return this.peer.ask(this.name, cmd, fields);
  }

  refused(cmd: string, fields: object = {}): Promise<string> {
    return this.peer.refused(this.name, cmd, fields);
  }

  /** Learns another's bundle. */
  async meet(other: Speaker): Promise<void> {
    await this.ask('processBundle', { payload: (await other.ask('bundle'))['bundle'] });
  }

  /** Encrypts a text; the answer of `direct`. */
  direct(to: Speaker, text: string): Promise<Answer> {
    return this.ask('direct', { to: to.identity, payload: hex(text) });
  }

  /** Reads a message and confirms it. */
  async read(from: Speaker, message: string): Promise<string> {
    const { payload } = await this.ask('handle', { from: from.identity, message, msgId: message });
    await this.ask('confirm', { msgId: message });
    return unhex(payload as string);
  }

  /** Says a text to another, who reads it. */
  async tell(to: Speaker, text: string): Promise<Answer> {
    const sent = await this.direct(to, text);
    const read = await to.read(this, sent['message']);
    if (read !== text) throw new Error(`${to.name} read ${read} instead of ${text}`);
    return sent;
  }

  /** The code with which a message is refused. */
  cannotRead(from: Speaker, message: string): Promise<string> {
    return this.refused('handle', { from: from.identity, message, msgId: 'never' });
  }
}
