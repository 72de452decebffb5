import { invalidArgument } from '@sotto/core';

/** What bounds an agent. */
export interface AgentLimits {
  /**
   * Handlers that run at a time, over all messengers. Default 16: enough to keep slow services busy, few enough that they aren't
   * flooded. Messages of one conversation are handled one after another, always.
   */
  readonly concurrent: number;
  /**
   * Messages that wait for a handler. Default 1,000: a minute of work for handlers that take a second. Further ones are
   * dropped, and reported as `overloaded`.
   */
  readonly queued: number;
  /**
   * Senders whose rate is remembered. Default 4,096, about 1 MB. The least recently active one is forgotten first, which gives it
   * a full burst again; `totalRate` bounds what many senders can achieve with that.
   */
  readonly senders: number;
  /**
   * Milliseconds that a handler may take. Default 60,000. Then its `signal` fires, the message counts as failed, and the next one of
   * the conversation is handled.
   */
  readonly handlerMs: number;
}

/** The default limits. */
export const AGENT_LIMITS: AgentLimits = {
  concurrent: 16,
  queued: 1_000,
  senders: 4_096,
  handlerMs: 60_000,
};

/** @throws INVALID_ARGUMENT */
export function parseLimits(limits: Partial<AgentLimits>): AgentLimits {
  const all = { ...AGENT_LIMITS, ...limits };
  for (const name of Object.keys(AGENT_LIMITS) as (keyof AgentLimits)[]) {
    if (!(Number.isSafeInteger(all[name]) && all[name] > 0)) {
      throw invalidArgument(`limits.${name}`, 'not a positive integer');
    }
  }
  return all;
}
