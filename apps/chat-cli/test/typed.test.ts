import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeUtf8 } from '@sotto/core';
import {
  createSafetyNumber,
  encodeContactCard,
  formatKeyText,
  formatSafetyNumber,
  qrModules,
} from '@sotto/identity';
import { temporaryDirectory } from '@sotto/testing/files';
import { encode as encodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crypto } from '../src/data-directory.js';
import { Chat } from './programs.js';

const { publicKey } = crypto.secp256k1.generateKeyPair();
const card = encodeContactCard(crypto, { identity: publicKey });
const key = formatKeyText(crypto, publicKey, 'uncompressed');
const base64 = (text: string) => Buffer.from(text).toString('base64');

let chat: Chat;
let folder: string;

/** All in a trial: nothing of it needs a network or a disk. */
beforeEach(async () => {
  folder = temporaryDirectory();
  chat = new Chat(['--memory']);
  await chat.event('ready');
});

afterEach(async () => {
  expect(chat.stderr).toBe('');
});

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** What a request was refused with. */
async function error(name: string, fields: Readonly<Record<string, unknown>>) {
  return (await chat.tell(name, fields))['error'] as { readonly code: string; readonly message: string };
}

const names = async () =>
  ((await chat.ask('contacts'))['contacts'] as { name: string }[]).map(({ name }) => name);

describe('someone is added', () => {
  it('wrong cards, keys and contact codes: each is told apart, repeated nowhere, and adds no one', async () => {
    const { contactCode, card: own } = (await chat.ask('card')) as Record<string, string>;
    const code = contactCode as string;
    const other = JSON.parse(Buffer.from(code, 'base64').toString()) as Record<string, string>;
    const cases: readonly (readonly [what: string, who: string, code: string, message: RegExp])[] = [
      ['something else', 'hello!', 'INVALID_TEXT', /Was something else copied/],
      ['nothing but spaces', '   ', 'MALFORMED_MESSAGE', /not a valid contact card/],
      [
        'a contact code with JSON cut off',
        base64('{"identity": '),
        'MALFORMED_MESSAGE',
        /not a valid contact card/,
      ],
      ...[5, 6, 7, 8, 9].map(
        (missing) =>
          [
            `a contact code without its last ${missing} characters`,
            code.slice(0, -missing),
            'MALFORMED_MESSAGE',
            /Was all of it copied/,
          ] as const,
      ),
      [
        'a contact code that is not base64',
        `${code.slice(0, 40)}*${code.slice(41)}`,
        'INVALID_TEXT',
        /something else copied/,
      ],
      [
        'a contact code whose identity was exchanged',
        base64(JSON.stringify({ ...other, identity: base64(String.fromCharCode(...publicKey)) })),
        'BUNDLE_SIGNATURE_INVALID|INVALID_PUBLIC_KEY|INVALID_LENGTH',
        /./,
      ],
      [
        'a card with a character changed',
        card.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
        'INVALID_CONTACT_CARD',
        /damaged/,
      ],
      ['a card cut off', card.slice(0, -6), 'INVALID_CONTACT_CARD', /damaged/],
      ['the full card cut off', (own as string).slice(0, 90), 'INVALID_CONTACT_CARD', /damaged/],
      ['a card of a later version', laterCard(), 'INVALID_CONTACT_CARD', /newer version/],
      ['a link to something else', 'https://example.org/#card', 'INVALID_TEXT', /./],
      ['a key with characters that no key has', '0xhello', 'INVALID_TEXT', /starts like a key/],
      ['a key cut off', key.slice(0, -2), 'INVALID_LENGTH', /length/],
      ['a key that is not on the curve', `0x04${'11'.repeat(64)}`, 'INVALID_PUBLIC_KEY', /does not exist/],
    ];
    const before = await names();
    for (const [what, who, expected, message] of cases) {
      const failure = await error('add', { who, name: 'Someone' });
      expect(failure?.code, what).toMatch(new RegExp(`^(${expected})$`));
      expect(failure?.message, what).toMatch(message);
      for (const piece of who.match(/\S{9,}/g) ?? []) expect(failure?.message, what).not.toContain(piece);
    }
    expect(await names()).toEqual(before);
  });

  it.each([
    ['the card', card],
    ['a card with line breaks and spaces, as a mail program breaks it', card.replace(/(.{20})/g, '$1\r\n  ')],
    ['a link with a card', `https://chat.example/#${card}`],
    ['a key in capitals', key.toUpperCase().replace('0X', '0x')],
    ['a compressed key in hex', `0x${formatKeyText(crypto, publicKey, 'compressed').replace(/^0x/, '')}`],
    ['a multibase key', formatKeyText(crypto, publicKey, 'base58btc')],
  ])('%s, in any form: the same person', async (_, who) => {
    const { person } = (await chat.ask('add', { who, name: 'Bob' })) as { person: { key: string } };
    expect(person.key).toBe(formatKeyText(crypto, publicKey, 'base58btc'));
  });

  it('names that hide something, are empty or endless are refused; two of the same name are told', async () => {
    for (const name of ['a\u202eb', 'a\u0007b', 'x'.repeat(10_000)]) {
      expect((await error('add', { who: card, name }))?.code).toMatch(/^(INVALID_TEXT|LIMIT_EXCEEDED)$/);
    }
    expect(await chat.ask('add', { who: card, name: 'Echo' })).toMatchObject({ sameName: true });
    expect(await error('send', { conversation: 'echo', text: 'To whom?' })).toMatchObject({
      code: 'AMBIGUOUS_NAME',
    });
  });
});

