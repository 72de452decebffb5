import {
  type Channel,
  type ConnectOptions,
  encodeHex,
  type PublicKey,
  SottoError,
  type Transport,
  type TransportConnection,
} from '@sotto/core';

/** Largest message that the driver is given. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** A message for the driver to carry. */
export interface Carried {
  readonly kind: Channel['kind'];
  /** Of a partitioned or discovery topic: whose it is, 33 bytes in hex. */
  readonly to?: string;
  /** Of a public topic: its name. */
  readonly name?: string;
  /** Of a negotiated topic: its secret, 32 bytes in hex. */
  readonly sharedSecret?: string;
  /** ProtocolMessage, hex. */
  readonly message: string;
}

/** A transport without a network: the driver carries the messages. */
export class HandCarriedTransport implements Transport {
  readonly capabilities = { maxPayloadBytes: MAX_PAYLOAD_BYTES, history: false, confirmsSend: true };
  readonly #sent: Carried[] = [];
  #connected: ConnectOptions | undefined;
  #channels: readonly Channel[] = [];

  async connect(options: ConnectOptions): Promise<TransportConnection> {
    this.#connected = options;
    return {
      send: async (channel, payload) => {
        this.#sent.push({ ...describe(channel), message: encodeHex(payload) });
      },
      subscribe: async (channels) => {
        this.#channels = channels;
      },
      close: async () => {
        this.#connected = undefined;
      },
    };
  }

  /** What was sent since the last call. */
  take(): readonly Carried[] {
    return this.#sent.splice(0);
  }

  /** Where messages are expected. */
  get channels(): readonly Omit<Carried, 'message'>[] {
    return this.#channels.map(describe);
  }

  /** Delivers a message that the driver has carried. @throws CLOSED */
  async deliver(sender: PublicKey, payload: Uint8Array, channel: Channel, sentAt: number): Promise<void> {
    if (this.#connected === undefined)
      throw new SottoError('CLOSED', 'The device is not connected.', { what: 'transport' });
    await this.#connected.onMessage({ sender, payload, channel, sentAt, fromHistory: false });
  }
}

function describe(channel: Channel): Omit<Carried, 'message'> {
  switch (channel.kind) {
    case 'public':
      return { kind: channel.kind, name: channel.name };
    case 'partitioned':
    case 'discovery':
      return { kind: channel.kind, to: encodeHex(channel.recipient) };
    case 'negotiated':
      return { kind: channel.kind, sharedSecret: encodeHex(channel.secret) };
  }
}
