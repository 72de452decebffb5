import type { Clock } from '@sotto/core';
import type { WakuLibp2p } from './node.js';

/** The protocol by which service nodes push messages to us. */
const PUSH_PROTOCOL = '/vac/waku/filter-push/2.0.0-beta1';
/** Until the end of a stream has arrived after its message. */
const PAUSE_MS = 10;

/**
 * Closes our side of the streams that service nodes have ended. The SDK leaves it open, and accepts 100 streams from a peer: with a
 * service node that opens a stream for each message, nothing would arrive after the hundredth.
 */
export class PushStreams {
  readonly #libp2p: WakuLibp2p;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;

  constructor(libp2p: WakuLibp2p, clock: Clock) {
    this.#libp2p = libp2p;
    this.#clock = clock;
  }

  /** To be called with each message: closes those of the messages before, and soon that of the last one. */
  onMessage(): void {
    this.close();
    this.#cancel ??= this.#clock.after(PAUSE_MS, () => {
      this.#cancel = undefined;
      this.close();
    });
  }

  /** Closes all that have ended. */
  close(): void {
    for (const { streams } of this.#libp2p.getConnections?.() ?? []) {
      for (const stream of streams) {
        const { protocol, direction, readStatus, writeStatus } = stream;
        const isEnded = protocol === PUSH_PROTOCOL && direction === 'inbound' && readStatus === 'closed';
        if (isEnded && writeStatus !== 'closing' && writeStatus !== 'closed')
          stream.closeWrite().catch(() => undefined); // The connection is gone, and the stream with it.
      }
    }
  }

  /** Ends the waiting. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
