import { invalidArgument, parseText } from '@sotto/core';
import { MAX_NAME_LENGTH } from './limits.js';

const NOT_SHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** A name fit to be shown: without control and format characters, and not too long. @throws INVALID_ARGUMENT */
export function nameOf(name: string): string {
  const shown = [...parseText(name, 'device name').replace(NOT_SHOWN, '').trim()].slice(0, MAX_NAME_LENGTH);
  if (shown.length === 0) throw invalidArgument('device name', 'empty');
  return shown.join('');
}
