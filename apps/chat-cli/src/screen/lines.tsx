import { Box, Text } from 'ink';
import wrapAnsi from 'wrap-ansi';

/** A line of the screen, at most as long as the screen is wide. */
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

/** Draws lines one below the other, up to `height`. */
export function Lines({ lines, height }: LinesProps) {
  return (
    <Box flexDirection="column" height={height} overflow="hidden">
      {lines.slice(0, height).map(({ text, color, bold, dim }, i) => (
        <Text
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is identified by its position
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
