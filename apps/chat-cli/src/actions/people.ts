import { conversationKey } from '@sotto/conversations';
import { isSottoError, type PublicKey } from '@sotto/core';
import {
  type ContactCard,
  compareSafetyNumbers,
  createSafetyNumber,
  encodeContactCard,
  formatSafetyNumber,
  parseContact,
  parseRecipient,
} from '@sotto/identity';
import { decodeContactCode, encodeContactCode } from '@sotto/protocol-codec';
import { CliError } from '../cli-error.js';
import { crypto } from '../data-directory.js';
import { personJson, summaryJson } from '../json-shapes.js';
import { findConversation, findPerson, keyText, nameOf, plain, titleOf } from '../names.js';
import { readQrFile } from '../qr-file.js';
import type { Session } from '../session.js';
import { type Action, CURRENT, type Outcome } from './action.js';
import { namesAreOff, pinnedJson, questionLines } from './names.js';

const card: Action = {
  name: 'card',
  about: 'shows your card as a QR code and as text, for others to add you',
  parameters: [],
  async run({ identity: { publicKey }, messenger, profiles }) {
    const { name } = await profiles.own();
    const contactCode = await messenger.contacts.ownCode();
    const bundle = decodeContactCode(contactCode);
    const full = encodeContactCard(crypto, { identity: publicKey, bundle, name });
    const short = encodeContactCard(crypto, { identity: publicKey, name });
    const key = keyText(publicKey);
    return {
      value: { card: full, key, contactCode },
      codes: [full, short],
      said: [
        'Your card. It is not secret: anyone who has it can write to you.',
        '',
        full,
        '',
        `Your key: ${key}`,
      ],
    };
  },
};

const add: Action = {
  name: 'add',
  about: 'adds someone by a card, a link, a key, a contact code or a name such as alice.eth: /add CARD NAME',
  parameters: [
    { name: 'who', kind: 'word' },
    { name: 'name', kind: 'rest', optional: true },
  ],
  async run(session, args) {
    const recipient = parseRecipient(crypto, args.text('who'));
    if (recipient.kind !== 'name' && recipient.kind !== 'address') {
      return addCard(session, recipient, args.optional('name'));
    }
    if (session.finding.names === undefined) throw namesAreOff();
    const { identity, name, found } = await session.messenger.contacts.lookUp(recipient);
    if (identity === undefined || name === undefined) {
      throw new CliError('UNKNOWN_PERSON', "No one has this name, or it doesn't lead to a key.");
    }
    // Whom it stands for is to be decided first.
    if (name.changedTo !== undefined) {
      throw new CliError('NAME_CHANGED', questionLines(name.name, name.changedTo).join('\n'));
    }
    const added = await addCard(session, { identity }, args.optional('name') ?? name.name);
    return {
      ...added,
      value: { ...added.value, name: pinnedJson(name), found },
      said: [
        ...(added.said ?? []),
        `${name.name} leads to this key: ${keyText(identity)}. A name does not verify anyone.`,
      ],
    };
  },
};

const scan: Action = {
  name: 'scan',
  about: 'adds someone by a picture of the QR code, PNG or JPEG: /scan FILE NAME',
  parameters: [
    { name: 'file', kind: 'word' },
    { name: 'name', kind: 'rest', optional: true },
  ],
  run: async (session, args) =>
    addCard(session, parseContact(crypto, await readQrFile(args.text('file'))), args.optional('name')),
};

async function addCard(
  session: Session,
  { identity, bundle, name: cardName }: ContactCard,
  chosenName?: string,
): Promise<Outcome> {
  const { conversations, messenger } = session;
  const name = chosenName ?? conversations.person(identity).name;
  const double = conversations
    .contacts()
    .some((person) => name !== '' && person.name === name && keyText(person.identity) !== keyText(identity));
  // A bundle in the card is verified like any other, as a contact code.
  await conversations.addContact(bundle === undefined ? identity : encodeContactCode(bundle), name);
  const conversation = { kind: 'direct', peer: identity } as const;
  await conversations.open(conversation);
  // Without a bundle, look one up, so that the first message already has forward secrecy.
  if (bundle === undefined) void messenger.contacts.lookUp(identity).catch(() => undefined);
  const show = conversationKey(conversation);
  return {
    value: {
      ...{ conversation: show, person: personJson(session, identity), sameName: double },
      ...(cardName !== undefined && { cardName }),
    },
    show,
    said: [
      `${nameOf(session, identity)} was added. /verify to make sure that it is the right person.`,
      ...(name === '' && cardName !== undefined
        ? [
            `The card calls them ${plain(cardName)}. Anybody can write that; to call them so: /name ${plain(cardName)}`,
          ]
        : []),
      ...(double
        ? [
            'Another contact has this name and ANOTHER KEY. Verify before you trust that it is the same person.',
          ]
        : []),
    ],
  };
}

const contacts: Action = {
  name: 'contacts',
  about: 'lists your contacts',
  parameters: [],
  async run(session) {
    const people = session.conversations.contacts();
    return {
      value: { contacts: people.map(({ identity }) => personJson(session, identity)) },
      said:
        people.length === 0
          ? ['No contacts yet: /add or /scan.']
          : people.map(
              ({ identity, verified }) =>
                `${nameOf(session, identity)}${verified ? ' ✓ verified' : ''}  ${keyText(identity)}`,
            ),
    };
  },
};

