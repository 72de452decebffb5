import type { Channel, ConnectOptions, PublicKey, Transport, TransportConnection } from '@sotto/core';

/** A message passed to the transport. */
export interface Letter {
  readonly sender: PublicKey;
  readonly channel: Channel;
  readonly payload: Uint8Array;
}

/**
 * A transport that accepts every message immediately and delivers on request, so that only the messenger and its store
 * are measured.
 */
export class PostOffice implements Transport {
  readonly capabilities: Transport['capabilities'];
  readonly #parties = new Set<ConnectOptions>();
  #route: (letter: Letter) => void = () => {};

  /** @param history whether it says that it keeps messages: without, nothing is sent under sender keys */
  constructor(history = false) {
    this.capabilities = { maxPayloadBytes: 2 ** 30, history, confirmsSend: true };
  }

  /** Sets who receives messages from now on. Default: no one. */
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

  /** Delivers a message to all others. */
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
