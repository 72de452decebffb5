import { Box, Text, useInput } from 'ink';
import { useRef, useState } from 'react';
import { complete } from './command-line.js';
import { EMPTY_LINE, edit, type KeyPress, KeyReader, type Line, lineOf } from './line-editor.js';

interface ComposerProps {
  readonly width: number;
  /** Called with the line when Enter was pressed. */
  readonly onSubmit: (text: string) => void;
}

/** The input line at the bottom. */
export function Composer({ width, onSubmit }: ComposerProps) {
  const [line, setLine] = useState(EMPTY_LINE);
  // Several keys may arrive before the next render.
  const now = useRef(line);
  const history = useRef<{ readonly typed: string[]; at: number }>({ typed: [], at: 0 });
  const reader = useRef(new KeyReader());
  const setBoth = (next: Line) => {
    now.current = next;
    setLine(next);
  };
  const submit = (text: string) => {
    setBoth(EMPTY_LINE);
    const { typed } = history.current;
    if (text !== '') typed.push(text);
    history.current.at = typed.length;
    onSubmit(text);
  };
  const recall = (step: number) => {
    const { typed, at } = history.current;
    history.current.at = Math.max(0, Math.min(typed.length, at + step));
    setBoth(lineOf(typed[history.current.at] ?? ''));
  };

  const handle = (press: KeyPress) => {
    const { input, key } = press;
    if (key.return) return submit(now.current.text);
    if (key.upArrow) return recall(-1);
    if (key.downArrow) return recall(1);
    if (key.tab) return setBoth(lineOf(complete(now.current.text)));
    if (key.pageUp || key.pageDown || (key.ctrl && /^[np]$/.test(input))) return;
    setBoth(edit(now.current, press));
  };
  useInput((input, key) => reader.current.read(input, key).forEach(handle));

  return (
    <Box width={width} height={1} overflow="hidden">
      <Text bold>{'> '}</Text>
      <Typed line={line} width={width - 3} />
    </Box>
  );
}

/** The part of the line around the cursor. */
function Typed({ line: { text, cursor }, width }: { readonly line: Line; readonly width: number }) {
  const shown = text.replaceAll('\n', '⏎');
  const start = Math.max(0, cursor - width + 1);
  const at = shown.slice(cursor, cursor + 1);
  return (
    <Text wrap="truncate">
      {shown.slice(start, cursor)}
      <Text inverse>{at === '' ? ' ' : at}</Text>
      {shown.slice(cursor + 1, start + width)}
    </Text>
  );
}
