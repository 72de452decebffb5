import { isSottoError } from '@sotto/core';
import { type Screen, styled, table, WIDTH, wrapped } from './screen.js';

/** Where statements begin. */
const INDENT = 5;

interface Section {
  readonly name: string;
  expectations: number;
  readonly failures: string[];
}

/** What was expected, and whether it came out so. */
export class Checks {
  readonly #screen: Screen;
  readonly #sections: Section[] = [];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Begins a section; what is expected next belongs to it. */
  section(name: string): void {
    this.#sections.push({ name, expectations: 0, failures: [] });
  }

  /** Notes an expectation and shows how it came out; `mark` is for one that came out as expected. */
  expect(what: string, fulfilled: boolean, mark: '✓' | '!' = '✓'): void {
    this.count(what, fulfilled);
    const shown = fulfilled
      ? styled(mark, mark === '!' ? 'yellow' : 'green')
      : styled('✗ NOT SO:', 'red', 'bold');
    const [first = '', ...others] = wrapped(what, WIDTH - INDENT - (fulfilled ? 0 : 8));
    this.#screen.line(`   ${shown} ${first}`);
    for (const line of others) this.#screen.line(' '.repeat(INDENT) + line);
  }

  /** Notes an expectation that is shown in another way. */
  count(what: string, fulfilled: boolean): void {
    if (this.#sections.length === 0) this.section('In general');
    const section = this.#sections.at(-1) as Section;
    section.expectations++;
    if (!fulfilled) section.failures.push(what);
  }

  /** How many expectations there were. */
  get total(): number {
    return this.#sections.reduce((sum, { expectations }) => sum + expectations, 0);
  }

  /** Notes that the section under way could not go on. */
  broke(error: unknown): void {
    const reason = isSottoError(error) ? `${error.code}, ${error.message}` : String(error);
    this.expect(`It goes on to the end. What stopped it: ${reason}`, false);
    if (!isSottoError(error) || !error.code.startsWith('STORE_')) return;
    const advice =
      'The stores are in the folder for temporary files. Set TMPDIR to a folder on this machine that can be written to and has some space, and run this again.';
    for (const line of wrapped(advice, WIDTH - INDENT)) this.#screen.line(' '.repeat(INDENT) + line);
  }

  get failed(): boolean {
    return this.#sections.length === 0 || this.#sections.some(({ failures }) => failures.length > 0);
  }

  /** The table at the end, and what went wrong. */
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
