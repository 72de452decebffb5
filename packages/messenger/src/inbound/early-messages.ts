import type { TransportMessage } from '@sotto/core';

/** Messages that wait at most. */
const MOST_MESSAGES = 256;
/** Bytes of them at most. */
const MOST_BYTES = 1024 * 1024;

/**
 * Messages of groups that are not known yet: they came before what makes the group. Nothing of them is opened, so that they can
 * be received again when it is there. In memory, within bounds: the oldest go.
 */
export class EarlyMessages {
  readonly #waiting: { readonly groupId: string; readonly message: TransportMessage }[] = [];
  #bytes = 0;

  /** @returns whether there is room for it */
  add(groupId: string, message: TransportMessage): boolean {
    if (message.payload.length > MOST_BYTES) return false;
    this.#waiting.push({ groupId, message });
    this.#bytes += message.payload.length;
    while (this.#waiting.length > MOST_MESSAGES || this.#bytes > MOST_BYTES) {
      this.#bytes -= this.#waiting.shift()?.message.payload.length ?? 0;
    }
    return true;
  }

  /** Those of a group, oldest first; they wait no more. */
  take(groupId: string): readonly TransportMessage[] {
    const taken = this.#waiting.filter((one) => one.groupId === groupId);
    if (taken.length === 0) return [];
    const left = this.#waiting.filter((one) => one.groupId !== groupId);
    this.#waiting.splice(0, this.#waiting.length, ...left);
    this.#bytes = left.reduce((sum, { message }) => sum + message.payload.length, 0);
    return taken.map(({ message }) => message);
  }
}
