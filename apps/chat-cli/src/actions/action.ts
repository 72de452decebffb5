import { CliError } from '../cli-error.js';
import type { Session } from '../session.js';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** A parameter of an action. */
export interface Parameter {
  /** In requests of programs. */
  readonly name: string;
  /** Typed, it is a word, all that follows, or each of the words that follow. */
  readonly kind: 'word' | 'rest' | 'words';
  readonly optional?: true;
  /** No one types it: it is the conversation that is open. */
  readonly current?: true;
}

/** Something that can be done: by people as `/name`, by programs as `"do": "name"`. */
export interface Action {
  readonly name: string;
  /** One line of help. */
  readonly about: string;
  readonly parameters: readonly Parameter[];
  /** Only for programs: people see it on the screen. */
  readonly forPrograms?: true;
  run(session: Session, given: Given): Promise<Outcome>;
}

/** The result of an action. */
export interface Outcome {
  /** For programs. */
  readonly value: { readonly [name: string]: Json | undefined };
  /** For people: lines; none where it can be seen anyway. */
  readonly said?: readonly string[];
  /** For people: the key of the conversation to show. */
  readonly show?: string;
  /** For people: a text to draw as a QR code, the first one that has room. */
  readonly codes?: readonly string[];
}

/** The checked arguments of an action. */
export class Given {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws CliError BAD_REQUEST when a parameter is missing, of the wrong type, or none of the action's */
  constructor(parameters: readonly Parameter[], values: Readonly<Record<string, unknown>>) {
    for (const name of Object.keys(values)) {
      if (!parameters.some((parameter) => parameter.name === name)) {
        throw new CliError('BAD_REQUEST', `This takes no "${name}".`);
      }
    }
    for (const { name, kind, optional } of parameters) {
      const value = values[name];
      if (value === undefined && optional) continue;
      if (value === undefined) throw new CliError('BAD_REQUEST', `"${name}" is missing.`);
      const fits =
        kind === 'words'
          ? Array.isArray(value) && value.every((item) => typeof item === 'string')
          : typeof value === 'string';
      if (!fits) {
        throw new CliError(
          'BAD_REQUEST',
          `"${name}" has to be ${kind === 'words' ? 'a list of texts' : 'a text'}.`,
        );
      }
    }
    this.#values = values;
  }

  text(name: string): string {
    return this.#values[name] as string;
  }

  optional(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  list(name: string): readonly string[] {
    return this.#values[name] as readonly string[];
  }

  /** A whole number. @throws CliError BAD_REQUEST */
  number(name: string): number | undefined {
    const text = this.optional(name);
    if (text !== undefined && !/^\d{1,9}$/.test(text)) {
      throw new CliError('BAD_REQUEST', `"${name}" has to be a whole number.`);
    }
    return text === undefined ? undefined : Number(text);
  }
}

/** The conversation that it is about: typed, the open one. */
export const CURRENT: Parameter = { name: 'conversation', kind: 'word', current: true };
