import type { JsMsg } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/nats-core';
import { readHistory } from './history.js';
import { lastOf, type StreamAccess } from './last-message.js';

/** What a topic does with what it receives. */
type Deliver = (envelope: Uint8Array, fromHistory: boolean) => void;

/**
 * One topic, received live. A subscription loses messages silently: when a server is killed between storing and forwarding, or
 * doesn't know yet that we subscribed. The stream publishes each message again with its sequence and that of the one before, so we
 * notice what is missing, and read it from the stream.
 */
export class LiveTopic {
  readonly #access: StreamAccess;
  readonly #subject: string;
  readonly #deliver: Deliver;
  readonly #drained: () => Promise<void>;
  /** Everything up to this sequence has been delivered, or is older than the subscription. */
  #complete: number | undefined;
  /** What was delivered after a gap: everything after one sequence, up to another. */
  #ahead: { readonly after: number; readonly to: number } | undefined;
  #filling: Promise<void> | undefined;

  /**
   * @param subject where the stream stores the topic
   * @param drained resolves when what was delivered from history has been processed
   */
  constructor(access: StreamAccess, subject: string, deliver: Deliver, drained: () => Promise<void>) {
    this.#access = access;
    this.#subject = subject;
    this.#deliver = deliver;
    this.#drained = drained;
  }

  /** A message that the stream published again. */
  receive({ data, headers, reply }: Msg): void {
    // What a consumer delivers has where to acknowledge it, and isn't what the stream publishes again.
    if (reply !== undefined && reply !== '') return;
    // The server adds its own behind those that a publisher may have set.
    const sequence = Number(headers?.values('Nats-Sequence').at(-1));
    const previous = Number(headers?.values('Nats-Last-Sequence').at(-1));
    if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(previous)) return;
    this.#deliver(data, false);
    if (this.#complete !== undefined && previous <= this.#complete) {
      this.#complete = Math.max(this.#complete, sequence);
      return;
    }
    this.#ahead = { after: this.#ahead?.to === previous ? this.#ahead.after : previous, to: sequence };
    if (this.#complete !== undefined) void this.#fill();
  }

  /** Asks the stream what its last message is, and reads what is missing. Without effect while there is no leader. */
  async check(): Promise<void> {
    try {
      const last = (await lastOf(this.#access, this.#subject))?.sequence ?? 0;
      // Sequences go back only when the stream was created anew.
      if (this.#complete === undefined || last < this.#complete) this.#advance(last);
      else if (last > this.#complete) await this.#fill();
    } catch {
      // The next message or check tries again.
    }
  }

  #fill(): Promise<void> {
    this.#filling ??= this.#readMissing().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #readMissing(): Promise<void> {
    const sequence = this.#complete ?? 0;
    let read = sequence;
    const onMessage = ({ seq, data }: JsMsg) => {
      const isDelivered = this.#ahead !== undefined && seq > this.#ahead.after && seq <= this.#ahead.to;
      if (!isDelivered) this.#deliver(data, true);
      read = seq;
    };
    const query = {
      access: this.#access,
      subjects: [this.#subject],
      from: { sequence },
      onMessage,
      drained: this.#drained,
    };
    // What was read counts, also when reading fails: the next message or check reads the rest.
    await readHistory({ ...query, to: Number.POSITIVE_INFINITY }).catch(() => undefined);
    this.#advance(read);
  }

  #advance(to: number): void {
    this.#complete = to;
    if (this.#ahead === undefined || this.#ahead.after > to) return;
    this.#complete = Math.max(to, this.#ahead.to);
    this.#ahead = undefined;
  }
}
