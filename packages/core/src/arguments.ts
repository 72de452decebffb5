import { invalidArgument } from './errors.js';

/*
 * Checks what TypeScript checks, for callers in plain JavaScript: a wrong argument is reported immediately, by name.
 */

/**
 * Checks that an argument is a string.
 * @param what names it in INVALID_ARGUMENT
 * @throws INVALID_ARGUMENT
 */
export function parseText(value: string, what: string): string {
  if (typeof value === 'string') return value;
  throw invalidArgument(what, 'not a string');
}

/**
 * Checks that an argument is an object, or function, that has these members: options, or a port such as a store. For a
 * promise, the reason says that it has to be awaited first.
 * @param what names it in INVALID_ARGUMENT
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
 * @param what names it in INVALID_ARGUMENT
 * @throws INVALID_ARGUMENT
 */
export function parseFunction<T>(value: T, what: string): T {
  if (typeof value === 'function') return value;
  throw invalidArgument(what, 'not a function');
}
