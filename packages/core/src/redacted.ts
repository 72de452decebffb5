const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Base of everything that holds a secret: printing, logging, string conversion and `JSON.stringify` show its
 * class name and no fields. A guard against accidents, not against an attacker in the same process.
 */
export abstract class Redacted {
  /** The name of the class, and no fields. */
  toString(): string {
    return `[${this.constructor.name}: redacted]`;
  }

  /** As {@link toString}. */
  toJSON(): string {
    return this.toString();
  }

  /** What `console.log` and `util.inspect` of Node.js print: as {@link toString}. */
  [INSPECT](): string {
    return this.toString();
  }
}
