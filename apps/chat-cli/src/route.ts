import type { Transport } from '@sotto/core';
import { createRpcTransport } from '@sotto/whisper-rpc';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import type { Route } from './options.js';

export const KEY_LEAVES =
  'The node gets the private key of this account: whoever runs it can read and write as you. Use a node of your own.';

/**
 * The transport for a way to travel. Code for peers is loaded only for peers: it is a quarter of the time to start.
 * @throws INVALID_ARGUMENT
 */
export async function transportFor(route: Exclude<Route, { kind: 'memory' }>): Promise<Transport> {
  switch (route.kind) {
    case 'relay':
      return createSealedTransport(createRelayCarrier({ url: route.url }));
    case 'peers': {
      const { createDevp2pCarrier } = await import('@sotto/whisper-devp2p');
      const { enodes: peers, mailserver } = route;
      return createSealedTransport(createDevp2pCarrier({ peers, ...(mailserver && { mailserver }) }));
    }
    case 'node':
      return createRpcTransport({ url: route.url });
  }
}

/** A network within this process, for as many as ask. */
export function memoryNetwork(): () => Transport {
  const network = createMemoryNetwork();
  return () => createSealedTransport(network.carrier());
}

/** Where messages go, in a few words. */
export function describeRoute(route: Route): string {
  switch (route.kind) {
    case 'relay':
    case 'node':
      return route.url;
    case 'peers':
      return route.enodes.length === 1 ? '1 peer' : `${route.enodes.length} peers`;
    case 'memory':
      return 'trial, nothing is kept';
  }
}
