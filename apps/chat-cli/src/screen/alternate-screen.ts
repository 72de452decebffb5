/**
 * The terminal's second screen: what stands there is gone, also from the history, when it is left. Pasted text comes in
 * brackets there.
 */
export function enterScreen(): void {
  process.stdout.write('\x1b[?1049h\x1b[?2004h\x1b[2J\x1b[H');
}

export function leaveScreen(): void {
  process.stdout.write('\x1b[?2004l\x1b[?1049l');
}
