import { encodeHex } from '@sotto/core';
import {
  type WakuDecodedMessage,
  type WakuDecoder,
  type WakuEncoder,
  type WakuLightNode,
  type WakuProtoMessage,
  type WakuRelayNode,
  type WakuStoreContinuation,
  type WakuStoreQuery,
  type WakuStream,
  wakuMessageHash,
} from '../src/index.js';

type Callback = (message: WakuDecodedMessage) => void | Promise<void>;

interface Stored {
  readonly pubsubTopic: string;
  readonly message: WakuProtoMessage;
}

/** What a test changes about the service nodes. */
export interface Faults {
  /** Failure of each message pushed. */
  refusal?: string | undefined;
  /** Refuses subscriptions. */
  deaf?: boolean | undefined;
  /** Delivers each message so many times. Default 1. */
  copies?: number | undefined;
  /** What a page of the store becomes. */
  page?: ((page: WakuProtoMessage[], cursor: Uint8Array | undefined) => WakuProtoMessage[]) | undefined;
  /** Pages that fail from now on. */
  failingPages?: number | undefined;
  /** Never answers a push. */
  silent?: boolean | undefined;
  /** The end of a subscription is overtaken by the request that follows it. */
  overtaken?: boolean | undefined;
}

const OK = { successes: ['service node'], failures: [] };
const failed = (error: string) => ({ successes: [], failures: [{ error }] });

/** A scripted double of the Waku network with its service nodes, for faults that real ones can't be made to have. */
export class ScriptedWaku {
  readonly faults: Faults = {};
  readonly stored: Stored[] = [];
  readonly #nodes = new Set<ScriptedNode>();

  lightNode(): WakuLightNode & ScriptedNode {
    const node = new ScriptedNode(this);
    this.#nodes.add(node);
    return node as WakuLightNode & ScriptedNode;
  }

  /** Takes a message, and passes it to all who are subscribed. */
  async accept(pubsubTopic: string, message: WakuProtoMessage): Promise<void> {
    this.stored.push({ pubsubTopic, message });
    for (const node of this.#nodes) {
      for (let i = this.faults.copies ?? 1; i > 0; i--) await node.push(pubsubTopic, message);
    }
  }

