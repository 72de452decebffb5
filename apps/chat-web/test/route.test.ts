import { describe, expect, it } from 'vitest';
import { parseNodeAddress, proposalOf } from '../src/config.js';
import { formatRoute, parseRoute } from '../src/route.js';

describe('addresses of pages', () => {
  const key = `d-02${'ab'.repeat(32)}`;

  it.each([
    '#/',
    '#/card',
    '#/devices',
    '#/settings',
    '#/settings/backup',
    '#/new',
    '#/new/chat',
    '#/new/group',
    `#/c/${key}`,
    `#/c/${key}/details`,
    `#/c/${key}/at/12`,
    '#/c/p-status',
  ])('%s', (fragment) => {
    expect(formatRoute(parseRoute(fragment))).toBe(fragment);
  });

  it.each(['', '#/nowhere', '#/c/', '#/c/x', '#/c/%E0%A4%A', `#/c/d-02${'zz'.repeat(32)}`])(
    '"%s" is the list',
    (fragment) => {
      expect(parseRoute(fragment)).toEqual({ page: 'list' });
    },
  );

  it('a link to a card opens the page that reads it', () => {
    expect(parseRoute('#SOTTO:1/AAAA')).toEqual({ page: 'new', text: 'SOTTO:1/AAAA' });
  });
});

describe('the address of a node', () => {
  it('is a WebSocket', () => {
    expect(parseNodeAddress(' ws://127.0.0.1:1 ')).toBe('ws://127.0.0.1:1/');
    expect(parseNodeAddress('wss://node.example/#here')).toBe('wss://node.example/');
    for (const wrong of [
      '',
      'wss://node.example@evil.example',
      'http://127.0.0.1',
      'javascript:alert(1)',
      'node',
    ]) {
      expect(() => parseNodeAddress(wrong)).toThrow(TypeError);
    }
  });
});

describe('a node that a link proposes', () => {
  const current = 'wss://node.example/';

  it('is asked about', () => {
    expect(proposalOf('wss://other.example', current, [])).toBe('wss://other.example/');
    expect(proposalOf('wss://other.example', undefined, [])).toBe('wss://other.example/');
  });

  it.each([
    ['the one in use', 'wss://NODE.example', []],
    ['declined before', 'wss://other.example/', ['wss://other.example/']],
    ['no node', 'https://other.example', []],
    ['a name that looks like a host', 'wss://node.example@evil.example', []],
    ['nothing', '', []],
  ])('%s: there is nothing to ask', (_, asked, declined) => {
    expect(proposalOf(asked, current, declined)).toBeUndefined();
  });
});
