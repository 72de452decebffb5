import { decodeText, encodeText } from '@sotto/conversations';
import {
  type Clock,
  encodeHex,
  errorName,
  isSottoError,
  type Logger,
  parseFunction,
  parseObject,
  SottoError,
  silentLogger,
  systemClock,
} from '@sotto/core';
import type { Conversation, Messenger, ReceivedMessage } from '@sotto/messenger';
import { Admission } from './admission.js';
import { Commands } from './commands.js';
import { type AgentLimits, parseLimits } from './limits.js';
import type { AgentMessage, Handler, Middleware } from './message.js';
import type { AgentOptions, Refusal, ServeOptions, StopOptions } from './options.js';
import { WorkQueue } from './work-queue.js';

const GRACE_MS = 10_000;

/**
 * Creates an agent: say what it does with `command`, `onMessage` and `use`, then `serve` one messenger or several.
 * @throws INVALID_ARGUMENT with the name of the wrong option
 */
export function createAgent(options: AgentOptions = {}): Agent {
  return new Agent(options);
}

/** What a bot does, for one or several messengers. Made by {@link createAgent}. */
export class Agent {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: AgentLimits;
  readonly #kinds: ReadonlySet<Conversation['kind']>;
  readonly #options: Pick<AgentOptions, 'onError' | 'onRefused'>;
  readonly #admission: Admission;
  readonly #commands: Commands;
  readonly #middleware: Middleware[] = [];
  readonly #handlers: Handler[] = [];
  readonly #queue: WorkQueue;
  readonly #messengers = new Map<Messenger, () => void>();
  readonly #running = new Set<AbortController>();
  #stopping: Promise<void> | undefined;

  /** @internal */
  constructor(options: AgentOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#limits = parseLimits(options.limits ?? {});
    this.#kinds = new Set(options.conversations ?? ['direct']);
    this.#options = options;
    this.#admission = new Admission(options, this.#clock, this.#limits.senders);
    this.#commands = new Commands(options.prefix ?? '/');
    this.#queue = new WorkQueue(this.#limits.concurrent, this.#limits.queued);
  }

  /**
   * Adds a command: `/name arguments`. `/help` lists the commands, unless you add one of that name.
   * @param name 1 to 32 of `a` to `z`, `0` to `9`, `-` and `_`
   * @param about what it does, for `/help`
   * @throws INVALID_ARGUMENT also when there is a command of that name
   */
  command(name: string, about: string, handler: Handler): this {
    this.#commands.add(name, about, handler);
    return this;
  }

  /** Adds a handler for what is not a command. All of them run, in the order in which they were added. */
  onMessage(handler: Handler): this {
    this.#handlers.push(parseFunction(handler, 'handler'));
    return this;
  }

  /** Adds a middleware around commands and handlers. The one added first is the outermost. */
  use(middleware: Middleware): this {
    this.#middleware.push(parseFunction(middleware, 'middleware'));
    return this;
  }

