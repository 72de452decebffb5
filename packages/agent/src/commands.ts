import { invalidArgument, parseFunction } from '@sotto/core';
import type { AgentMessage, Handler } from './message.js';

/** Names that people can type on any keyboard. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

interface Command {
  readonly about: string;
  readonly handler: Handler;
}

/** The commands of an agent, and the `help` that lists them. */
export class Commands {
  readonly #prefix: string;
  readonly #byName = new Map<string, Command>();

  /** @throws INVALID_ARGUMENT */
  constructor(prefix: string) {
    if (typeof prefix !== 'string' || prefix.trim() === '') throw invalidArgument('prefix', 'empty');
    this.#prefix = prefix;
  }

  /** @throws INVALID_ARGUMENT */
  add(name: string, about: string, handler: Handler): void {
    if (!NAME.test(name)) {
      throw invalidArgument(
        'name of a command',
        'not 1 to 32 of a to z, 0 to 9, - and _, beginning with a letter or digit',
      );
    }
    if (this.#byName.has(name))
      throw invalidArgument('name of a command', `there is a command ${name} already`);
    if (typeof about !== 'string') throw invalidArgument('description of a command', 'not a string');
    this.#byName.set(name, { about, handler: parseFunction(handler, 'handler') });
  }

  /** The command and arguments of a text. Names are not case-sensitive. */
  parse(text: string | undefined): Pick<AgentMessage, 'command' | 'args'> {
    const trimmed = text?.trim() ?? '';
    if (this.#byName.size === 0 || !trimmed.startsWith(this.#prefix))
      return { command: undefined, args: trimmed };
    const [, name = '', args = ''] = /^(\S*)\s*([\s\S]*)$/.exec(trimmed.slice(this.#prefix.length)) ?? [];
    return { command: name.toLowerCase(), args };
  }

  /** Runs the command of a message. */
  async run(message: AgentMessage): Promise<void> {
    const { command = '' } = message;
    const found = this.#byName.get(command);
    if (found !== undefined) await found.handler(message);
    else if (command === 'help') await message.reply(this.#help());
    // Where others talk, what isn't a command of ours may be another bot's.
    else if (message.conversation.kind === 'direct') {
      await message.reply(`There is no such command. ${this.#prefix}help lists the commands.`);
    }
  }

  #help(): string {
    return [...this.#byName]
      .map(([name, { about }]) => `${this.#prefix}${name}${about === '' ? '' : `: ${about}`}`)
      .join('\n');
  }
}
