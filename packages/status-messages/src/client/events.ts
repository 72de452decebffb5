import { errorName, type Logger, type PublicKey, type SottoError, type Write } from '@sotto/core';
import type { ReceivedMessage } from '@sotto/messenger';
import type { StatusContent, StatusGroupInfo, StatusReceipt } from './contents.js';

/** A message of the messenger, for the application. */
export interface StatusEnvelope {
  /** The message as the messenger delivered it. Acknowledge the envelope instead of it. */
  readonly message: ReceivedMessage;
  /** Whether its payload is in the format of Status clients. Otherwise it is the payload of other software, such as plain text. */
  readonly isStatus: boolean;
  /**
   * Processes the payload and acknowledges the message, in one commit: until then it is redelivered after each restart. Call it
   * for every envelope. What was received before, and what is refused, has no contents.
   * @param options.alongside returns writes of the application for the same commit; keys begin with `app/`. Called with the contents, and with
   *   what the sender reports about messages of ours, also when there are none, and again when the commit has to be repeated. It must not
   *   call the client
   * @returns the contents; `undefined` when the message was acknowledged before, and nothing was stored
   * @throws STORE codes (nothing has changed, retry); CLOSED
   */
  acknowledge(options?: {
    readonly alongside?:
      | ((
          contents: readonly StatusContent[],
          receipts: readonly StatusReceipt[],
        ) => readonly Write[] | Promise<readonly Write[]>)
      | undefined;
  }): Promise<readonly StatusContent[] | undefined>;
}

/** The events of a {@link StatusClient}, by name. */
export interface StatusClientEvents {
  /** A message was received. */
  message: StatusEnvelope;
  /** The transport has accepted all copies of a message of ours to a Status group. Other messages: event `sent` of the messenger. */
  sent: { readonly messageId: string };
  /**
   * The first copy of a message for a recipient could not be sent, and is kept: `retry` or `giveUp`. Of a message to one person, the messenger
   * tells as well.
   */
  sendFailed: { readonly messageId: string; readonly recipient: PublicKey; readonly error: SottoError };
  /** We changed a Status group: created, joined, left it, or changed it otherwise. Changes by others are contents of messages. */
  groupChanged: { readonly group: StatusGroupInfo };
  /** A Status group was forgotten for want of room (`maxUninvitedGroups`, `maxGroups`): we were not in it. */
  groupForgotten: { readonly groupId: string };
  /** A recipient has acknowledged a message of ours. Emitted for each of them. */
  delivered: { readonly messageId: string; readonly recipient: PublicKey };
  /**
   * A recipient has not acknowledged a message of ours, which is no longer repeated by the schedule. They may have it nevertheless; `delivered`
   * may still follow.
   */
  undelivered: { readonly messageId: string; readonly recipient: PublicKey };
  /**
   * A received message was refused: it is signed by someone other than its sender (WRONG_IDENTITY), not valid (MALFORMED_MESSAGE,
   * LIMIT_EXCEEDED, INVALID_SIGNATURE), or for a group that its author or we don't belong to (NOT_FOUND, NOT_PERMITTED).
   */
  refused: { readonly sender: PublicKey; readonly error: SottoError };
}

type Listener<T> = (event: T) => void | Promise<void>;

/** Typed listeners. A listener that throws affects neither the others nor the client. */
export class StatusEvents {
  readonly #listeners = new Map<keyof StatusClientEvents, Set<Listener<never>>>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  on<K extends keyof StatusClientEvents>(name: K, listener: Listener<StatusClientEvents[K]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  emit<K extends keyof StatusClientEvents>(name: K, event: StatusClientEvents[K]): void {
    const failed = (error: unknown) =>
      this.#logger.error('listener failed', { event: name, error: errorName(error) });
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const result = (listener as Listener<StatusClientEvents[K]>)(event);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
