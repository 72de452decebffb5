import type { IdentifiedMessage } from './sealed-senders.js';

/** Most messages that wait. */
const MOST_MESSAGES = 256;
/** Most bytes of these. */
const MOST_BYTES = 1024 * 1024;

/**
 * Messages of groups that are not known yet: they arrived before the changes that create it. They stay encrypted, so that they
 * can be processed again once the group exists. In memory, within bounds: the oldest are dropped.
 */
export class EarlyMessages {
  readonly #waiting: { readonly groupId: string; readonly message: IdentifiedMessage }[] = [];
  #bytes = 0;

  /** @returns whether there is room for it */
  add(groupId: string, message: IdentifiedMessage): boolean {
    if (message.payload.length > MOST_BYTES) return false;
    this.#waiting.push({ groupId, message });
    this.#bytes += message.payload.length;
    while (this.#waiting.length > MOST_MESSAGES || this.#bytes > MOST_BYTES) {
      this.#bytes -= this.#waiting.shift()?.message.payload.length ?? 0;
    }
    return true;
  }

  /** Removes and returns those of a group, oldest first. */
  take(groupId: string): readonly IdentifiedMessage[] {
    const taken = this.#waiting.filter((one) => one.groupId === groupId);
    if (taken.length === 0) return [];
    const left = this.#waiting.filter((one) => one.groupId !== groupId);
    this.#waiting.splice(0, this.#waiting.length, ...left);
    this.#bytes = left.reduce((sum, { message }) => sum + message.payload.length, 0);
    return taken.map(({ message }) => message);
  }
}
