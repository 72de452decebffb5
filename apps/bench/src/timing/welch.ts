/** Running mean and variance of measurements (Welford). */
export class Moments {
  #count = 0;
  #mean = 0;
  #squares = 0;

  add(value: number): void {
    this.#count++;
    const delta = value - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (value - this.#mean);
  }

  get count(): number {
    return this.#count;
  }

  get mean(): number {
    return this.#mean;
  }

  get variance(): number {
    return this.#squares / (this.#count - 1);
  }
}

/** Welch's t of two samples: how many standard errors their means are apart. 0 when there is too little to say. */
export function welch(one: Moments, other: Moments): number {
  if (one.count < 2 || other.count < 2) return 0;
  const error = Math.sqrt(one.variance / one.count + other.variance / other.count);
  return error === 0 ? 0 : (one.mean - other.mean) / error;
}
