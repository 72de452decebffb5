import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  type Attachment,
  decodeAttachment,
  downloadAttachment,
  encodeAttachment,
  uploadAttachment,
} from '@sotto/attachments';
import { createHttpBlobStore } from '@sotto/attachments/http';
import type { Content } from '@sotto/conversations';
import type { BlobStore } from '@sotto/core';
import { CliError } from './cli-error.js';

/** A file in a message. */
export type FileContent = Extract<Content, { readonly kind: 'file' }>;

/**
 * The store of blobs on web servers.
 * @param urls folders of blobs: files are stored at the first one, and fetched from all
 */
export function openBlobs([url, ...alsoFrom]: readonly string[]): BlobStore | undefined {
  return url === undefined ? undefined : createHttpBlobStore({ url, alsoFrom });
}

/** Where a node of ours keeps blobs, beside its relay. */
export function blobsBesideRelay(relay: string): string {
  const url = new URL('/blobs/', relay);
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  return url.href;
}

/** What a message says of its file; `undefined` when this program can't read that. */
export function attachmentOf(content: FileContent): Attachment | undefined {
  try {
    return decodeAttachment(content.attachment);
  } catch {
    return undefined;
  }
}

/**
 * Encrypts a file and stores it.
 * @returns what goes into a message
 * @throws CliError FILE_UNREADABLE; what `uploadAttachment` throws
 */
export async function storeFile(store: BlobStore, path: string): Promise<Uint8Array> {
  const file = await openToRead(path);
  try {
    const { size } = await file.stat();
    const source = { size, read: (from: number, to: number) => readRange(file, from, to) };
    return encodeAttachment(await uploadAttachment({ store, source, name: basename(path) }));
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    if (!(await file.stat()).isFile()) throw new Error('not a file');
    return file;
  } catch (error) {
    await file?.close();
    throw new CliError('FILE_UNREADABLE', `The file cannot be read: ${reasonOf(error)}.`);
  }
}

async function readRange(file: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, from + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

/**
 * Fetches a file and writes it to a new one. Nothing is left of one that could not be fetched completely.
 * @param path of a new file, or of a folder
 * @returns the path of the file
 * @throws CliError FILE_EXISTS, FILE_UNREADABLE; what `downloadAttachment` throws
 */
export async function saveFile(store: BlobStore, attachment: Attachment, path = '.'): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  // The name comes from the sender: it has no path, and shall not make a hidden file.
  const target = resolve(isFolder ? join(path, attachment.name.replace(/^\.+/, '') || 'file') : path);
  const file = await openNew(target);
  try {
    for await (const part of downloadAttachment({ attachment, stores: [store] })) await file.writeFile(part);
    await file.close();
    return target;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(target, { force: true });
    throw error;
  }
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliError('FILE_EXISTS', 'There is such a file already. Choose another name.');
    throw new CliError('FILE_UNREADABLE', `The file cannot be written: ${reasonOf(error)}.`);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'no such file or folder' : (code ?? message);
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  const [unit, factor] = bytes < 999_500 ? ['kB', 1e3] : bytes < 999_500_000 ? ['MB', 1e6] : ['GB', 1e9];
  const amount = bytes / (factor as number);
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}
