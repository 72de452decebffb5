import type { PublicKey } from '@sotto/core';
import type { Conversation, Messenger, ReceivedMessage, SendResult } from '@sotto/messenger';

/** A message for a handler of an agent. */
export interface AgentMessage {
  /** Its text; `undefined` when the payload isn't a text as `decodeText` of `@sotto/conversations` reads it. */
  readonly text: string | undefined;
  /** The payload, whatever it is. The handler may keep it. */
  readonly payload: Uint8Array;
  /** The name of the command, without the prefix; `undefined` for every other message. */
  readonly command: string | undefined;
  /** What follows the name of the command, trimmed; the whole text for any other message; empty if there is none. */
  readonly args: string;
  /** Who wrote it: 33 bytes, authenticated. */
  readonly sender: PublicKey;
  /** Where it was written, and where {@link reply} goes. */
  readonly conversation: Conversation;
  /** All that the messenger says of it: its id, protection, times. The agent acknowledges it. */
  readonly received: ReceivedMessage;
  /** The messenger that received it. Tells the identities of an agent apart. */
  readonly messenger: Messenger;
  /** Fires when the handler took too long, or the agent stops and its grace period is over. */
  readonly signal: AbortSignal;
  /**
   * Answers in the conversation. Resolves when the answer is stored; it is then sent, after a restart if need be. To answer a
   * message request accepts it.
   * @param content a text, or the payload of a format of your own, which is borrowed
   * @throws whatever `Messenger.send` throws, and for a text `encodeText`
   */
  reply(content: string | Uint8Array): Promise<SendResult>;
}

/** Handles a message; a promise is awaited, and what it resolves to doesn't matter. Then the message is acknowledged. */
export type Handler = (message: AgentMessage) => unknown;

/** Runs before the handlers of a message, and after them once `next()` has resolved. Without a call of `next` the message ends here. */
export type Middleware = (message: AgentMessage, next: () => Promise<void>) => unknown;
