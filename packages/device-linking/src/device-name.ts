import { invalidArgument, parseText } from '@sotto/core';
import { MAX_NAME_LENGTH } from './limits.js';

const NOT_SHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
/** For a device that gives no name which can be shown. */
const UNNAMED = '?';

/** Our name, fit to be shown. @throws INVALID_ARGUMENT */
export function nameOf(name: string): string {
  const shown = withoutHidden(parseText(name, 'device name'));
  if (shown === '') throw invalidArgument('device name', 'empty');
  return shown;
}

/** The name that the other device gives, fit to be shown. */
export function shownName(name: string): string {
  return withoutHidden(name) || UNNAMED;
}

/** Without control and format characters, and not too long. */
function withoutHidden(name: string): string {
  return [...name.replace(NOT_SHOWN, '').trim()].slice(0, MAX_NAME_LENGTH).join('');
}
