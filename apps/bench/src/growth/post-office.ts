import type { Channel, ConnectOptions, PublicKey, Transport, TransportConnection } from '@sotto/core';

/** A message as a transport was given it. */
export interface Letter {
  readonly sender: PublicKey;
  readonly channel: Channel;
  readonly payload: Uint8Array;
}

/**
 * A transport that takes whatever it is given at once, and delivers what it is told to: so that nothing but the
 * messenger and its store is measured.
 */
export class PostOffice implements Transport {
  readonly capabilities = { maxPayloadBytes: 2 ** 30, history: false, confirmsSend: true };
  readonly #parties = new Set<ConnectOptions>();
  #route: (letter: Letter) => void = () => {};

  /** Where letters go from now on. Default: nowhere. */
  routeTo(route: (letter: Letter) => void): void {
    this.#route = route;
  }

  async connect(party: ConnectOptions): Promise<TransportConnection> {
    this.#parties.add(party);
    return {
      send: async (channel, payload) => {
        this.#route({ sender: party.identity.publicKey, channel, payload: payload.slice() });
      },
      subscribe: async () => {},
      close: async () => void this.#parties.delete(party),
    };
  }

  /** Hands a letter to all others. */
  async deliver({ sender, channel, payload }: Letter): Promise<void> {
    const to = [...this.#parties].filter(({ identity }) => identity.publicKey !== sender);
    await Promise.all(
      to.map((party) =>
        party.onMessage({
          sender,
          channel,
          payload: payload.slice(),
          sentAt: Date.now(),
          fromHistory: false,
        }),
      ),
    );
  }
}
