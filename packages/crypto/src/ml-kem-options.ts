/** Options of `withMlKem768`. */
export interface MlKem768Options {
  /**
   * Where encapsulation takes its 32 random bytes from. `platform`, the default: node:crypto draws them itself where it does the
   * work, since it can't be given any. `provider`: always the provider's `randomBytes`, and so in JavaScript, for tests
   * that decide the bytes. Key pairs come from `randomBytes` in any case.
   */
  readonly randomness?: 'platform' | 'provider' | undefined;
}
