import type { CarrierCapabilities, Topic } from '@sotto/core';
import type { CarrierFixture } from '../src/carrier.js';
import {
  type Carried,
  type CarrierClass,
  CarrierNetwork,
  ReferenceCarrierConnection as Reference,
  RetainingCarrierConnection,
  turn,
} from './reference-carrier.js';

/** A carrier with one promise broken, and cases that have to notice it. */
export interface BrokenCarrier {
  readonly fault: string;
  readonly createPlace: () => CarrierFixture;
  readonly caughtBy: readonly string[];
}

function broken(fault: string, Class: CarrierClass, ...caughtBy: string[]): BrokenCarrier {
  return { fault, createPlace: () => new CarrierNetwork(Class).place(), caughtBy };
}

function boasting(fault: string, claims: object, ...caughtBy: string[]): BrokenCarrier {
  const capabilities = claims as Partial<CarrierCapabilities>;
  return { fault, createPlace: () => new CarrierNetwork(Reference, capabilities).place(), caughtBy };
}

/** Never settles. */
const hang = () => new Promise<never>(() => {});

/** What of retaining carriers is broken: for cases with `retains`. */
export const brokenRetainingCarriers: readonly BrokenCarrier[] = [
  broken('retains nothing', Reference, 'topics: a subscription delivers what was sent shortly before'),
  broken(
    'brings it with each subscription',
    class extends RetainingCarrierConnection {
      override async subscribe(topics: readonly Topic[]) {
        this.topics = [];
        await super.subscribe(topics);
      }
    },
    'topics: a subscription delivers what was sent shortly before',
  ),
  broken(
    'brings all that it retains',
    class extends RetainingCarrierConnection {
      override async subscribe(topics: readonly Topic[]) {
        await super.subscribe(topics);
        for (const carried of this.network.carried) if (!this.wants(carried.topic)) this.give(carried, false);
      }
    },
    'topics: a subscription delivers what was sent shortly before',
  ),
  broken(
    'gives history as if it were live',
    class extends RetainingCarrierConnection {
      override give(carried: Carried) {
        super.give(carried, false);
      }
    },
    'history: a latecomer receives what was sent before, marked as history',
  ),
];