describe('a picture is read', () => {
  it('PNG with and without colours, JPEG, large and turned ones: the same card', async () => {
    const png = pngOf(card);
    const pixels = picture(card, 8);
    const files = [
      file('grey.png', png),
      file('colours.png', encodePng({ ...picture(card, 3), channels: 4 })),
      file('photo.jpg', jpeg.encode(pixels, 70).data),
      file('no name extension', png),
      file('large.jpg', jpeg.encode(picture(card, 60), 80).data),
      file('turned.jpg', jpeg.encode(turned(pixels), 80).data),
    ];
    for (const path of files) {
      const { person } = (await chat.ask('scan', { file: path, name: 'Bob' })) as { person: { key: string } };
      expect(person.key, path).toBe(formatKeyText(crypto, publicKey, 'base58btc'));
    }
  });

  it('no picture, a damaged one, one without a code, a code of something else: four answers, and no one is added', async () => {
    const png = pngOf(card);
    const blank = { width: 200, height: 200, data: Buffer.alloc(200 * 200 * 4, 0xff) };
    const before = await names();
    const cases: readonly (readonly [path: string, code: string])[] = [
      [file('text.png', encodeUtf8('hello')), 'NOT_A_PICTURE'],
      [file('empty.png', new Uint8Array(0)), 'NOT_A_PICTURE'],
      [file('damaged.png', png.slice(0, png.length / 2)), 'NOT_A_PICTURE'],
      [file('damaged.jpg', jpeg.encode(blank).data.subarray(0, 30)), 'NOT_A_PICTURE'],
      [file('blank.jpg', jpeg.encode(blank).data), 'QR_UNREADABLE'],
      [file('website.png', pngOf('https://example.org')), 'INVALID_TEXT'],
      [file('damaged card.png', pngOf(card.slice(0, -6))), 'INVALID_CONTACT_CARD'],
      [join(folder, 'missing.png'), 'FILE_UNREADABLE'],
      [folder, 'FILE_UNREADABLE'],
    ];
    for (const [path, code] of cases) {
      expect((await error('scan', { file: path }))?.code, path).toBe(code);
    }
    expect(await names()).toEqual(before);
  });
});

describe('safety numbers', () => {
  it('the right one in any spelling verifies; a wrong, short or unreadable one does not, nor the card of another', async () => {
    const { key: ownKey } = (await chat.ask('card')) as { key: string };
    const { conversation } = await chat.ask('add', { who: card, name: 'Bob' });
    const { safetyNumber, person } = await chat.ask('verify', { conversation });
    expect(person).toMatchObject({ verified: false });
    const number = String(safetyNumber);
    expect(number).toMatch(/^(\d{5} ){11}\d{5}$/);

    const another = encodeContactCard(crypto, { identity: crypto.secp256k1.generateKeyPair().publicKey });
    for (const [answer, code] of [
      [number.slice(0, -1), 'INVALID_LENGTH'],
      [`${number.slice(0, -1)}${number.endsWith('0') ? 1 : 0}`, 'NOT_THE_SAME'],
      [another, 'NOT_THE_SAME'],
      [ownKey, 'NOT_THE_SAME'],
      ['no', 'NOT_THE_SAME'],
      ['it looks fine', 'INVALID_TEXT'],
    ] as const) {
      expect((await error('verify', { conversation, answer }))?.code, answer).toBe(code);
      expect((await chat.ask('verify', { conversation }))['person']).toMatchObject({ verified: false });
    }
    for (const answer of [number, number.replaceAll(' ', ''), number.replaceAll(' ', ' - '), 'YES', card]) {
      expect((await chat.ask('verify', { conversation, answer }))['person']).toMatchObject({
        verified: true,
      });
      await error('verify', { conversation, answer: 'no' });
    }
  });

  it('someone who is no contact is not verified', async () => {
    expect(await error('verify', { conversation: card, answer: 'yes' })).toMatchObject({
      code: 'UNKNOWN_PERSON',
    });
  });

  it('the number is that of the two keys', async () => {
    const own = (await chat.ask('card'))['card'] as string;
    const { parseContact } = await import('@sotto/identity');
    const expected = createSafetyNumber(crypto, parseContact(crypto, own).identity, publicKey);
    expect((await chat.ask('verify', { conversation: card }))['safetyNumber']).toBe(
      formatSafetyNumber(expected),
    );
  });
});

