import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExactJson, parseExactJson } from '../src/exact-json.js';

/** As `JSON.parse` would have it. */
function plain(value: ExactJson): unknown {
  if (value instanceof Map) {
    // Not assigned one by one: "__proto__" is a name like any other.
    return Object.fromEntries(Array.from(value as ReadonlyMap<string, ExactJson>, ([k, v]) => [k, plain(v)]));
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null && 'digits' in value) return Number(value.digits);
  return value;
}

/** What a parser says of a text; all refusals are the same. */
function outcome(parse: (json: string) => unknown, json: string): unknown {
  try {
    return { value: parse(json) };
  } catch {
    return 'refused';
  }
}

describe('JSON without losses', () => {
  it('reads whatever JSON.stringify writes as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, '\t'), (value, space) => {
        const json = JSON.stringify(value, undefined, space);
        expect(plain(parseExactJson(json))).toEqual(JSON.parse(json));
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '[', ']', ',', ':', '"', '"a"', '"b"', '\\', '\\"', '\\u00e9', '\\u12', '\\x', '\n', ' '],
      ...[
        'null',
        'true',
        'false',
        'nul',
        '0',
        '01',
        '-',
        '-1',
        '1.',
        '.5',
        '1.5',
        '1e',
        '1e+9',
        '\u00a0',
        '//',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const json = pieces.join('');
        // What JSON.parse overwrites is refused, which is the case below.
        fc.pre(json.split(':').length <= 2);
        expect(outcome((text) => plain(parseExactJson(text)), json)).toEqual(outcome(JSON.parse, json));
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps the digits of a number, the order of names, and names of prototypes', () => {
    const read = parseExactJson('{"2":1795398601756053839,"1":-0.10e3,"__proto__":[]}');
    expect(read).toEqual(
      new Map<string, ExactJson>([
        ['2', { digits: '1795398601756053839' }],
        ['1', { digits: '-0.10e3' }],
        ['__proto__', []],
      ]),
    );
    expect([...(read as ReadonlyMap<string, ExactJson>).keys()]).toEqual(['2', '1', '__proto__']);
  });

  it('refuses a name that occurs twice, also when it is escaped the second time', () => {
    for (const json of ['{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '[{"b":{"":0,"":0}}]']) {
      expect(() => parseExactJson(json)).toThrow(SyntaxError);
    }
  });

  it('refuses an object whose names are not in quotes', () => {
    for (const json of ['{:1}', '{a:1}', '{1:1}', '{"a":1,:2}']) {
      expect(() => parseExactJson(json)).toThrow(SyntaxError);
    }
  });

  it('reads a long string in time proportional to its length', () => {
    const long = JSON.stringify('\\"'.repeat(500_000));
    expect(parseExactJson(long)).toHaveLength(1_000_000);
    expect(() => parseExactJson(long.slice(0, -1))).toThrow(SyntaxError);
  });
});
