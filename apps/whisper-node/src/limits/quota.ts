/** How much of something each client holds. Clients that hold nothing take no memory. */
export class Quota {
  readonly #most: number;
  readonly #held = new Map<string, number>();

  /** @param most of one client */
  constructor(most: number) {
    this.#most = most;
  }

  /** Takes an amount, unless that would be too much. @returns whether it was taken */
  take(client: string, amount = 1): boolean {
    const held = (this.#held.get(client) ?? 0) + amount;
    if (held > this.#most) return false;
    this.#held.set(client, held);
    return true;
  }

  /** Gives back an amount. */
  give(client: string, amount = 1): void {
    const left = (this.#held.get(client) ?? 0) - amount;
    if (left > 0) this.#held.set(client, left);
    else this.#held.delete(client);
  }

  /** The amount that a client holds. */
  of(client: string): number {
    return this.#held.get(client) ?? 0;
  }
}
