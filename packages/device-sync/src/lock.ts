import { SerialQueue } from '@sotto/core';

/** Lets one at a time proceed, in order; whose turn it is may also end elsewhere than in one function. */
export class Lock extends SerialQueue {
  /** Resolves when it is our turn, which ends when the returned function is called. */
  acquire(): Promise<() => void> {
    return new Promise((begin) => {
      void this.run(() => new Promise<void>((end) => begin(end)));
    });
  }
}
