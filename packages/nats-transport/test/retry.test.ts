import { connect } from '@nats-io/transport-node';
import { systemClock } from '@sotto/core';
import { expect, it } from 'vitest';
import { retried } from '../src/retry.js';
import { NatsCluster, natsServer } from './nats-cluster.js';

it.skipIf(natsServer === undefined)('a call is not tried again once the connection was closed', async () => {
  const cluster = await NatsCluster.start(1);
  try {
    const connection = await connect({ servers: cluster.urls });
    await connection.close();
    const now = () => 0;
    const after = () => expect.unreachable('it waits for another attempt');
    const call = () => connection.request('anything');
    await expect(retried({ retryFor: 30_000, clock: { now, after } }, call)).rejects.toThrow(/closed/i);
    await expect(retried({ retryFor: 0, clock: systemClock }, call)).rejects.toThrow(/closed/i);
  } finally {
    await cluster.stop();
  }
});
