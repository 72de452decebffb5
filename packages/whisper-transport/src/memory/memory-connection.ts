import {
  type Channel,
  type HistoryRequest,
  type LocalParty,
  SottoError,
  type TransportConnection,
} from '@sotto/core';
import { channelKey, mayListen } from './channel-key.js';

/** What a connection needs of its network. */
export interface ConnectionRouter {
  send(from: MemoryConnection, channel: Channel, payload: Uint8Array, signal: AbortSignal | undefined): void;
  history(to: MemoryConnection, keys: ReadonlySet<string>, request: HistoryRequest): Promise<void>;
  leave(connection: MemoryConnection): void;
}

/** One party's end of a memory network. */
export class MemoryConnection implements TransportConnection {
  readonly party: LocalParty;
  readonly #router: ConnectionRouter;
  #listening: ReadonlySet<string> = new Set();
  #closed = false;

  constructor(party: LocalParty, router: ConnectionRouter) {
    this.party = party;
    this.#router = router;
  }

  /** Whether copies on the channel of this key are wanted here. */
  listensTo(key: string): boolean {
    return !this.#closed && this.#listening.has(key);
  }

  async send(
    channel: Channel,
    payload: Uint8Array,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#checkOpen();
    this.#router.send(this, channel, payload, options.signal);
  }

  async listen(channels: readonly Channel[]): Promise<void> {
    this.#checkOpen();
    this.#listening = this.#keysOf(channels);
  }

  async history(request: HistoryRequest): Promise<void> {
    this.#checkOpen();
    await this.#router.history(this, this.#keysOf(request.channels), request);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#router.leave(this);
    this.party.onStatus?.('closed');
  }

  #keysOf(channels: readonly Channel[]): ReadonlySet<string> {
    for (const channel of channels) {
      if (!mayListen(this.party.identity.publicKey, channel)) {
        throw new SottoError('INVALID_ARGUMENT', 'Only the recipient of a channel can listen to it.', {
          what: 'channel',
          reason: 'the recipient is another identity',
        });
      }
    }
    return new Set(channels.map(channelKey));
  }

  #checkOpen(): void {
    if (this.#closed) throw new SottoError('CLOSED', 'The connection was closed.', { what: 'connection' });
  }
}