export const brokenCarriers: readonly BrokenCarrier[] = [
  broken(
    'keeps what slice gives, which is a view of a Buffer',
    class extends Reference {
      override copyIn(bytes: Uint8Array) {
        return bytes.slice();
      }
      override async carry(carried: Carried) {
        await turn();
        await super.carry(carried);
      }
      override async publish(topic: Topic, envelope: Uint8Array, options = {}) {
        void super.publish(topic, envelope, options);
      }
    },
    'bytes: every kind of Uint8Array is accepted, and copied',
  ),
  broken(
    'takes whatever has bytes',
    class extends Reference {
      override copyIn(bytes: Uint8Array) {
        return Uint8Array.from(bytes ?? []);
      }
      override checkSize(envelope: Uint8Array) {
        super.checkSize(Uint8Array.from(envelope ?? []));
      }
    },
    'bytes: anything but a Uint8Array is refused',
  ),
  broken(
    'loses every third envelope',
    class extends Reference {
      #given = 0;
      override give(carried: Carried, fromHistory: boolean) {
        if (++this.#given % 3 !== 0) super.give(carried, fromHistory);
      }
    },
    'delivery: of 100 sent concurrently, none is lost',
    'history: a latecomer receives what was sent before, marked as history',
  ),
  broken(
    'delivers to the first who subscribed alone',
    class extends Reference {
      override async carry(carried: Carried) {
        this.network.carried.push(carried);
        for (const end of this.network.ends) if (end.wants(carried.topic)) return end.arrive(carried);
      }
    },
    'delivery: an envelope arrives at all subscribers',
  ),
  broken(
    'gives a sender its own envelopes, and nobody else',
    class extends Reference {
      override async carry(carried: Carried) {
        this.network.carried.push(carried);
        this.arrive(carried);
      }
    },
    'delivery: an envelope arrives with its topic, and not as history',
    'delivery: both ways between two subscribers',
    'close: another connection can follow',
  ),
  broken(
    'marks everything as history',
    class extends Reference {
      override give(carried: Carried) {
        super.give(carried, true);
      }
    },
    'delivery: an envelope arrives with its topic, and not as history',
  ),
  broken(
    'repeats envelopes',
    class extends Reference {
      override give(carried: Carried, fromHistory: boolean) {
        super.give(carried, fromHistory);
        super.give(carried, fromHistory);
      }
    },
    'delivery: each envelope arrives once',
  ),
  broken(
    'repeats envelopes in another form',
    class extends Reference {
      override give(carried: Carried, fromHistory: boolean) {
        super.give(carried, fromHistory);
        super.give({ ...carried, envelope: carried.envelope.slice(1) }, fromHistory);
      }
    },
    'delivery: what is not sent does not arrive',
  ),
  broken(
    'brings them two by two, the second first',
    class extends Reference {
      #kept: Carried | undefined;
      override give(carried: Carried, fromHistory: boolean) {
        const kept = this.#kept;
        this.#kept = kept ? undefined : carried;
        if (!kept) {
          setImmediate(() => {
            if (this.#kept !== carried) return;
            this.#kept = undefined;
            super.give(carried, fromHistory);
          });
          return;
        }
        super.give(carried, fromHistory);
        super.give(kept, fromHistory);
      }
    },
    'delivery: in the order in which publish resolved',
  ),
  broken(
    'corrupts what is longer than 4,000 bytes',
    class extends Reference {
      override give(carried: Carried, fromHistory: boolean) {
        if (carried.envelope.length > 4_000) carried.envelope[4_000] = 0;
        super.give(carried, fromHistory);
      }
    },
    'bytes: contents of many sizes arrive unaltered',
    'bytes: the largest envelope arrives, and one larger is refused',
  ),
  broken(
    'never answers a publish',
    class extends Reference {
      override async publish() {
        return hang();
      }
    },
    'delivery: an envelope arrives with its topic, and not as history',
    'close: in the middle of many calls, each of them settles',
    'abort: a signal that fires meanwhile ends only its call',
  ),
  broken(
    'delivers whatever the topic',
    class extends Reference {
      override wants() {
        return true;
      }
    },
    'topics: only what was subscribed to arrives',
    'topics: nothing arrives without a subscription',
    'topics: an empty list ends all, and a list begins again',
  ),
  broken(
    'looks at three bytes of a topic',
    class extends Reference {
      override wants(topic: Topic) {
        return this.topics.some(
          (wanted) => super.wants(topic) || wanted.slice(0, 6) === hex(topic).slice(0, 6),
        );
      }
    },
    'topics: the topics differ in every byte',
  ),
  broken(
    'says that everything came by the first topic of the list',
    class extends Reference {
      override give(carried: Carried, fromHistory: boolean) {
        super.give(
          { ...carried, topic: Uint8Array.from(Buffer.from(this.topics[0] ?? '', 'hex')) },
          fromHistory,
        );
      }
    },
    'topics: several together, each with its own',
    'history: only of the requested topics',
  ),
  broken(
    'adds to the list instead of replacing it',
    class extends Reference {
      override async subscribe(topics: readonly Topic[]) {
        const before = this.topics;
        await super.subscribe(topics);
        this.topics = [...before, ...this.topics];
      }
    },
    'topics: a new list replaces the previous one',
  ),
  broken(
    'has one list for all',
    class extends Reference {
      override wants(topic: Topic) {
        return [...this.network.ends].some((end) => end.topics.includes(hex(topic)));
      }
    },
    'topics: the subscriptions of one are not those of another',
  ),
  broken(
    'delivers once for each time that a topic is named',
    class extends Reference {
      override arrive(carried: Carried) {
        for (const topic of this.topics) if (topic === hex(carried.topic)) this.give(carried, false);
      }
    },
    'topics: one listed twice delivers each envelope once',
  ),
  broken(
    'takes a hundred topics at most',
    class extends Reference {
      override async subscribe(topics: readonly Topic[]) {
        await super.subscribe(topics.slice(0, 100));
      }
    },
    'topics: 1000 at once',
  ),
  broken(
    'retains what was sent, and does not say so',
    RetainingCarrierConnection,
    'topics: a subscription does not deliver what was sent before',
  ),
  broken(
    'keeps the bytes of the list',
    class extends Reference {
      #list: readonly Topic[] = [];
      override async subscribe(topics: readonly Topic[]) {
        await super.subscribe(topics);
        this.#list = topics;
      }
      override wants(topic: Topic) {
        return this.#list.some((wanted) => hex(wanted) === hex(topic));
      }
    },
    'topics: the list is borrowed until subscribe resolves, and no longer',
  ),
  broken(
    'takes what is too large',
    class extends Reference {
      override checkSize() {}
    },
    'bytes: the largest envelope arrives, and one larger is refused',
  ),
  broken(
    'sends the bytes as they are when their turn comes',
    class extends Reference {
      override async publish(topic: Topic, envelope: Uint8Array) {
        this.checkOpen();
        setImmediate(() => void this.carry({ topic, envelope, at: Date.now() }));
      }
    },
    'bytes: they belong to the sender again when publish resolves',
  ),
  broken(
    'gives all receivers the same bytes',
    class extends Reference {
      override give({ topic, envelope }: Carried, fromHistory: boolean) {
        void this.handler.onEnvelope(topic, envelope, fromHistory);
      }
    },
    'bytes: what arrives belongs only to its receiver',
  ),
  broken(
    'goes on after it was closed',
    class extends Reference {
      override async close() {}
    },
    'close: afterwards every call is refused, and closing again is fine',
    'close: nothing arrives afterwards, and the others are unaffected',
    'interruption: a connection closed meanwhile stays closed',
  ),
  broken(
    'cannot be closed twice',
    class extends Reference {
      override async close() {
        this.checkOpen();
        await super.close();
      }
    },
    'close: afterwards every call is refused, and closing again is fine',
  ),
  broken(
    'closes in the middle, and never settles what was under way',
    class extends Reference {
      override async carry(carried: Carried) {
        await turn();
        if (this.closed) return hang();
        await super.carry(carried);
      }
    },
    'close: in the middle of many calls, each of them settles',
  ),
  broken(
    'closes the whole network',
    class extends Reference {
      override async close() {
        for (const end of [...this.network.ends]) {
          end.closed = true;
          this.network.ends.delete(end);
        }
        this.closed = true;
      }
    },
    'close: nothing arrives afterwards, and the others are unaffected',
  ),
  broken(
    'can be opened once',
    class extends Reference {
      override async close() {
        await super.close();
        this.network.carried.length = 0;
        Broken.add(this.network);
      }
      override arrive(carried: Carried) {
        if (!Broken.has(this.network)) super.arrive(carried);
      }
    },
    'close: another connection can follow',
  ),
  broken(
    'does not look at signals',
    class extends Reference {
      override checkSignal() {}
    },
    'abort: a signal that has fired stops open, publish and history',
  ),
  broken(
    'closes when a call is aborted',
    class extends Reference {
      override async publish(
        topic: Topic,
        envelope: Uint8Array,
        options: { readonly signal?: AbortSignal } = {},
      ) {
        options.signal?.addEventListener('abort', () => void this.close());
        await super.publish(topic, envelope, options);
      }
    },
    'abort: a signal that fires meanwhile ends only its call',
  ),
  broken(
    'says how it went before history is through',
    class extends Reference {
      override async history(topics: readonly Topic[], from: number, to: number) {
        this.checkOpen();
        const selected = this.selected(topics.map(hex), from, to);
        setImmediate(() => {
          for (const carried of selected) this.give(carried, true);
        });
      }
    },
    'history: a latecomer receives what was sent before, marked as history',
    'history: may be requested again, and by several concurrently',
  ),
  broken(
    'gives history as if it were live',
    class extends Reference {
      override give(carried: Carried) {
        super.give(carried, false);
      }
    },
    'history: a latecomer receives what was sent before, marked as history',
  ),
  broken(
    'gives all that it has as history',
    class extends Reference {
      override selected() {
        return this.network.carried;
      }
    },
    'history: only of the requested topics',
    'history: only of the requested time',
  ),
  broken(
    'waits for history where there is none',
    class extends Reference {
      override async history(topics: readonly Topic[], from: number, to: number, options = {}) {
        if (this.selected(topics.map(hex), from, to).length === 0 && !this.closed) await hang();
        await super.history(topics, from, to, options);
      }
    },
    'history: an empty one ends',
  ),
  broken(
    'does not report an interruption',
    class extends Reference {
      override tell() {}
    },
    'interruption: reported, restored, and subscribed again',
  ),
  broken(
    'forgets the subscriptions when it was interrupted',
    class extends Reference {
      override async comeBack() {
        this.topics = [];
        await super.comeBack();
      }
    },
    'interruption: reported, restored, and subscribed again',
    'interruption: what is published meanwhile is accepted or refused as unavailable',
  ),
  broken(
    'refuses for good while it is interrupted',
    class extends Reference {
      override async publish(topic: Topic, envelope: Uint8Array, options = {}) {
        if (this.network.cut) throw new Error('socket hang up');
        await super.publish(topic, envelope, options);
      }
    },
    'interruption: what is published meanwhile is accepted or refused as unavailable',
  ),
  boasting(
    'says nothing of sizes',
    { maxEnvelopeBytes: undefined },
    'capabilities: they are known before anyone connects',
  ),
];

/** Networks that somebody has left. */
const Broken = new WeakSet<CarrierNetwork>();

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
