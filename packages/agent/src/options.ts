import type { Clock, Logger, PublicKey } from '@sotto/core';
import type { Conversation, Messenger, ReceivedMessage, StartOptions } from '@sotto/messenger';
import type { AgentLimits } from './limits.js';
import type { AgentMessage } from './message.js';

/** Identities: a list of public keys of 33 or 65 bytes, or a function that is asked for each message. */
export type IdentityFilter = readonly Uint8Array[] | ((identity: PublicKey) => boolean);

/** How many messages are handled: on average, and at once after a pause. */
export interface RateLimit {
  /** Messages a minute, on average. */
  readonly perMinute: number;
  /** Messages at once after a pause. */
  readonly burst: number;
}

/** Why a message reached no handler. It is acknowledged, so it isn't delivered again. */
export interface Refusal {
  /**
   * - `blocked`: its sender is in `block`.
   * - `notAllowed`: its sender isn't in `allow`.
   * - `rateLimited`: its sender, or all senders together, wrote too much.
   * - `overloaded`: too many messages wait for handlers.
   */
  readonly reason: 'blocked' | 'notAllowed' | 'rateLimited' | 'overloaded';
  /** The message. */
  readonly received: ReceivedMessage;
  /** The messenger that received it. */
  readonly messenger: Messenger;
}

/** What `createAgent` takes; everything has a default. */
export interface AgentOptions {
  /** Who is answered. Default: everyone. */
  readonly allow?: IdentityFilter | undefined;
  /**
   * Who is not answered, even if allowed. Default: nobody. `requests.block` of the messenger does more: what a blocked identity
   * sends isn't even decrypted, on any start.
   */
  readonly block?: IdentityFilter | undefined;
  /** In which kinds of conversations messages are handled. Default: `direct` only. Others are acknowledged and ignored. */
  readonly conversations?: readonly Conversation['kind'][] | undefined;
  /** What one sender may write. Default: 20 a minute, 10 at once, more than a person types. `false`: no limit. */
  readonly senderRate?: RateLimit | false | undefined;
  /** What all senders together may write. Default: 600 a minute, 200 at once, since keys cost nothing to make. `false`: no limit. */
  readonly totalRate?: RateLimit | false | undefined;
  /** What commands begin with. Default `/`. */
  readonly prefix?: string | undefined;
  /** Called when a handler failed or took too long. Default: the logger is told. Reply from here if the sender should know. */
  readonly onError?: ((error: unknown, message: AgentMessage) => unknown) | undefined;
  /** Called for each message that reaches no handler. Default: nothing. */
  readonly onRefused?: ((refusal: Refusal) => void) | undefined;
  /** Bounds that differ from `AGENT_LIMITS`. */
  readonly limits?: Partial<AgentLimits> | undefined;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** Receives what failed, never keys or contents. Default: nothing is logged. */
  readonly logger?: Logger | undefined;
}

/** How a messenger is started for an agent. */
export type ServeOptions = StartOptions;

/** How an agent stops. */
export interface StopOptions {
  /** Milliseconds in which running handlers may finish before their `signal` fires. Default 10,000. */
  readonly graceMs?: number | undefined;
}