const name: Action = {
  name: 'name',
  about: 'renames this person or group: /name NAME',
  parameters: [CURRENT, { name: 'name', kind: 'rest' }],
  async run(session, args) {
    const conversation = findConversation(session, args.text('conversation'));
    const chosen = args.text('name');
    if (conversation.kind === 'public') throw new CliError('WRONG_KIND', 'A public chat cannot be renamed.');
    if (conversation.kind === 'group')
      await session.messenger.groups.rename(conversation.groupId, chosen.trim());
    else await session.conversations.addContact(conversation.peer, chosen);
    return { value: { conversation: conversationKey(conversation) } };
  },
};

const forget: Action = {
  name: 'forget',
  about: 'removes this person from your contacts; the conversation stays',
  parameters: [CURRENT],
  async run(session, args) {
    const person = findPerson(session, args.text('conversation'));
    await session.conversations.removeContact(person);
    return { value: { person: personJson(session, person) }, said: ['Removed from your contacts.'] };
  },
};

const verify: Action = {
  name: 'verify',
  about: 'compares safety numbers: /verify, then /verify yes, no, or their number',
  parameters: [CURRENT, { name: 'answer', kind: 'rest', optional: true }],
  async run(session, args) {
    const peer = findPerson(session, args.text('conversation'));
    const number = createSafetyNumber(crypto, session.identity.publicKey, peer);
    const answer = args.optional('answer');
    if (answer !== undefined) await settle(session, peer, isSame(answer, number, peer));
    return {
      value: { safetyNumber: formatSafetyNumber(number), person: personJson(session, peer) },
      said:
        answer === undefined
          ? safetyNumberLines(nameOf(session, peer), formatSafetyNumber(number))
          : ['Verified: this is the right person, as long as the key stays the same.'],
    };
  },
};

/** Evaluates an answer: yes, no, the peer's number, or their card. */
function isSame(answer: string, number: string, peer: PublicKey): boolean {
  const word = answer.trim().toLowerCase();
  if (word === 'yes' || word === 'no') return word === 'yes';
  if (/^[\d\s-]+$/.test(answer)) return compareSafetyNumbers(answer, number);
  try {
    parseContact(crypto, answer, { expected: peer });
    return true;
  } catch (error) {
    if (isSottoError(error, 'WRONG_IDENTITY')) return false;
    throw error;
  }
}

async function settle({ conversations }: Session, peer: PublicKey, same: boolean): Promise<void> {
  if (!conversations.person(peer).contact) {
    if (same) throw new CliError('UNKNOWN_PERSON', 'Add this person to your contacts first: /name NAME');
  } else {
    await conversations.setVerified(peer, same);
  }
  if (same) return;
  throw new CliError(
    'NOT_THE_SAME',
    "Not the same: someone may be intercepting your messages. This person is marked as not verified; don't write anything sensitive until you know why.",
  );
}

function safetyNumberLines(who: string, formatted: string): string[] {
  const groups = formatted.split(' ');
  return [
    `Your safety number with ${who}:`,
    '',
    ...[0, 4, 8].map((start) => `    ${groups.slice(start, start + 4).join('  ')}`),
    '',
    `Meet or call, and compare it with the number that ${who} sees.`,
    '  /verify yes       the numbers are the same',
    '  /verify no        they are different',
    '  /verify 12345 …   or type or paste theirs, or their card',
  ];
}

const requests: Action = {
  name: 'requests',
  about: 'lists message requests: people who wrote to you and are not accepted yet',
  parameters: [],
  async run(session) {
    const waiting = session.conversations.list().filter(({ request }) => request);
    return {
      value: { requests: waiting.map((summary) => summaryJson(session, summary)) },
      said:
        waiting.length === 0
          ? ['No message requests.']
          : waiting.map(
              ({ conversation }) => `${titleOf(session, conversation)}: /to it, then /accept or /block`,
            ),
    };
  },
};

const accept: Action = {
  name: 'accept',
  about: 'accepts this message request or invitation; so does answering a request',
  parameters: [CURRENT],
  async run(session, args) {
    const conversation = findConversation(session, args.text('conversation'));
    if (conversation.kind === 'group') {
      await session.conversations.acceptGroup(conversation.groupId);
      return { value: { conversation: conversationKey(conversation) }, said: ['Joined.'] };
    }
    const person = findPerson(session, args.text('conversation'));
    await session.conversations.accept(person);
    return { value: { person: personJson(session, person) }, said: ['Accepted.'] };
  },
};

const block: Action = {
  name: 'block',
  about: 'blocks this person, also in groups; they are not told',
  parameters: [CURRENT],
  async run(session, args) {
    const person = findPerson(session, args.text('conversation'));
    await session.conversations.block(person);
    const isGone = session.conversations.get({ kind: 'direct', peer: person }) === undefined;
    return {
      value: { person: personJson(session, person) },
      said: ['Blocked. Undo it with /unblock and the key.'],
      ...(isGone && { show: '' }),
    };
  },
};

const unblock: Action = {
  name: 'unblock',
  about: 'unblocks a person: /unblock KEY, or in the open conversation',
  parameters: [CURRENT],
  async run(session, args) {
    const person = findPerson(session, args.text('conversation'));
    await session.conversations.unblock(person);
    return { value: { person: personJson(session, person) }, said: ['Unblocked.'] };
  },
};

const blocked: Action = {
  name: 'blocked',
  about: 'lists blocked people',
  parameters: [],
  async run(session) {
    const people = session.conversations.blocked();
    return {
      value: { blocked: people.map(({ identity }) => personJson(session, identity)) },
      said:
        people.length === 0
          ? ['No one is blocked.']
          : people.map(({ identity }) => `${nameOf(session, identity)}  ${keyText(identity)}`),
    };
  },
};

export const PEOPLE: readonly Action[] = [
  card,
  add,
  scan,
  contacts,
  name,
  forget,
  verify,
  requests,
  accept,
  block,
  unblock,
  blocked,
];