describe('requests', () => {
  it.each([
    ['no JSON', 'hello', 'BAD_REQUEST', null],
    ['no object', '[1]', 'BAD_REQUEST', null],
    ['nothing to do', '{"id": "nothing"}', 'BAD_REQUEST', 'nothing'],
    ['something unknown', '{"id": "something", "do": "sing"}', 'UNKNOWN_COMMAND', 'something'],
    ['too little', '{"id": "little", "do": "add"}', 'BAD_REQUEST', 'little'],
    ['too much', '{"id": "much", "do": "card", "who": "me"}', 'BAD_REQUEST', 'much'],
    [
      'the wrong type',
      '{"id": "wrong", "do": "group", "name": "A", "members": "Echo"}',
      'BAD_REQUEST',
      'wrong',
    ],
    ['a name from the prototype', '{"id": "proto", "do": "constructor"}', 'UNKNOWN_COMMAND', 'proto'],
  ])('%s is answered, and the next one is served', async (_, line, code, id) => {
    chat.write(line);
    const answer = await chat.line((written) => 'answer' in written && written['answer'] === id);
    expect(answer['error']).toMatchObject({ code });
    await chat.ask('list');
  });

  it('texts, chats and groups that cannot be', async () => {
    const refusals: readonly (readonly [
      name: string,
      fields: Readonly<Record<string, unknown>>,
      code: string,
    ])[] = [
      ['send', { conversation: 'Echo', text: '  ' }, 'INVALID_TEXT'],
      ['send', { conversation: 'Echo', text: 'a\u001b[2Jb' }, 'INVALID_TEXT'],
      ['send', { conversation: 'Echo', text: 'x'.repeat(20_000) }, 'LIMIT_EXCEEDED'],
      ['send', { conversation: 'Nobody', text: 'hello' }, 'UNKNOWN_PERSON'],
      ['to', { conversation: '#Not Like This' }, 'INVALID_TEXT'],
      ['history', { conversation: '#never-joined' }, 'UNKNOWN_CONVERSATION'],
      ['history', { conversation: 'Echo', limit: 'many' }, 'BAD_REQUEST'],
      ['members', { conversation: 'Echo' }, 'WRONG_KIND'],
      ['verify', { conversation: '#a-chat' }, 'UNKNOWN_PERSON'],
      ['pair', { device: 'ffff' }, 'BAD_REQUEST'],
      ['kick', { conversation: '#a-chat', members: ['Echo'] }, 'WRONG_KIND'],
      ['accept', { conversation: 'Nobody' }, 'UNKNOWN_PERSON'],
      ['block', { conversation: '#a-chat' }, 'UNKNOWN_PERSON'],
      ['block', { conversation: (await chat.ask('card'))['key'] }, 'INVALID_ARGUMENT'],
      ['unblock', {}, 'BAD_REQUEST'],
      ['retry', { conversation: 'Echo' }, 'NOTHING_FAILED'],
      ['retry', { conversation: 'Echo', message: 'ab'.repeat(32) }, 'NOT_FOUND'],
      ['giveup', { conversation: 'Echo' }, 'NOTHING_FAILED'],
      ['giveup', { conversation: 'Echo', message: 'no-id' }, 'NOT_FOUND'],
    ];
    for (const [name, fields, code] of refusals) {
      expect((await error(name, fields))?.code, `${name} ${JSON.stringify(fields).slice(0, 60)}`).toBe(code);
    }
  });
});

describe('someone is blocked', () => {
  it('twice, and unblocked twice: the same as once', async () => {
    const { person } = (await chat.ask('block', { conversation: 'Echo' })) as { person: { key: string } };
    await chat.ask('block', { conversation: person.key });
    expect(await chat.ask('blocked')).toMatchObject({ blocked: [{ key: person.key, contact: false }] });
    for (let times = 0; times < 2; times++) await chat.ask('unblock', { conversation: person.key });
    expect(await chat.ask('blocked')).toEqual({ blocked: [] });
  });
});

/** A QR code as a picture file: a grey PNG. */
function pngOf(text: string): Uint8Array {
  const { width, height, data } = picture(text, 4);
  const grey = Uint8Array.from({ length: width * height }, (_, i) => data[i * 4] as number);
  return encodePng({ width, height, data: grey, channels: 1, depth: 8 });
}

/** A QR code as pixels, each module a square of so many. */
function picture(text: string, scale: number) {
  const modules = qrModules(text);
  const side = modules.length * scale;
  const data = Buffer.alloc(side * side * 4, 0xff);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (modules[Math.floor(y / scale)]?.[Math.floor(x / scale)])
        data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return { width: side, height: side, data };
}

/** A square picture, upside down. */
function turned({ width, height, data }: ReturnType<typeof picture>) {
  const pixels = new Uint32Array(Uint8Array.from(data).buffer);
  return { width, height, data: Buffer.from(Uint32Array.from(pixels).reverse().buffer) };
}

/** Made as a later version would: the frame and its checksum stay. */
function laterCard(): string {
  const prefix = 'SOTTO:2/';
  const body = Uint8Array.of(9, ...publicKey);
  const checksum = crypto.sha256(encodeUtf8(prefix), body).subarray(0, 4);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...body, ...checksum].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = bits.match(/.{1,5}/g) ?? [];
  return prefix + digits.map((five) => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]).join('');
}
