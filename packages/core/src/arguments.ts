import { invalidArgument } from './errors.js';

/*
 * Checks of what TypeScript checks, for callers in plain JavaScript: a wrong argument is reported at once, by its name.
 */

/**
 * Checks that an argument is a text.
 * @param what what INVALID_ARGUMENT calls it
 * @throws INVALID_ARGUMENT
 */
export function parseText(value: string, what: string): string {
  if (typeof value === 'string') return value;
  throw invalidArgument(what, 'not a text');
}

/**
 * Checks that an argument is an object, or function, that has these members: options, or a port such as a store. Where a
 * promise is given instead, the reason says that it was not waited for.
 * @param what what INVALID_ARGUMENT calls it
 * @throws INVALID_ARGUMENT
 */
export function parseObject<T extends object>(
  value: T,
  what: string,
  ...members: readonly (keyof T & string)[]
): T {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw invalidArgument(what, 'not an object');
  }
  const missing = members.find((member) => !(member in value));
  if (missing === undefined) return value;
  throw invalidArgument(
    what,
    'then' in value ? 'a promise, which has to be awaited first' : `has no ${missing}`,
  );
}

/**
 * Checks that an argument is a function.
 * @param what what INVALID_ARGUMENT calls it
 * @throws INVALID_ARGUMENT
 */
export function parseFunction<T>(value: T, what: string): T {
  if (typeof value === 'function') return value;
  throw invalidArgument(what, 'not a function');
}
