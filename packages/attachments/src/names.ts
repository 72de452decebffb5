import { encodeUtf8 } from '@sotto/core';

/** What a name may not contain: separators of paths, control and format characters (such as those that reverse text). */
const NOT_IN_NAMES = /[/\\\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;
const ALL_NOT_IN_NAMES = new RegExp(NOT_IN_NAMES, 'gu');
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;

/** Whether a name can be shown, and be that of a file. An empty one is fine. */
export function isFileName(name: string): boolean {
  return !NOT_IN_NAMES.test(name) && name === name.trim() && !/^\.+$/.test(name);
}

/** A file name without its path, without characters that a name may not contain, and not longer than allowed. */
export function toFileName(name: string, maxBytes: number): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const clean = last.replace(ALL_NOT_IN_NAMES, '').trim();
  if (/^\.+$/.test(clean)) return '';
  if (encodeUtf8(clean).length <= maxBytes) return clean;
  const [, extension = ''] = /[^.](\.[A-Za-z0-9]{1,10})$/.exec(clean) ?? [];
  let stem = '';
  for (const character of clean.slice(0, clean.length - extension.length)) {
    if (encodeUtf8(stem + character + extension).length > maxBytes) break;
    stem += character;
  }
  return (stem + extension).trim();
}

/** Whether it is a media type in lower case without parameters, or empty. */
export function isMediaType(text: string): boolean {
  return text === '' || MEDIA_TYPE.test(text);
}
