import { env } from 'node:process';

/**
 * How often a test repeats something.
 * @param usually in `npm test`
 * @param fully with SOTTO_LONG=1, as CI sets it
 */
export function repetitions(usually: number, fully: number): number {
  return env['SOTTO_LONG'] === '1' ? fully : usually;
}
