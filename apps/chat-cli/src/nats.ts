import { connect } from '@nats-io/transport-node';
import type { Transport } from '@sotto/core';
import { createNatsCarrier } from '@sotto/nats-transport';
import { createSealedTransport } from '@sotto/whisper-transport';
import type { NatsOption } from './options.js';

/** A transport over servers of NATS. */
export function createNatsTransport({ servers, stream, login }: NatsOption): Transport {
  const reconnecting = { servers: [...servers], maxReconnectAttempts: -1 };
  return createSealedTransport(
    createNatsCarrier({ connect: () => connect({ ...reconnecting, ...login }), stream }),
  );
}
