import { type Action, Arguments } from '../actions/action.js';
import { ACTIONS, findAction } from '../actions/index.js';
import { CliError } from '../cli-error.js';

/**
Parses `/name word "several words" the rest`.
 * @param current key of the conversation that is open
 * @throws CliError UNKNOWN_COMMAND, BAD_REQUEST, UNKNOWN_CONVERSATION when one has to be open
 */
export function parseCommand(
  line: string,
  current: string | undefined,
): { readonly action: Action; readonly args: Arguments } {
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
  if (left !== '') throw new CliError('BAD_REQUEST', `Too many arguments. Usage: ${usageOf(action)}`);
  return { action, args: argumentsOf(action, values) };
}

/** The command with its parameters, as in `/add WHO [NAME]`. */
function usageOf({ name, parameters }: Action): string {
  const typed = parameters.filter(({ current }) => !current);
  const words = typed.map((parameter) => {
    const text = parameter.kind === 'words' ? `${parameter.name} …` : parameter.name;
    return parameter.optional ? `[${text}]` : text;
  });
  return [`/${name}`, ...words].join(' ').toUpperCase().replace(`/${name.toUpperCase()}`, `/${name}`);
}

function argumentsOf(action: Action, values: Record<string, unknown>): Arguments {
  try {
    return new Arguments(action.parameters, values);
  } catch {
    throw new CliError('BAD_REQUEST', `An argument is missing. Usage: ${usageOf(action)}`);
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

/** The first word, or the text in quotes, and the rest. */
function takeWord(text: string): [string, string] {
  const [all = '', double, single, bare] = /^(?:"([^"]*)"|'([^']*)'|(\S+))\s*/.exec(text) ?? [];
  return [double ?? single ?? bare ?? '', text.slice(all.length)];
}

/** Completes a command as far as it is unambiguous. */
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

/** The page of `/help`. */
export function helpLines(): string[] {
  return [
    'Type a message and press Enter to send it to the open conversation. Commands:',
    '',
    ...ACTIONS.filter(({ forPrograms }) => !forPrograms).map(
      ({ name, about }) => `/${name.padEnd(10)} ${about}`,
    ),
    '/quit       exits; so does Ctrl-C',
    '',
    'Ctrl-N, Ctrl-P   next conversation, unread ones first; previous conversation',
    'PageUp, PageDown   scroll; Esc returns to the latest message',
    'Tab   completes a command; Up and Down: earlier input',
    '',
    'In the list:  ✓ verified   = forward secrecy   ~ no forward secrecy yet   # anyone can read it',
  ];
}
