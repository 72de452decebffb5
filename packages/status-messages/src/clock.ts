/** Milliseconds ahead of our own clock to which a peer can raise the clock of a conversation. Two minutes, as clients of 2024 accept. */
export const CLOCK_AHEAD_MAX_MS = 120_000n;

/**
 * The clock of the next message of a conversation: the time, or one more than the last clock when that isn't behind it.
 * @param last highest clock sent or accepted in the conversation; 0 for none
 * @param nowMs milliseconds since the epoch
 */
export function nextClock(last: bigint, nowMs: bigint): bigint {
  return last < nowMs ? nowMs : last + 1n;
}

/**
 * The last clock of a conversation after a message was received. Peers can't raise it further than
 * {@link CLOCK_AHEAD_MAX_MS} ahead of our own time: deployed clients of 2020 accept any clock, and one message could
 * stop a conversation by it.
 */
export function raisedClock(last: bigint, received: bigint, nowMs: bigint): bigint {
  const most = nowMs + CLOCK_AHEAD_MAX_MS;
  const raised = received < most ? received : most;
  return raised > last ? raised : last;
}
