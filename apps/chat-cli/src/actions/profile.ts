import { readFile } from 'node:fs/promises';
import { PROFILE_PICTURE_MAX_BYTES } from '@sotto/conversations/profile';
import { CliError } from '../cli-error.js';
import { sizeText } from '../files.js';
import { plain } from '../names.js';
import type { Session } from '../session.js';
import type { Action, Outcome } from './action.js';

/** Ends what it stands in place of. */
const OFF = 'off';

async function shown({ profiles }: Session): Promise<Outcome> {
  const { name, picture } = await profiles.own();
  const size = picture?.length;
  return {
    value: { name, ...(size !== undefined && { pictureBytes: size }) },
    said: [
      name === '' ? 'You show no name of your own.' : `You are called ${plain(name)}.`,
      size === undefined ? 'You show no picture.' : `You show a picture of ${sizeText(size)}.`,
      '',
      'People get it with your next message to them, and members of small groups. Nobody checks such names.',
    ],
  };
}

const profile: Action = {
  name: 'profile',
  about: 'sets what you are called by people who have no name for you: /profile NAME, /profile off',
  parameters: [{ name: 'name', kind: 'rest', optional: true }],
  async run(session, args) {
    const name = args.optional('name');
    if (name !== undefined) {
      const { picture } = await session.profiles.own();
      await session.profiles.set({ name: name === OFF ? '' : name, picture });
    }
    return shown(session);
  },
};

const picture: Action = {
  name: 'picture',
  about:
    'sets the picture that goes with your name, PNG, JPEG or WebP up to 16 KiB: /picture FILE, /picture off',
  parameters: [{ name: 'file', kind: 'rest' }],
  async run(session, args) {
    const file = args.text('file');
    const { name } = await session.profiles.own();
    await session.profiles.set({ name, picture: file === OFF ? undefined : await readPicture(file) });
    return shown(session);
  },
};

async function readPicture(file: string): Promise<Uint8Array> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    throw new CliError(
      'FILE_UNREADABLE',
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
    );
  }
  if (content.length <= PROFILE_PICTURE_MAX_BYTES) return content;
  throw new CliError(
    'NOT_A_PICTURE',
    `${file} has ${sizeText(content.length)}; a picture of you can have 16 KiB. Scale it down to 256 by 256 pixels.`,
  );
}

/** What the user shows of themselves. */
export const PROFILE: readonly Action[] = [profile, picture];
