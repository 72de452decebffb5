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
  /** The field of a JSON request. */
  readonly name: string;
  /** How it is typed: one word, the rest of the line, or every remaining word. */
  readonly kind: 'word' | 'rest' | 'words';
  readonly optional?: true | undefined;
  /** Never typed: it is the conversation that is open. */
  readonly current?: true | undefined;
}

/** A command: typed as `/name`, or requested by a program as `"do": "name"`. */
export interface Action {
  readonly name: string;
  /** One line of help. */
  readonly about: string;
  readonly parameters: readonly Parameter[];
  /** Only offered to programs: people see its result on the screen anyway. */
  readonly forPrograms?: true | undefined;
  run(session: Session, args: Arguments): Promise<Outcome>;
}

/** The result of an action. */
export interface Outcome {
  /** The result that programs receive. */
  readonly value: { readonly [name: string]: Json | undefined };
  /** Lines for the screen. Absent when the screen shows the effect anyway. */
  readonly said?: readonly string[] | undefined;
  /** Key of the conversation to open on the screen; `''` closes the open one. */
  readonly show?: string | undefined;
  /** Texts to draw as a QR code on the screen, largest first: the first that fits is drawn. */
  readonly codes?: readonly string[] | undefined;
}

/** The checked arguments of an action. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;

  /** @throws CliError BAD_REQUEST when an argument is missing, unknown, or of the wrong type */
  constructor(parameters: readonly Parameter[], values: Readonly<Record<string, unknown>>) {
    for (const name of Object.keys(values)) {
      if (!parameters.some((parameter) => parameter.name === name)) {
        throw new CliError('BAD_REQUEST', `Unknown parameter "${name}".`);
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
          `"${name}" must be ${kind === 'words' ? 'a list of strings' : 'a string'}.`,
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
      throw new CliError('BAD_REQUEST', `"${name}" must be a whole number.`);
    }
    return text === undefined ? undefined : Number(text);
  }
}

/** The conversation an action applies to. On the screen, that is the open one. */
export const CURRENT: Parameter = { name: 'conversation', kind: 'word', current: true };
