import type { Channel, Transport, TransportMessage } from '@sotto/core';

/** A message as it went over the wire. */
export interface Overheard {
  readonly channel: Channel;
  readonly payload: Uint8Array;
}

/** What a party sent and what reached it, as an eavesdropper has it; contact codes on public channels left out. */
export class Wiretap {
  /** Whether what is sent is caught, and doesn't reach the network. */
  catching = false;
  readonly sent: Overheard[] = [];
  readonly arrived: TransportMessage[] = [];

  /** The transport, listened in on. */
  on(transport: Transport): Transport {
    return {
      capabilities: transport.capabilities,
      connect: async (party, options) => {
        const connection = await transport.connect(
          {
            identity: party.identity,
            onMessage: (message) => {
              if (message.channel.kind !== 'public') this.arrived.push(copyOf(message));
              return party.onMessage(message);
            },
            ...(party.onStatus && { onStatus: (status) => party.onStatus?.(status) }),
          },
          options,
        );
        const history = connection.history?.bind(connection);
        return {
          send: async (channel, payload, sendOptions) => {
            if (channel.kind !== 'public') this.sent.push(copyOf({ channel, payload }));
            if (!this.catching) await connection.send(channel, payload, sendOptions);
          },
          listen: (channels) => connection.listen(channels),
          ...(history && { history }),
          close: () => connection.close(),
        };
      },
    };
  }
}

function copyOf<T extends { readonly payload: Uint8Array }>(message: T): T {
  return { ...message, payload: message.payload.slice() };
}
