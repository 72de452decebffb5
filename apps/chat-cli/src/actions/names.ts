import { explainCode } from '@sotto/conversations';
import type { ErrorCode } from '@sotto/core';
import type { DirectoryState, PinnedName } from '@sotto/messenger';
import { CliError } from '../cli-error.js';
import { keyText, nameOf } from '../names.js';
import type { Session } from '../session.js';
import type { Action, Json } from './action.js';

const names: Action = {
  name: 'names',
  about: 'lists the names that were looked up, and whom they stand for',
  parameters: [],
  async run(session) {
    const pinned = await session.messenger.contacts.names();
    return {
      value: { names: pinned.map(pinnedJson) },
      said:
        pinned.length === 0 ? ['No name was looked up yet.'] : pinned.flatMap((one) => lines(session, one)),
    };
  },
};

function lines(session: Session, { name, identity, changedTo }: PinnedName): string[] {
  return [
    `${name}  ${nameOf(session, identity)}  ${keyText(identity)}`,
    ...(changedTo === undefined ? [] : questionLines(name, changedTo)),
  ];
}

/** Asks whom a name stands for that points to another key than before. */
export function questionLines(name: string, changedTo: NonNullable<PinnedName['changedTo']>): string[] {
  return [
    `${name} POINTS TO ANOTHER KEY now: ${keyText(changedTo)}`,
    '  Its holder has a new key, or the name has a new holder. Nothing is sent there. Ask the person you know.',
    `  /pin ${name} known   keeps the key that you know`,
    `  /pin ${name} new     uses the new one`,
  ];
}

/** A pinned name for programs. */
export function pinnedJson({ name, identity, changedTo }: PinnedName): {
  readonly [name: string]: Json | undefined;
} {
  return { name, key: keyText(identity), ...(changedTo && { changedTo: keyText(changedTo) }) };
}

const pin: Action = {
  name: 'pin',
  about: 'answers whom a name stands for that points to another key: /pin NAME known, or new',
  parameters: [
    { name: 'name', kind: 'word' },
    { name: 'answer', kind: 'word' },
  ],
  async run({ messenger: { contacts } }, args) {
    const name = args.text('name');
    const answer = args.text('answer');
    if (answer !== 'known' && answer !== 'new') throw new CliError('BAD_REQUEST', 'Answer "known" or "new".');
    const pinned = (await contacts.names()).find((one) => one.name === name);
    const identity = answer === 'known' ? pinned?.identity : pinned?.changedTo;
    if (identity === undefined) {
      throw new CliError(
        'UNKNOWN_PERSON',
        'This name was not looked up, or it points to one key only: /names',
      );
    }
    const now = await contacts.pinName(name, identity);
    return { value: pinnedJson(now), said: [`${name} stands for ${keyText(now.identity)} from now on.`] };
  },
};

const unpin: Action = {
  name: 'unpin',
  about: 'forgets whom a name stands for: the next look-up decides anew',
  parameters: [{ name: 'name', kind: 'word' }],
  async run({ messenger }, args) {
    const name = args.text('name');
    await messenger.contacts.forgetName(name);
    return { value: { name }, said: ['Forgotten.'] };
  },
};

const found: Action = {
  name: 'found',
  about: 'shows how others find you while you are offline, and publishes at once what failed',
  parameters: [],
  async run({ messenger: { contacts } }) {
    const states = (await contacts.directories()).filter(isPublishedTo);
    if (states.some(({ failedAttempts }) => failedAttempts > 0)) await contacts.publishOwnCode();
    return {
      value: { directories: states.map(stateJson) },
      said:
        states.length === 0
          ? ['By your card, and by what the node keeps of you. With --ipfs-node, by your key alone.']
          : ['Anyone who has only your key finds your devices:', ...states.map(stateLine)],
    };
  },
};

function isPublishedTo({ capabilities: { publishing } }: DirectoryState): boolean {
  return publishing === 'free' || publishing === 'paid';
}

function stateJson({ directory, publishedAt, failedAttempts, errorCode }: DirectoryState): Json {
  return { directory, publishedAt, failedAttempts, errorCode };
}

function stateLine({ directory, publishedAt, errorCode }: DirectoryState): string {
  const when = publishedAt === undefined ? 'not published yet' : new Date(publishedAt).toLocaleString();
  const why =
    errorCode === undefined ? '' : ` The last attempt failed. ${explainCode(errorCode as ErrorCode)}`;
  return `  ${directory.toUpperCase()}: ${when}${why}`;
}

const claim: Action = {
  name: 'claim',
  about: 'prepares the transaction that leads a name of yours to your key; sends nothing: /claim NAME',
  parameters: [{ name: 'name', kind: 'word' }],
  async run({ finding, identity }, args) {
    if (finding.names === undefined) throw namesAreOff();
    const records = { identity: identity.publicKey, ipns: true };
    const { to, data, sets, replaces } = await finding.names.prepare(args.text('name'), records);
    return {
      value: { to, data, value: '0x0', sets: [...sets], replaces: [...replaces] },
      said: [
        `Sets ${sets.join(', ')}. NOTHING WAS SENT: sign it with the account that holds the name, in your wallet.`,
        ...(replaces.length === 0 ? [] : [`Replaces another value of ${replaces.join(', ')}.`]),
        `To: ${to}`,
        `Data: ${data}`,
      ],
    };
  },
};

/** What is said when a name is to be looked up, and nobody can be asked. */
export function namesAreOff(): CliError {
  return new CliError(
    'NAMES_OFF',
    'To look up names, start with --chain and the JSON-RPC of an Ethereum node.',
  );
}

export const NAMES: readonly Action[] = [names, pin, unpin, found, claim];
