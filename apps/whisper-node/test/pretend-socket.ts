import { EventEmitter } from 'node:events';
import { decodeRelayFrame, type RelayFrame } from '@sotto/whisper-transport/relay-protocol';

/** What the relay sees of a WebSocket. */
export class PretendSocket extends EventEmitter {
  readonly OPEN = 1;
  readonly readyState = 1;
  bufferedAmount = 0;
  readonly frames: RelayFrame[] = [];
  paused = false;

  send(frame: Uint8Array): void {
    this.frames.push(decodeRelayFrame(frame) as RelayFrame);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** Status that it was closed with. */
  closedWith: number | undefined;

  ping(): void {}

  close(status: number): void {
    this.closedWith ??= status;
  }

  terminated = false;

  terminate(): void {
    this.terminated = true;
  }
}
