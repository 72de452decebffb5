import { describe, expect, it } from 'vitest';
import { splitLinks } from '../src/components/linked-text.js';

const links = (text: string) => splitLinks(text).flatMap(({ href }) => (href === undefined ? [] : [href]));

describe('links in a text', () => {
  it.each([
    ['See https://example.org.', ['https://example.org/']],
    ['(https://example.org/a_(b))', ['https://example.org/a_(b)']],
    [
      '“https://example.org/x?y=1#z”, and http://localhost:8546/',
      ['https://example.org/x?y=1#z', 'http://localhost:8546/'],
    ],
    ['HTTPS://EXAMPLE.ORG/A', ['https://example.org/A']],
    ['<https://example.org/a>', ['https://example.org/a']],
    ['nothing here', []],
    ['javascript:alert(1) data:text/html,x file:///etc/passwd mailto:a@example.org', []],
    ['https://bank.example@evil.example/', []],
    ['https://', []],
    ['xhttps://example.org', []],
  ])('%s', (text, found) => {
    expect(links(text)).toEqual(found);
  });

  it('are cut where a sign turns the direction of writing', () => {
    expect(links('https://example.org/\u202egpj.exe')).toEqual(['https://example.org/']);
  });

  it('lose nothing of the text', () => {
    for (const text of ['a https://b.example, c https://d.example/e.', 'https://a.example', 'none', '']) {
      expect(
        splitLinks(text)
          .map((part) => part.text)
          .join(''),
      ).toBe(text);
    }
  });
});
