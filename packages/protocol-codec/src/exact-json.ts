/** A JSON value: objects are maps, in the order of the text, and numbers the text that they are written as. */
export type ExactJson =
  | string
  | boolean
  | null
  | NumberText
  | readonly ExactJson[]
  | ReadonlyMap<string, ExactJson>;

/** A number as it is written, for `JSON.parse` would round a large one. */
export interface NumberText {
  readonly digits: string;
}

const SPACE = /[\t\n\r ]*/y;
/** Which escapes and characters are allowed in it, `JSON.parse` checks. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Reads JSON (RFC 8259) where `JSON.parse` loses something: large integers, the order of numeric names, a name that occurs
 * twice. The caller bounds the length of the text.
 * @throws SyntaxError, also for a name that occurs twice in an object; RangeError when it is nested too deep
 */
export function parseExactJson(json: string): ExactJson {
  let at = 0;

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(json)?.[0];
    at += found?.length ?? 0;
    return found;
  }

  function skip(token: string): boolean {
    match(SPACE);
    const found = json.startsWith(token, at);
    if (found) at += token.length;
    return found;
  }

  function expect(token: string): void {
    if (!skip(token)) throw new SyntaxError();
  }

  function string(): string | undefined {
    match(SPACE);
    const found = match(STRING);
    return found && (JSON.parse(found) as string);
  }

  function object(): ReadonlyMap<string, ExactJson> {
    const members = new Map<string, ExactJson>();
    if (skip('}')) return members;
    do {
      const name = string();
      if (name === undefined || members.has(name)) throw new SyntaxError();
      expect(':');
      members.set(name, value());
    } while (skip(','));
    expect('}');
    return members;
  }

  function array(): readonly ExactJson[] {
    const elements: ExactJson[] = [];
    if (skip(']')) return elements;
    do elements.push(value());
    while (skip(','));
    expect(']');
    return elements;
  }

  function value(): ExactJson {
    if (skip('{')) return object();
    if (skip('[')) return array();
    if (skip('null')) return null;
    if (skip('true')) return true;
    if (skip('false')) return false;
    const text = string();
    if (text !== undefined) return text;
    const digits = match(NUMBER);
    if (digits === undefined) throw new SyntaxError();
    return { digits };
  }

  const whole = value();
  match(SPACE);
  if (at < json.length) throw new SyntaxError();
  return whole;
}
