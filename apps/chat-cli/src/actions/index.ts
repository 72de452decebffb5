import { CliError } from '../cli-error.js';
import type { Action } from './action.js';
import { CONVERSATIONS } from './conversations.js';
import { DEVICES } from './devices.js';
import { FILES } from './files.js';
import { GROUPS } from './groups.js';
import { NAMES } from './names.js';
import { PEOPLE } from './people.js';
import { PROFILE } from './profile.js';
import { STATUS } from './status.js';

/** All commands, in the order of the help. */
export const ACTIONS: readonly Action[] = [
  ...PEOPLE,
  ...PROFILE,
  ...NAMES,
  ...CONVERSATIONS,
  ...FILES,
  ...GROUPS,
  ...STATUS,
  ...DEVICES,
];

const BY_NAME = new Map(ACTIONS.map((action) => [action.name, action]));

/** @throws CliError UNKNOWN_COMMAND */
export function findAction(name: string): Action {
  const action = BY_NAME.get(name);
  if (action === undefined)
    throw new CliError('UNKNOWN_COMMAND', `Unknown command. Known: ${[...BY_NAME.keys()].join(', ')}.`);
  return action;
}
