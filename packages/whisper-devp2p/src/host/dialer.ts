import { connect, type Socket } from 'node:net';
import type { Clock, RandomSource } from '@sotto/core';
import { type BackOff, backOffDelay } from '@sotto/whisper-transport/internal';
import type { Enode } from './enode.js';

/** Milliseconds that a connection has to hold for the peer to be called again as if nothing had failed. */
const STABLE = 30_000;

export interface DialerOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly backOff: BackOff;
  /** Milliseconds for the socket to connect. */
  readonly timeout: number;
  /** Milliseconds for which a peer is not to be called. */
  readonly bannedFor: (id: string) => number;
  /** Whether there is a connection already, because the peer called us. */
  readonly isConnected: (id: string) => boolean;
  /** Takes over the socket; calls `gone` when the connection has ended. */
  readonly onSocket: (socket: Socket, enode: Enode, gone: () => void) => void;
}

/** Keeps calling the peers that are wanted, with growing pauses between. */
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
    this.#stops.set(enode.id, this.#keepCalling(enode));
  }

  /** Calls it no more; a connection that there is stays. */
  delete(id: string): void {
    this.#stops.get(id)?.();
    this.#stops.delete(id);
  }

  close(): void {
    for (const id of [...this.#stops.keys()]) this.delete(id);
  }

  #keepCalling(enode: Enode): () => void {
    const { clock, random, backOff, timeout, bannedFor, isConnected, onSocket } = this.#options;
    let stopped = false;
    let failures = 0;
    let cancelTimer = () => {};
    let calling: Socket | undefined;

    const later = () => {
      if (stopped) return;
      failures++;
      const wait = Math.max(backOffDelay(failures, backOff, random), bannedFor(enode.id));
      cancelTimer = clock.after(wait, call);
    };
    const call = () => {
      if (isConnected(enode.id)) {
        later();
        return;
      }
      const socket = connect({ host: enode.host, port: enode.port });
      calling = socket;
      // The reason does not matter: an error is followed by `close`.
      socket.on('error', () => {});
      const cancelTimeout = clock.after(timeout, () => socket.destroy());
      socket.once('close', cancelTimeout);
      socket.once('close', later);
      socket.once('connect', () => {
        cancelTimeout();
        calling = undefined;
        socket.off('close', later);
        const cancelStable = clock.after(STABLE, () => {
          failures = 0;
        });
        onSocket(socket, enode, () => {
          cancelStable();
          later();
        });
      });
    };
    call();
    return () => {
      stopped = true;
      cancelTimer();
      calling?.destroy();
    };
  }
}