  /** Cuts all nodes off; the service nodes forget them. */
  async interrupt(): Promise<void> {
    for (const node of this.#nodes) node.disconnect();
    await new Promise<void>((resolve) => setTimeout(resolve));
    for (const node of this.#nodes) node.connect();
  }
}

/** A double of a light node. */
export class ScriptedNode {
  readonly #waku: ScriptedWaku;
  readonly #listeners = new Map<string, Set<() => void>>();
  /** What the node has, by content topic; and what the service node knows. */
  readonly #callbacks = new Map<string, { readonly decoders: WakuDecoder[]; readonly callback: Callback }>();
  readonly #known = new Set<string>();
  /** Content topics whose end is still on its way. */
  readonly #ending = new Set<string>();
  #isConnected = true;
  /** How often it was asked whether the service node knows us. */
  pings = 0;
  /** Names of calls, in order. */
  readonly calls: string[] = [];

  constructor(waku: ScriptedWaku) {
    this.#waku = waku;
  }

  readonly libp2p = {
    addEventListener: (type: string, listener: () => void) => {
      this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(listener));
    },
    removeEventListener: (type: string, listener: () => void) => {
      this.#listeners.get(type)?.delete(listener);
    },
    getConnections: () => [{ streams: this.streams }],
  };

  /** Streams of the only connection. */
  readonly streams: WakuStream[] = [];

  readonly isConnected = () => this.#isConnected;

  /** Listeners for events of peers. */
  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  disconnect(): void {
    this.#isConnected = false;
    this.#known.clear();
    for (const listener of this.#listeners.get('peer:disconnect') ?? []) listener();
  }

  connect(): void {
    this.#isConnected = true;
    for (const listener of this.#listeners.get('peer:connect') ?? []) listener();
  }

  /** The service node forgets us, without a word. */
  forget(): void {
    this.#known.clear();
  }

  readonly lightPush = {
    send: async (encoder: WakuEncoder) => {
      this.calls.push('push');
      const { refusal, silent } = this.#waku.faults;
      if (silent) return new Promise<never>(() => {});
      if (!this.#isConnected) return failed('No peer available');
      if (refusal !== undefined) return failed(refusal);
      const message = await encoder.toProtoObj({});
      if (message === undefined) return failed('Failed to encode');
      await this.#waku.accept(encoder.pubsubTopic, message);
      return OK;
    },
  };

  readonly filter = {
    subscribe: async (decoders: WakuDecoder[], callback: Callback) => {
      this.calls.push(`subscribe ${decoders.length}`);
      if (!this.#isConnected) return { subscription: null, error: 'No peer available', results: null };
      queueMicrotask(() => this.#end());
      for (const decoder of decoders) {
        this.#callbacks.set(decoder.contentTopic, { decoders: [decoder], callback });
        if (!this.#waku.faults.deaf) this.#known.add(decoder.contentTopic);
      }
      return {
        subscription: this.#subscription,
        error: null,
        results: this.#waku.faults.deaf ? failed('Remote peer rejected') : OK,
      };
    },
  };

  readonly #subscription = {
    unsubscribe: async (contentTopics: string[]) => {
      for (const contentTopic of contentTopics) {
        this.#callbacks.delete(contentTopic);
        this.#ending.add(contentTopic);
      }
      if (!this.#waku.faults.overtaken) this.#end();
      return OK;
    },
    ping: async () => {
      this.pings++;
      this.#end();
      return this.#callbacks.size > this.#known.size ? failed('Remote peer rejected') : OK;
    },
    unsubscribeAll: async () => {
      this.calls.push('unsubscribe all');
      this.#callbacks.clear();
      this.#known.clear();
      return OK;
    },
  };

  #end(): void {
    for (const contentTopic of this.#ending) this.#known.delete(contentTopic);
    this.#ending.clear();
  }

  readonly store = {
    queryGenerator: (decoders: WakuDecoder[], options: WakuStoreQuery | WakuStoreContinuation) =>
      this.#pages(decoders, options),
  };

  async *#pages(
    decoders: WakuDecoder[],
    options: WakuStoreQuery | WakuStoreContinuation,
  ): AsyncGenerator<Promise<WakuDecodedMessage | undefined>[]> {
    this.calls.push(`page of ${decoders.length}`);
    const { faults, stored } = this.#waku;
    if (!this.#isConnected) return;
    if (faults.failingPages) {
      faults.failingPages--;
      throw new Error('Stream reset.');
    }
    const pubsubTopic = decoders[0]?.pubsubTopic ?? '';
    const byTopic = new Map(decoders.map((decoder) => [decoder.contentTopic, decoder]));
    const { timeStart, timeEnd, paginationLimit } = options;
    const paginationCursor = 'paginationCursor' in options ? options.paginationCursor : undefined;
    const found = stored
      .filter((one) => one.pubsubTopic === pubsubTopic && byTopic.has(one.message.contentTopic))
      .map(({ message }) => message)
      .filter(({ timestamp = 0n }) => {
        const time = Number(timestamp) / 1e6;
        return time >= timeStart.getTime() && time < timeEnd.getTime();
      });
    const after = paginationCursor && encodeHex(paginationCursor);
    const at = found.findIndex((message) => encodeHex(wakuMessageHash(pubsubTopic, message)) === after);
    let page = found.slice(at + 1, at + 1 + paginationLimit);
    if (faults.page !== undefined) page = faults.page(page, paginationCursor);
    if (page.length === 0) return;
    yield page.map(async (message) =>
      (byTopic.get(message.contentTopic) ?? decoders[0])?.fromProtoObj(pubsubTopic, message),
    );
  }

  /** Delivers a message, as the service node does. */
  async push(pubsubTopic: string, message: WakuProtoMessage): Promise<void> {
    const known = this.#callbacks.get(message.contentTopic);
    if (known === undefined || !this.#known.has(message.contentTopic)) return;
    for (const decoder of known.decoders) {
      if (decoder.pubsubTopic !== pubsubTopic) continue;
      const decoded = await decoder.fromProtoObj(pubsubTopic, message);
      if (decoded !== undefined) await known.callback(decoded);
    }
  }
}

/** A double of relay nodes that hear each other, but not themselves. */
export function scriptedRelay(): () => WakuRelayNode {
  const subscriptions = new Set<{ node: WakuRelayNode; decoder: WakuDecoder; callback: Callback }>();
  return () => {
    const node: WakuRelayNode = {
      libp2p: { addEventListener() {}, removeEventListener() {} },
      isConnected: () => true,
      relay: {
        async send(encoder) {
          const wire = await encoder.toWire({});
          if (wire === undefined) return failed('Failed to encode');
          for (const { node: other, decoder, callback } of [...subscriptions]) {
            if (other === node || decoder.pubsubTopic !== encoder.pubsubTopic) continue;
            const proto = await decoder.fromWireToProtoObj(wire);
            if (proto === undefined || proto.contentTopic !== decoder.contentTopic) continue;
            const decoded = await decoder.fromProtoObj(encoder.pubsubTopic, proto);
            if (decoded !== undefined) await callback(decoded);
          }
          return OK;
        },
        subscribeWithUnsubscribe(decoders, callback) {
          const own = decoders.map((decoder) => ({ node, decoder, callback }));
          for (const one of own) subscriptions.add(one);
          return () => {
            for (const one of own) subscriptions.delete(one);
          };
        },
      },
    };
    return node;
  };
}
