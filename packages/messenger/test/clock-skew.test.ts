import type { ClockSkew, ConnectOptions, Transport } from '@sotto/core';
import { createMemoryStore } from '@sotto/store-adapters/memory';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { expect, it } from 'vitest';
import { createMessenger } from '../src/index.js';
import { crypto } from './world.js';

it('a clock that is off is told to the application', async () => {
  const told: ClockSkew[] = [];
  let party: ConnectOptions | undefined;
  const inner = createMemoryNetwork().transport();
  const transport: Transport = {
    capabilities: inner.capabilities,
    connect(options) {
      party = options;
      return inner.connect(options);
    },
  };
  const identity = crypto.secp256k1.generateKeyPair();
  const messenger = await createMessenger({ identity, store: createMemoryStore(), transport, crypto });
  messenger.on('clockSkew', (skew) => void told.push(skew));
  await messenger.start();
  const skew = (skewMs: number) => ({ skewMs, source: 'node', corrected: true }) as const;
  // One that is right is nothing to tell, unless it was wrong before.
  for (const skewMs of [0, 14_000, 0, 0]) party?.onClock?.(skew(skewMs));
  expect(told).toEqual([skew(14_000), skew(0)]);
  await messenger.close();
});
