import { type Clock, isSottoError, type Logger } from '@sotto/core';
import { Params } from './params.js';
import { methodNotFound, RpcError, refused, tooMany } from './rpc-error.js';

/** One client: over HTTP a request, over a WebSocket the connection. */
export interface RpcSession {
  /** The name of its address, see `addressName`, by which limits count. */
  readonly client: string;
  /** Sends a notification; `undefined` where that is impossible. */
  readonly notify: ((subscription: string, namespace: string, result: unknown) => void) | undefined;
  /** Functions that end the client's subscriptions, by id. */
  readonly subscriptions: Map<string, () => void>;
}

/** @param client name of the caller's address */
export type Method = (params: Params, client: string) => unknown;

/** Begins a subscription; the returned function ends it. */
export type Subscriber = (params: Params, notify: (result: unknown) => void, client: string) => () => void;

/** The methods that can be called. */
export interface Api {
  /** Versions by namespace. */
  readonly modules: Readonly<Record<string, string>>;
  /** Methods by full name. */
  readonly methods: ReadonlyMap<string, Method>;
  /** Subscriptions by namespace and kind: `shh messages`. */
  readonly subscribers: ReadonlyMap<string, Subscriber>;
}

export interface DispatcherOptions {
  readonly api: Api;
  readonly logger: Logger;
  /** Most calls of one batch. */
  readonly maxBatch: number;
  /** 32 hex digits, fresh. */
  readonly newSubscriptionId: () => string;
  /** Milliseconds that a call has to wait, by the caller's address; `undefined` when it is refused. */
  readonly delayOf: (client: string) => number | undefined;
  readonly clock: Clock;
  /** Called for each call, for metrics. */
  readonly onCall: (method: string, outcome: string) => void;
}

type Json = Readonly<Record<string, unknown>>;

/** JSON-RPC 2.0 as go-ethereum 1.9 speaks it. */
export class Dispatcher {
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Answers a message; `undefined` when there is no answer. */
  async answer(text: string, session: RpcSession): Promise<string | undefined> {
    let request: unknown;
    try {
      request = JSON.parse(text);
    } catch {
      return JSON.stringify(failure(null, new RpcError(-32_700, 'parse error')));
    }
    if (!Array.isArray(request)) return encode(await this.#one(request, session));
    const { maxBatch } = this.#options;
    if (request.length === 0) return encode(failure(null, new RpcError(-32_600, 'empty batch')));
    if (request.length > maxBatch) {
      return encode(failure(null, new RpcError(-32_600, `a batch of more than ${maxBatch} calls`)));
    }
    const answers: Json[] = [];
    for (const one of request) {
      const answer = await this.#one(one, session);
      if (answer !== undefined) answers.push(answer);
    }
    return answers.length === 0 ? undefined : JSON.stringify(answers);
  }

  /** Ends the client's subscriptions. */
  end(session: RpcSession): void {
    for (const end of session.subscriptions.values()) end();
    session.subscriptions.clear();
  }

  async #one(request: unknown, session: RpcSession): Promise<Json | undefined> {
    if (!isObject(request)) return failure(null, new RpcError(-32_600, 'invalid request'));
    const { id, method, params } = request;
    const isNoId = typeof id === 'object' && id !== null;
    if (typeof method !== 'string' || isNoId) {
      return failure(isNoId ? null : (id ?? null), new RpcError(-32_600, 'invalid request'));
    }
    try {
      await this.#waitForTurn(session.client);
      const result = await this.#call(method, params, session);
      this.#count(method, 'done');
      return id === undefined ? undefined : { jsonrpc: '2.0', id, result };
    } catch (error) {
      this.#count(method, 'refused');
      const told = this.#refusalOf(error);
      return id === undefined ? undefined : failure(id, told);
    }
  }

  async #waitForTurn(client: string): Promise<void> {
    const { clock, delayOf } = this.#options;
    const delay = delayOf(client);
    if (delay === undefined) throw tooMany('too many calls from this address; try again later');
    if (delay > 0) await new Promise<void>((resolve) => clock.after(delay, resolve));
  }

  async #call(name: string, values: unknown, session: RpcSession): Promise<unknown> {
    const { modules, methods } = this.#options.api;
    if (values !== undefined && values !== null && !Array.isArray(values)) {
      throw new RpcError(-32_602, 'non-array args');
    }
    const params = new Params(values ?? []);
    if (name === 'rpc_modules') return modules;
    const [namespace = '', verb] = name.split('_');
    if (verb === 'subscribe' && name === `${namespace}_subscribe`)
      return this.#subscribe(namespace, values ?? [], session);
    if (verb === 'unsubscribe' && name === `${namespace}_unsubscribe`) return unsubscribe(params, session);
    const method = methods.get(name);
    if (method === undefined) throw methodNotFound(name);
    return method(params, session.client);
  }

  #subscribe(namespace: string, values: readonly unknown[], session: RpcSession): string {
    const { api, newSubscriptionId } = this.#options;
    const { notify } = session;
    if (notify === undefined) throw refused('notifications not supported');
    const kind = new Params(values).text(0);
    if (!(namespace in api.modules)) throw methodNotFound(`${namespace}_subscribe`);
    const subscriber = api.subscribers.get(`${namespace} ${kind}`);
    if (subscriber === undefined) {
      throw new RpcError(-32_601, `no "${kind}" subscription in ${namespace} namespace`);
    }
    const id = `0x${newSubscriptionId()}`;
    const end = subscriber(
      new Params(values.slice(1)),
      (result) => notify(id, namespace, result),
      session.client,
    );
    session.subscriptions.set(id, end);
    return id;
  }

  #refusalOf(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    if (isSottoError(error, 'CLOSED')) return refused('the node is stopping');
    this.#options.logger.error('rpc.failed', { reason: error instanceof Error ? error.name : 'unknown' });
    return refused('internal error');
  }

  #count(method: string, outcome: string): void {
    const { api, onCall } = this.#options;
    onCall(api.methods.has(method) ? method : 'other', outcome);
  }
}

function unsubscribe(params: Params, session: RpcSession): boolean {
  const id = params.text(0);
  const end = session.subscriptions.get(id);
  if (end === undefined) throw refused('subscription not found');
  session.subscriptions.delete(id);
  end();
  return true;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function failure(id: unknown, { code, message }: RpcError): Json {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

function encode(answer: Json | undefined): string | undefined {
  return answer && JSON.stringify(answer);
}
