import { defaultProvider } from '@sotto/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mentionText, textParts } from '../src/index.js';

const crypto = defaultProvider();
const { publicKey: bob } = crypto.secp256k1.generateKeyPair();

const linksIn = (text: string) =>
  textParts(crypto, text).flatMap((part) => (part.kind === 'link' ? [part.text] : []));

describe('links', () => {
  it.each([
    ['see https://status.app', ['https://status.app']],
    ['See https://status.app/a?b=c#d.', ['https://status.app/a?b=c#d']],
    ['(https://en.wikipedia.org/wiki/Keel_(ship))', ['https://en.wikipedia.org/wiki/Keel_(ship)']],
    ['"http://a.example/"', ['http://a.example/']],
    ['https://a.example, https://b.example!', ['https://a.example', 'https://b.example']],
    ['HTTPS://A.EXAMPLE', ['HTTPS://A.EXAMPLE']],
    ['ftp://a.example javascript:alert(1) file:///etc/passwd', []],
    ['https://', []],
    ['https://bank.example@evil.example/', []],
    ['https://a.example/\u202etxt.exe', []],
    [`https://a.example/${'x'.repeat(3_000)}`, []],
    ['mailto:a@b.example www.a.example', []],
  ])('in %j', (text, links) => {
    expect(linksIn(text)).toEqual(links);
  });

  it('show where they lead', () => {
    const [link] = textParts(crypto, 'https://аpple.example'); // a Cyrillic letter
    expect(link).toMatchObject({ url: 'https://xn--pple-43d.example/' });
  });

  it('are limited in number, and in the time that they cost', () => {
    expect(linksIn('https://a.example '.repeat(500)).length).toBeLessThanOrEqual(200);
    expect(linksIn(`https://a.example/${')'.repeat(16_000)}`)).toEqual([]);
    expect(linksIn('https://'.repeat(2_000))).toEqual([]);
  });
});

describe('mentions', () => {
  it('are of people, by their key, or of everyone', () => {
    const text = mentionText(crypto, bob);
    expect(textParts(crypto, `${text}: look, @0x00001!`)).toEqual([
      { kind: 'mention', text, identity: bob },
      { kind: 'text', text: ': look, ' },
      { kind: 'everyone', text: '@0x00001' },
      { kind: 'text', text: '!' },
    ]);
  });

  it('of keys that nobody can have stay text', () => {
    for (const text of [`@0x04${'0'.repeat(128)}`, `${mentionText(crypto, bob)}f`, '@bob', '@0x04'])
      expect(textParts(crypto, text)).toEqual([{ kind: 'text', text }]);
  });
});

it('the pieces of any text make up the text', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('https://', 'https://a.example/(', mentionText(crypto, bob), '@0x00001', ')', '.', ' '),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const text = pieces.join('');
      expect(
        textParts(crypto, text)
          .map((part) => part.text)
          .join(''),
      ).toBe(text);
    }),
  );
});
