/** How files begin that people take for a backup. */
const KINDS: readonly (readonly [start: string, what: string])[] = [
  [
    '\x89PNG',
    'This file is a picture. A picture with a code is a contact card: it is read at “New”, and holds no account.',
  ],
  ['\xff\xd8\xff', 'This file is a picture, not a backup.'],
  ['GIF8', 'This file is a picture, not a backup.'],
  ['RIFF', 'This file is a picture or a recording, not a backup.'],
  ['PK\x03\x04', 'This is a ZIP archive. If the backup is in it, unpack it first.'],
  ['%PDF', 'This file is a PDF document, not a backup.'],
  ['SOTTO:', 'This file is a contact card, not a backup.'],
];

/** How every backup begins. */
const START = 'sotto backup\n';
const NAMES = 'Backups are called sotto-….backup.';

/** Checks that a file is a backup, as far as its beginning tells. Throws a `TypeError` with words for people. */
export async function checkBackupFile(file: Blob): Promise<void> {
  if (file.size === 0) throw new TypeError(`This file is empty. ${NAMES}`);
  const start = String.fromCharCode(...new Uint8Array(await file.slice(0, START.length).arrayBuffer()));
  if (start === START) return;
  const what = KINDS.find(([kind]) => start.startsWith(kind))?.[1] ?? 'This file is not a backup of Sotto.';
  throw new TypeError(`${what} ${NAMES}`);
}
