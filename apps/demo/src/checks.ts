import { isSottoError } from '@sotto/core';
import { type Screen, styled, table, WIDTH, wrapped } from './screen.js';

/** Column where statements start. */
const INDENT = 5;

interface Section {
  readonly name: string;
  expectations: number;
  readonly failures: string[];
}

/** Counts expectations and failures, by section. */
export class Checks {
  readonly #screen: Screen;
  readonly #sections: Section[] = [];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Starts a section, to which the following expectations belong. */
  section(name: string): void {
    this.#sections.push({ name, expectations: 0, failures: [] });
  }

  /** Records an expectation and shows the result; `mark` is shown when it is fulfilled. */
  expect(what: string, fulfilled: boolean, mark: '✓' | '!' = '✓'): void {
    this.count(what, fulfilled);
    const shown = fulfilled
      ? styled(mark, mark === '!' ? 'yellow' : 'green')
      : styled('✗ FAILED:', 'red', 'bold');
    const [first = '', ...others] = wrapped(what, WIDTH - INDENT - (fulfilled ? 0 : 8));
    this.#screen.line(`   ${shown} ${first}`);
    for (const line of others) this.#screen.line(' '.repeat(INDENT) + line);
  }

  /** Records an expectation without showing it. */
  count(what: string, fulfilled: boolean): void {
    if (this.#sections.length === 0) this.section('General');
    const section = this.#sections.at(-1) as Section;
    section.expectations++;
    if (!fulfilled) section.failures.push(what);
  }

  /** Number of expectations. */
  get total(): number {
    return this.#sections.reduce((sum, { expectations }) => sum + expectations, 0);
  }

  /** Records that the current section was interrupted by an error. */
  interrupted(error: unknown): void {
    const reason = isSottoError(error) ? `${error.code}, ${error.message}` : String(error);
    this.expect(`It runs completely. Stopped by: ${reason}`, false);
    if (!isSottoError(error) || !error.code.startsWith('STORE_')) return;
    const advice =
      'The stores are in the directory for temporary files. Set TMPDIR to a writable directory with some free space, and try again.';
    for (const line of wrapped(advice, WIDTH - INDENT)) this.#screen.line(' '.repeat(INDENT) + line);
  }

  get failed(): boolean {
    return this.#sections.length === 0 || this.#sections.some(({ failures }) => failures.length > 0);
  }

  /** Shows the table at the end, and the failures. */
  summary(): void {
    this.#screen.line();
    const rows = this.#sections.map(({ name, expectations, failures }) => [
      failures.length === 0 ? styled('✓', 'green') : styled('✗', 'red', 'bold'),
      name,
      `${expectations - failures.length} of ${expectations}`,
      failures.length === 0 ? '' : styled('FAILED', 'red', 'bold'),
    ]);
    for (const row of table(rows, [2])) this.#screen.line(` ${row}`);
    for (const { name, failures } of this.#sections) {
      for (const failure of failures) {
        for (const line of wrapped(`${name}: ${failure}`, WIDTH)) this.#screen.line(styled(line, 'red'));
      }
    }
  }
}
