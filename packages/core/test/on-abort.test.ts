import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onAbort } from '../src/index.js';

describe('what runs on an abort', () => {
  it('runs once when the signal fires, in the order of registration, and not after it was cancelled', () => {
    const controller = new AbortController();
    const ran: string[] = [];
    onAbort(controller.signal, () => ran.push('first'));
    const cancel = onAbort(controller.signal, () => ran.push('cancelled'));
    onAbort(controller.signal, () => ran.push('last'));
    cancel();
    expect(ran).toEqual([]);
    controller.abort();
    controller.abort();
    expect(ran).toEqual(['first', 'last']);
  });

  it('shares one listener of the signal, however many wait', () => {
    const { signal } = new AbortController();
    for (let i = 0; i < 100; i++) onAbort(signal, () => {});
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });

  it('may cancel one that has yet to run, which runs all the same', () => {
    const controller = new AbortController();
    const ran: string[] = [];
    let cancel = () => {};
    onAbort(controller.signal, () => cancel());
    cancel = onAbort(controller.signal, () => ran.push('second'));
    controller.abort();
    expect(ran).toEqual(['second']);
  });

  it('never runs without a signal, and can be cancelled', () => {
    const cancel = onAbort(undefined, () => {
      throw new Error('there is no signal');
    });
    expect(cancel).not.toThrow();
  });
});
