/**
 * What became of messages of several parts: `sent` is told once, of a message all of whose parts were taken. A group of
 * many is encrypted for some members at a time, so that nothing may wait of a message that has more parts to come.
 */
export class SendOutcomes {
  readonly #tellSent: (messageId: string) => void;
  /** Messages that have parts to come. */
  readonly #growing = new Set<string>();
  /** Messages with a part that will never be taken. */
  readonly #failed = new Set<string>();

  constructor(tellSent: (messageId: string) => void) {
    this.#tellSent = tellSent;
  }

  /** Parts of a message will be made one after another. */
  growing(messageId: string): void {
    this.#growing.add(messageId);
  }

  /** All parts of a message were made. @param waiting whether some are yet to be taken */
  grown(messageId: string, waiting: boolean): void {
    if (this.#growing.delete(messageId) && !waiting) this.noneWaits(messageId);
  }

  /** A part will never be taken: no `sent` follows. */
  failed(messageId: string): void {
    this.#failed.add(messageId);
  }

  /** Nothing waits of a message, for now. */
  noneWaits(messageId: string): void {
    if (this.#growing.has(messageId)) return;
    if (!this.#failed.delete(messageId)) this.#tellSent(messageId);
  }
}
