import { SottoError } from '@sotto/core';
import type { FanOut } from '../groups/fan-out.js';
import type { DeliveryTracker } from '../outbound/delivery-tracker.js';
import type { Outbox } from '../outbound/outbox.js';
import type { MessengerContext } from '../runtime/context.js';
import type { CommitOptions } from '../runtime/options.js';

/** Messages on their way: `messenger.outbox`. Messages are identified by the id that `send` returned. */
export class MessengerOutbox {
  readonly #context: MessengerContext;
  readonly #outbox: Outbox;
  readonly #fanOut: FanOut;
  readonly #tracker: DeliveryTracker;

  /** @internal */
  constructor(context: MessengerContext, outbox: Outbox, fanOut: FanOut, tracker: DeliveryTracker) {
    this.#context = context;
    this.#outbox = outbox;
    this.#fanOut = fanOut;
    this.#tracker = tracker;
  }

  /**
   * Ids of the messages with a part that has yet to be encrypted for a recipient, or accepted by the transport.
   * @throws STORE codes, CLOSED
   */
  async pending(): Promise<ReadonlySet<string>> {
    return this.#context.runtime.read(async (tx) => {
      return new Set([...this.#tracker.pending(), ...(await this.#fanOut.queuedIds(tx))]);
    });
  }

  /** Ids of the messages with a part that the transport has refused for good: {@link retry} or {@link giveUp}. */
  failed(): readonly string[] {
    return this.#outbox.failed();
  }

  /**
   * Offers the failed parts of a message to the transport once more, for instance after the clock was corrected. `sent` or
   * `sendFailed` follow.
   * @throws NOT_FOUND when no part of the message has failed; STORE codes, CLOSED
   */
  async retry(id: string): Promise<void> {
    this.#context.runtime.checkOpen();
    if ((await this.#outbox.retry(id)) === 0) throw noSuchMessage(id);
  }

  /**
   * Gives a message up: parts that failed, wait for the transport, or have yet to be encrypted for members of a group are
   * never sent. Other parts may have been sent before.
   * @throws NOT_FOUND when no part of the message waits or has failed; INVALID_ARGUMENT; STORE codes, CLOSED
   */
  async giveUp(id: string, options: CommitOptions = {}): Promise<void> {
    this.#context.runtime.checkOpen();
    const given = await this.#outbox.giveUp(id, options.alongside, (tx) => this.#fanOut.drop(tx, id));
    if (given === 0) throw noSuchMessage(id);
  }
}

function noSuchMessage(id: string): SottoError {
  return new SottoError('NOT_FOUND', 'No part of this message waits or has failed.', {
    what: 'message',
    id,
  });
}
