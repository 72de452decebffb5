/**
 * Switches to the terminal's alternate screen, whose content disappears, also from the scrollback, when it is left.
 * Enables bracketed paste.
 */
export function enterScreen(): void {
  process.stdout.write('\x1b[?1049h\x1b[?2004h\x1b[2J\x1b[H');
}

export function leaveScreen(): void {
  process.stdout.write('\x1b[?2004l\x1b[?1049l');
}
