import type { Transport } from '@sotto/core';
import { createRpcTransport } from '@sotto/whisper-rpc';
import { createSealedTransport } from '@sotto/whisper-transport';
import { createMemoryNetwork } from '@sotto/whisper-transport/memory';
import { createRelayCarrier } from '@sotto/whisper-transport/relay';
import type { TransportOption } from './options.js';

export const KEY_LEAVES_WARNING =
  'The node receives the private key of this account: its operator can read and write as you. Use a node of your own.';

/**
 * Creates the transport that was chosen. What few people choose is loaded only then: devp2p takes a quarter of the start-up time.
 * @throws INVALID_ARGUMENT
 * @throws CliError NOT_INSTALLED
 */
export async function transportFor(option: Exclude<TransportOption, { kind: 'memory' }>): Promise<Transport> {
  switch (option.kind) {
    case 'relay':
      return createSealedTransport(createRelayCarrier({ url: option.url }));
    case 'peers': {
      const { createDevp2pCarrier } = await import('@sotto/whisper-devp2p');
      const { enodes: peers, mailserver } = option;
      return createSealedTransport(createDevp2pCarrier({ peers, ...(mailserver && { mailserver }) }));
    }
    case 'node':
      return createRpcTransport({ url: option.url });
    case 'waku': {
      const { createOwnWakuTransport } = await import('./waku.js');
      return createOwnWakuTransport(option);
    }
    case 'nats': {
      const { createNatsTransport } = await import('./nats.js');
      return createNatsTransport(option);
    }
  }
}

/** A network within this process: each call of the returned function adds a participant. */
export function memoryNetwork(): () => Transport {
  const network = createMemoryNetwork();
  return () => createSealedTransport(network.carrier());
}

/** Where messages go, for the header of the screen. */
export function describeTransport(option: TransportOption): string {
  switch (option.kind) {
    case 'relay':
    case 'node':
      return option.url;
    case 'peers':
      return option.enodes.length === 1 ? '1 peer' : `${option.enodes.length} peers`;
    case 'waku':
      return option.servers.length === 1 ? 'Waku, 1 node' : `Waku, ${option.servers.length} nodes`;
    case 'nats':
      return option.servers.length === 1
        ? (option.servers[0] as string)
        : `${option.servers.length} NATS servers`;
    case 'memory':
      return 'trial, nothing is kept';
  }
}
