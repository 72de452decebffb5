import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createTemporaryDirectory } from '@sotto/testing/files';
import { expect, onTestFinished } from 'vitest';
import { PROGRAM } from './programs.js';

const PATIENCE_MS = 60_000;

/** Whether there is a terminal to test in; says it loudly when there is none, and fails when there has to be. */
export function hasTerminal(): boolean {
  if (['/usr/bin/tmux', '/usr/local/bin/tmux', '/opt/homebrew/bin/tmux'].some((path) => existsSync(path)))
    return true;
  const message = 'tmux is missing: THE SCREEN OF THE TERMINAL CHAT IS NOT TESTED (apt-get install tmux)';
  if (process.env['SOTTO_REQUIRE_TMUX'] === '1') throw new Error(message);
  process.stderr.write(`\n!!! ${message}\n\n`);
  return false;
}

/** The built chat in a real terminal: a tmux server of its own, without anyone's settings. */
export class Terminal {
  readonly #folder = createTemporaryDirectory();
  readonly #socket = join(this.#folder.path, 'socket');

  constructor(
    flags: readonly string[],
    {
      columns = 80,
      rows = 24,
      env: more = {},
    }: { readonly columns?: number; readonly rows?: number; readonly env?: NodeJS.ProcessEnv } = {},
  ) {
    const { SOTTO_CHAT_PASSPHRASE: _, ...env } = process.env;
    const size = ['-x', String(columns), '-y', String(rows)];
    const program = [process.execPath, PROGRAM, ...flags].map((word) => `'${word}'`).join(' ');
    // What is left in the terminal can be looked at after the program has ended.
    const shell = `${program}; echo "exit code $?"; exec sleep 600`;
    this.#tmux(['-f', '/dev/null', 'new-session', '-d', ...size, shell], {
      ...env,
      LC_ALL: 'C.UTF-8',
      TERM: 'xterm-256color',
      ...more,
    });
    onTestFinished(() => {
      this.#tmux(['kill-server']);
      this.#folder.remove();
    });
  }

  /** Types a text, as it is. */
  type(text: string): void {
    this.#tmux(['send-keys', '-l', '--', text]);
  }

  /** Pastes a text, as a terminal does. */
  paste(text: string): void {
    this.#tmux(['set-buffer', '--', text]);
    // In brackets, when the program asked for them.
    this.#tmux(['paste-buffer', '-p']);
  }

  /** Presses keys, by tmux's names. */
  press(...keys: readonly string[]): void {
    this.#tmux(['send-keys', ...keys]);
  }

  /** Types a line and Enter, once the program has a line to type in. */
  enter(text: string): void {
    this.type(text);
    this.press('Enter');
  }

  resize(columns: number, rows: number): void {
    this.#tmux(['resize-window', '-x', String(columns), '-y', String(rows)]);
  }

  /** What is on the screen. */
  screen(): string {
    return this.#tmux(['capture-pane', '-p']);
  }

  /** What is on the screen, and what was scrolled out of it. */
  history(): string {
    return this.#tmux(['capture-pane', '-p', '-S', '-']);
  }

  /** Waits until something is on the screen. @returns the screen */
  async see(what: string | RegExp): Promise<string> {
    const matcher = typeof what === 'string' ? expect.stringContaining(what) : expect.stringMatching(what);
    await expect.poll(() => this.screen(), { timeout: PATIENCE_MS, interval: 100 }).toEqual(matcher);
    return this.screen();
  }

  async seeNoMore(what: string): Promise<void> {
    await expect
      .poll(() => this.screen(), { timeout: PATIENCE_MS, interval: 100 })
      .not.toEqual(expect.stringContaining(what));
  }

  #tmux(words: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
    return execFileSync('tmux', ['-S', this.#socket, ...words], { encoding: 'utf8', env });
  }
}
