import { messageTable } from '@sotto/device/internal';
import { DirectoryRecord, NameRecord, SiblingRecord } from '../generated/sotto/messenger/v1/discovery.js';

export type { DirectoryRecord, NameRecord, SiblingRecord };

/** `name/<name>`: the keys that names stand for. */
export const nameTable = messageTable('name', NameRecord, false);
/** `directory/<name>`: what was published in a directory. */
export const directoryTable = messageTable('directory', DirectoryRecord, false);
/** `sibling/<installation id>`: other devices of our identity, found in directories. */
export const siblingTable = messageTable('sibling', SiblingRecord, false);
