import { connect, type Socket } from 'node:net';
import type { Clock, RandomSource } from '@sotto/core';
import { type BackOff, backOffDelay } from '@sotto/whisper-transport/internal';
import type { Enode } from './enode.js';

/** Milliseconds that a connection has to last before the back-off starts anew. */
const STABLE = 30_000;

export interface DialerOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly backOff: BackOff;
  /** Milliseconds for the socket to connect. */
  readonly timeout: number;
  /** Milliseconds for which a peer must not be dialled. */
  readonly bannedFor: (id: string) => number;
  /** Whether the peer is connected already, having dialled us. */
  readonly isConnected: (id: string) => boolean;
  /** Takes over the socket; calls `onEnded` when the connection has ended. */
  readonly onSocket: (socket: Socket, enode: Enode, onEnded: () => void) => void;
}

/** Dials peers, and again whenever they are gone, with exponential back-off. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #stops = new Map<string, () => void>();

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  has(id: string): boolean {
    return this.#stops.has(id);
  }

  add(enode: Enode): void {
    if (this.#stops.has(enode.id)) return;
    this.#stops.set(enode.id, this.#keepDialing(enode));
  }

  /** Stops dialling a peer; an existing connection stays. */
  delete(id: string): void {
    this.#stops.get(id)?.();
    this.#stops.delete(id);
  }

  close(): void {
    for (const id of [...this.#stops.keys()]) this.delete(id);
  }

  #keepDialing(enode: Enode): () => void {
    const { clock, random, backOff, timeout, bannedFor, isConnected, onSocket } = this.#options;
    let stopped = false;
    let failures = 0;
    let cancelTimer = () => {};
    let dialing: Socket | undefined;

    const scheduleDial = () => {
      if (stopped) return;
      failures++;
      const wait = Math.max(backOffDelay(failures, backOff, random), bannedFor(enode.id));
      cancelTimer = clock.after(wait, dial);
    };
    const dial = () => {
      if (isConnected(enode.id)) {
        scheduleDial();
        return;
      }
      const socket = connect({ host: enode.host, port: enode.port });
      dialing = socket;
      // An error is followed by `close`.
      socket.on('error', () => {});
      const cancelTimeout = clock.after(timeout, () => socket.destroy());
      socket.once('close', cancelTimeout);
      socket.once('close', scheduleDial);
      socket.once('connect', () => {
        cancelTimeout();
        dialing = undefined;
        socket.off('close', scheduleDial);
        const cancelStable = clock.after(STABLE, () => {
          failures = 0;
        });
        onSocket(socket, enode, () => {
          cancelStable();
          scheduleDial();
        });
      });
    };
    dial();
    return () => {
      stopped = true;
      cancelTimer();
      dialing?.destroy();
    };
  }
}
