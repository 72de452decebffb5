import type { QueuedIterator } from '@nats-io/nats-core';
import type { Clock } from '@sotto/core';

/**
 * The messages of a fetch. The server ends one in time, but when it is killed, the client may wait for that forever: it stops counting
 * missed heartbeats while it is disconnected, and doesn't always begin again. The fetch is
 * stopped when the iteration is left.
 * @param silence milliseconds without a message after which the iteration throws
 */
export async function* untilSilent<T>(
  messages: QueuedIterator<T>,
  silence: number,
  clock: Clock,
): AsyncGenerator<T> {
  const wait = () => clock.after(silence, () => messages.stop(new Error('The server is silent.')));
  let cancel = wait();
  try {
    for await (const message of messages) {
      cancel();
      yield message;
      cancel = wait();
    }
  } finally {
    cancel();
    messages.stop();
  }
}
