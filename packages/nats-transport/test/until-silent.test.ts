import { QueuedIteratorImpl } from '@nats-io/nats-core/internal';
import { systemClock } from '@sotto/core';
import { describe, expect, it } from 'vitest';
import { untilSilent } from '../src/until-silent.js';

describe('the messages of a fetch', () => {
  it('are given until it ends', async () => {
    const messages = new QueuedIteratorImpl<string>();
    for (const text of ['a', 'b']) messages.push(text);
    messages.stop();
    const received: string[] = [];
    for await (const text of untilSilent(messages, 10_000, systemClock)) received.push(text);
    expect(received).toEqual(['a', 'b']);
  });

  it('end with an error when the client waits for one that never comes', async () => {
    const messages = new QueuedIteratorImpl<string>();
    messages.push('a');
    const received: string[] = [];
    await expect(async () => {
      for await (const text of untilSilent(messages, 50, systemClock)) received.push(text);
    }).rejects.toThrow('The server is silent.');
    expect(received).toEqual(['a']);
  });

  it('are stopped when they are left early', async () => {
    const messages = new QueuedIteratorImpl<string>();
    messages.push('a');
    for await (const _ of untilSilent(messages, 10_000, systemClock)) break;
    expect(await messages.iterClosed).toBeUndefined();
  });
});
