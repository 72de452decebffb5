import { Box, Text } from 'ink';
import wrapAnsi from 'wrap-ansi';

/** A line of the screen, not longer than that is wide. */
export interface ScreenLine {
  readonly text: string;
  readonly color?: string;
  readonly bold?: boolean;
  readonly dim?: boolean;
}

/** Breaks a text into lines of the screen. */
export function wrapped(text: string, width: number, style: Omit<ScreenLine, 'text'> = {}): ScreenLine[] {
  return wrapAnsi(text, width, { hard: true, trim: false })
    .split('\n')
    .map((line) => ({ ...style, text: line }));
}

interface LinesProps {
  readonly lines: readonly ScreenLine[];
  readonly height: number;
}

/** Lines, one below the other; what is too many is not drawn. */
export function Lines({ lines, height }: LinesProps) {
  return (
    <Box flexDirection="column" height={height} overflow="hidden">
      {lines.slice(0, height).map(({ text, color, bold, dim }, i) => (
        <Text
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place on the screen
          key={i}
          wrap="truncate"
          {...(color !== undefined && { color })}
          {...(bold && { bold })}
          {...(dim && { dimColor: dim })}
        >
          {text === '' ? ' ' : text}
        </Text>
      ))}
    </Box>
  );
}
