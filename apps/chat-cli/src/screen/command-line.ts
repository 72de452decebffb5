import { type Action, Given } from '../actions/action.js';
import { ACTIONS, findAction } from '../actions/index.js';
import { CliError } from '../cli-error.js';

/**
 * Reads `/name word "some words" the rest`.
 * @param current key of the conversation that is open
 * @throws CliError UNKNOWN_COMMAND, BAD_REQUEST, UNKNOWN_CONVERSATION when one has to be open
 */
export function parseCommand(
  line: string,
  current: string | undefined,
): { readonly action: Action; readonly given: Given } {
  const [, name = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const action = findAction(name);
  const values: Record<string, unknown> = {};
  let left = rest.trim();
  for (const { name: parameter, kind, current: implied } of action.parameters) {
    if (implied) {
      if (current === undefined)
        throw new CliError('UNKNOWN_CONVERSATION', 'Open a conversation first: /to NAME');
      values[parameter] = current;
      continue;
    }
    if (left === '') continue;
    if (kind === 'rest') [values[parameter], left] = [left, ''];
    else if (kind === 'words') [values[parameter], left] = [wordsIn(left), ''];
    else [values[parameter], left] = takeWord(left);
  }
  if (left !== '')
    throw new CliError('BAD_REQUEST', `That is more than /${name} takes. Like this: ${usageOf(action)}`);
  return { action, given: givenTo(action, values) };
}

/** The example of the help, or the parameters. */
function usageOf({ name, parameters }: Action): string {
  const typed = parameters.filter(({ current }) => !current);
  const words = typed.map((parameter) => {
    const text = parameter.kind === 'words' ? `${parameter.name} …` : parameter.name;
    return parameter.optional ? `[${text}]` : text;
  });
  return [`/${name}`, ...words].join(' ').toUpperCase().replace(`/${name.toUpperCase()}`, `/${name}`);
}

function givenTo(action: Action, values: Record<string, unknown>): Given {
  try {
    return new Given(action.parameters, values);
  } catch {
    throw new CliError('BAD_REQUEST', `Something is missing. Like this: ${usageOf(action)}`);
  }
}

function wordsIn(text: string): string[] {
  const words: string[] = [];
  for (let left = text; left !== ''; ) {
    const [word, rest] = takeWord(left);
    words.push(word);
    left = rest;
  }
  return words;
}

/** The first word, or what stands in quotes, and the rest. */
function takeWord(text: string): [string, string] {
  const [all = '', double, single, bare] = /^(?:"([^"]*)"|'([^']*)'|(\S+))\s*/.exec(text) ?? [];
  return [double ?? single ?? bare ?? '', text.slice(all.length)];
}

/** What Tab makes of a line: the command that begins like this, as far as it is the only one. */
export function complete(line: string): string {
  const typed = /^\/(\S*)$/.exec(line)?.[1];
  if (typed === undefined) return line;
  const names = [...ACTIONS.map(({ name }) => name), 'help', 'quit'].filter((name) => name.startsWith(typed));
  const [first] = names;
  if (first === undefined) return line;
  if (names.length === 1) return `/${first} `;
  let shared = first;
  while (!names.every((name) => name.startsWith(shared))) shared = shared.slice(0, -1);
  return `/${shared}`;
}

/** The page that `/help` shows. */
export function helpLines(): string[] {
  return [
    'Write, and Enter sends it to the open conversation. Commands:',
    '',
    ...ACTIONS.filter(({ forPrograms }) => !forPrograms).map(
      ({ name, about }) => `/${name.padEnd(10)} ${about}`,
    ),
    '/quit       ends the program; so does Ctrl-C',
    '',
    'Ctrl-N, Ctrl-P   the next conversation, one with something new first; the previous one',
    'PageUp, PageDown   back and forth in what was said; Esc to the end of it',
    'Tab   completes a command; up and down: what you typed before',
    '',
    'In the list:  ✓ verified   = forward secrecy   ~ no forward secrecy yet   # anyone can read it',
  ];
}