  /**
   * Starts a messenger and handles its messages, and those that an earlier run has not finished. The messenger must not have been
   * started; the agent closes it. Call it once for each identity.
   *
   * @param options as for `Messenger.start`
   * @throws CLOSED after {@link stop}; INVALID_ARGUMENT; whatever `Messenger.start` throws: then call it again
   */
  async serve(messenger: Messenger, options?: ServeOptions): Promise<void> {
    parseObject(messenger, 'messenger', 'on', 'start', 'send');
    if (this.#stopping !== undefined)
      throw new SottoError('CLOSED', 'The agent has stopped.', { what: 'agent' });
    if (!this.#messengers.has(messenger)) {
      const remove = messenger.on('message', (received) => this.#receive(messenger, received));
      this.#messengers.set(messenger, remove);
    }
    try {
      await messenger.start(options);
    } catch (error) {
      // Stopped while it was connecting: not a failure.
      if (this.#stopping === undefined || !isSottoError(error, 'CLOSED')) throw error;
    }
  }

  /**
   * Stops: takes no further messages, lets the running handlers finish, then closes all messengers, which send what they still can.
   * Messages that were not handled are handled at the next start. May be called again.
   */
  stop({ graceMs = GRACE_MS }: StopOptions = {}): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    for (const remove of this.#messengers.values()) remove();
    this.#queue.close();
    const cancel = this.#clock.after(graceMs, () => {
      for (const controller of this.#running) controller.abort(stopped());
    });
    await this.#queue.settled();
    cancel();
    await Promise.all([...this.#messengers.keys()].map((messenger) => messenger.close()));
  }

  async #receive(messenger: Messenger, received: ReceivedMessage): Promise<void> {
    if (received.ownCopy || !this.#kinds.has(received.conversation.kind)) {
      await received.acknowledge();
      return;
    }
    const reason = this.#admission.refusal(received) ?? this.#enqueue(messenger, received);
    if (reason === undefined) return;
    this.#options.onRefused?.({ reason, received, messenger });
    await received.acknowledge();
  }

  #enqueue(messenger: Messenger, received: ReceivedMessage): Refusal['reason'] | undefined {
    const lane = `${encodeHex(messenger.identity)} ${laneOf(received.conversation)}`;
    return this.#queue.add(lane, () => this.#handle(messenger, received)) ? undefined : 'overloaded';
  }

  async #handle(messenger: Messenger, received: ReceivedMessage): Promise<void> {
    const controller = new AbortController();
    const message = this.#messageOf(messenger, received, controller.signal);
    this.#running.add(controller);
    const { handlerMs } = this.#limits;
    const cancel = this.#clock.after(handlerMs, () => controller.abort(tookTooLong(handlerMs)));
    try {
      await untilAborted(this.#dispatch(message, 0), controller.signal);
    } catch (error) {
      // Neither handled nor failed by itself: it is delivered again at the next start.
      if (controller.signal.aborted && this.#stopping !== undefined) return;
      await this.#failed(error, message);
    } finally {
      cancel();
      this.#running.delete(controller);
    }
    await received.acknowledge().catch((error: unknown) => this.#log('message not acknowledged', error));
  }

  /** Runs the middleware from the given one on, then the command or the handlers. */
  async #dispatch(message: AgentMessage, from: number): Promise<void> {
    const middleware = this.#middleware[from];
    if (middleware !== undefined) await middleware(message, () => this.#dispatch(message, from + 1));
    else if (message.command !== undefined) await this.#commands.run(message);
    else for (const handler of this.#handlers) await handler(message);
  }

  async #failed(error: unknown, message: AgentMessage): Promise<void> {
    this.#log('handler failed', error);
    try {
      await this.#options.onError?.(error, message);
    } catch (another) {
      this.#log('onError failed', another);
    }
  }

  #log(event: string, error: unknown): void {
    this.#logger.error(event, { error: errorName(error) });
  }

  #messageOf(messenger: Messenger, received: ReceivedMessage, signal: AbortSignal): AgentMessage {
    const { payload, sender, conversation } = received;
    const text = textOf(payload);
    return {
      ...this.#commands.parse(text),
      text,
      payload,
      sender,
      conversation,
      received,
      messenger,
      signal,
      reply: (content) =>
        messenger.send(conversation, typeof content === 'string' ? encodeText(content) : content),
    };
  }
}

function textOf(payload: Uint8Array): string | undefined {
  try {
    return decodeText(payload);
  } catch {
    return undefined;
  }
}

function laneOf(conversation: Conversation): string {
  switch (conversation.kind) {
    case 'direct':
      return encodeHex(conversation.peer);
    case 'group':
      return conversation.groupId;
    case 'public':
      return conversation.name;
  }
}

/** Settles as the work does, or rejects with the reason of the signal when that fires first. */
function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}

const stopped = () => new SottoError('ABORTED', 'The agent stops.', { what: 'handler' });

const tookTooLong = (milliseconds: number) =>
  new SottoError('TIMEOUT', 'The handler took too long.', { what: 'handler', milliseconds });
